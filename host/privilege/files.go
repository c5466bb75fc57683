package privilege

import (
	"fmt"

	"github.com/landlock-lsm/go-landlock/landlock"
)

// Confine gives up, on all threads, opening, making and removing files but below a directory,
// or anywhere for an empty one, and what else the kernel lets a process give up: files from
// Linux 5.13, TCP from 6.7, abstract sockets of others and signals to them from 6.12. An older
// kernel, or one without Landlock, takes less, which is no error.
//
// What asks for no open file stays: looking at files and changing their modes, sockets that
// have a path, UDP. It is what the process's user may do.
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
