package test

import (
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Without CAP_NET_ADMIN there is one clear line.
func TestWithoutCapability(t *testing.T) {
	d := prepare(t)
	type result struct {
		stderr string
		err    error
	}
	done := make(chan result)
	go func() {
		// The bounding set is the thread's: it ends with this goroutine, and the
		// child that it forks cannot regain what is not in the set.
		runtime.LockOSThread()
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_NET_ADMIN, 0, 0, 0); err != nil {
			done <- result{err: err}
			return
		}
		command := d.command(nil, "run")
		var stderr strings.Builder
		command.Stderr = &stderr
		err := command.Run()
		done <- result{stderr.String(), err}
	}()
	r := <-done
	if line := strings.TrimSpace(r.stderr); r.err == nil || !strings.Contains(line, "CAP_NET_ADMIN") || strings.Contains(line, "\n") {
		t.Errorf("without CAP_NET_ADMIN: %v\n%s", r.err, r.stderr)
	}
}
