package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pause is how often a lock that somebody else has is asked for.
const pause = 20 * time.Millisecond

// Lock keeps others who ask for it from a directory, until release is called or the
// process ends. It waits for whoever has it until ctx is done, and then wraps its error;
// waiting, if it is not nil, is called once before. Who may read the directory may have it.
// Nothing is left in the directory.
func Lock(ctx context.Context, directory string, waiting func()) (release func(), err error) {
	f, err := os.Open(directory)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // with it the lock is gone
		}
		if errors.Is(err, unix.EWOULDBLOCK) {
			if waiting != nil {
				waiting()
				waiting = nil
			}
			select {
			case <-time.After(pause):
				continue
			case <-ctx.Done():
				err = fmt.Errorf("another process changes it: %w", ctx.Err())
			}
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", directory, err), f.Close())
	}
}
