package engine

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/snatd/snatd/host/instance"
	"github.com/snatd/snatd/rules"
)

// Cleanup removes what a daemon that has been stopped left in the kernel of
// the current network namespace, but not what translated connections need.
func Cleanup(log *slog.Logger, network rules.Network) (Removed, error) {
	dp, err := openLinux(log)
	if err != nil {
		return Removed{}, err
	}
	lock, err := instance.Acquire(log)
	if errors.Is(err, instance.ErrRunning) {
		err = fmt.Errorf("%w, which would put everything back: stop it first", err)
	}
	if err != nil {
		return Removed{}, errors.Join(err, dp.Close())
	}
	i := installer{kernel: dp, log: log}
	removed, err := i.remove(network)
	return removed, errors.Join(err, lock.Close(), dp.Close())
}
