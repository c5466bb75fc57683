package engine

import (
	"errors"
	"log/slog"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/rules"
)

// Cleanup removes what a daemon that has been stopped left in the kernel of
// the current network namespace, but not what translated connections need.
func Cleanup(log *slog.Logger, network rules.Network) (Removed, error) {
	dp, err := dataplane.Open(log)
	if err != nil {
		return Removed{}, err
	}
	i := installer{kernel: dp, log: log}
	removed, err := i.remove(network)
	return removed, errors.Join(err, dp.Close())
}
