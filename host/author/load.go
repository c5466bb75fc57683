package author

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/snatd/snatd/host/policy"
)

// cost is what loading a module took.
type cost struct {
	compile time.Duration
	start   time.Duration // of a fresh instance, with its validate
}

// timedLoad loads the module, and once more to tell the compiler's time from the
// guest's: the second time there is nothing to compile.
func (t *trial) timedLoad(ctx context.Context) (*policy.Module, cost, error) {
	begin := time.Now()
	m, err := t.load(ctx)
	first := time.Since(begin)
	if err != nil {
		return nil, cost{}, err
	}
	begin = time.Now()
	again, err := t.load(ctx)
	second := time.Since(begin)
	if err == nil {
		err = again.Close(ctx)
	}
	return m, cost{max(first-second, 0), second}, err
}

// refused says that a module was not even started: it does not fit the ABI.
// Settings that cannot be facts are of the same class, and the sidecar's fault.
func refused(err error) bool {
	failed, ok := errors.AsType[*policy.Error](err)
	return ok && failed.Class == policy.ClassLoad && !strings.HasPrefix(failed.Message, "config: ")
}

// settings tells what validate has to look at.
func (t *trial) settings() string {
	if t.file.SidecarPath == "" {
		return "no sidecar"
	}
	return count(len(t.file.Sidecar.Config), "setting") + " of the sidecar"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
