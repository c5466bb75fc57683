package engine

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/snatd/snatd/host/instance"
	"github.com/snatd/snatd/rules"
)

// Cleaner removes what a daemon that has been stopped left in the kernel of the
// network namespace in which it was opened.
type Cleaner struct {
	kernel *linux
	log    *slog.Logger
}

// OpenCleaner connects to the kernel; Close ends that.
func OpenCleaner(log *slog.Logger) (*Cleaner, error) {
	kernel, err := openLinux(log)
	if err != nil {
		return nil, err
	}
	return &Cleaner{kernel, log}, nil
}

// Clean removes all but what live connections need. It fails while a daemon runs,
// and keeps none from being started afterwards.
func (c *Cleaner) Clean(network rules.Network) (Removed, error) {
	return c.without(func(i *installer) (Removed, error) { return i.remove(network) })
}

// RemoveAll removes what live connections need too: they break, unless somebody else does
// the same for them. It fails while a daemon runs.
func (c *Cleaner) RemoveAll() (Removed, error) {
	return c.without((*installer).removeWhole)
}

// without works on the kernel while no daemon does.
func (c *Cleaner) without(work func(*installer) (Removed, error)) (Removed, error) {
	lock, err := instance.Acquire(c.log)
	if errors.Is(err, instance.ErrRunning) {
		err = fmt.Errorf("%w, which would put everything back: stop it first", err)
	}
	if err != nil {
		return Removed{}, err
	}
	// What the kernel held the last time is no matter: others may have been there.
	removed, err := work(&installer{kernel: c.kernel, log: c.log})
	return removed, errors.Join(err, lock.Close())
}

// Close ends the connection to the kernel. What is in it stays there.
func (c *Cleaner) Close() error { return c.kernel.Close() }
