package privilege

import (
	"fmt"

	"github.com/landlock-lsm/go-landlock/landlock"
)

// Confine gives up, on all threads, all files that are not open but those below a directory,
// or all for an empty one, and what else the kernel lets a process give up: files from Linux
// 5.13, TCP from 6.7, abstract sockets of others and signals to them from 6.12. An older
// kernel, or one without Landlock, takes less, which is no error.
func Confine(directory string) error {
	var rules []landlock.Rule
	if directory != "" {
		// What is missing is for those to tell who need it.
		rules = append(rules, landlock.RWDirs(directory).IgnoreIfMissing())
	}
	if err := landlock.V6.BestEffort().Restrict(rules...); err != nil {
		return fmt.Errorf("give up files outside of %q: %w", directory, err)
	}
	return nil
}
