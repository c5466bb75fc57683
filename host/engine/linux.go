package engine

import (
	"errors"
	"log/slog"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/flow"
)

// linux is the kernel of the current network namespace: its rules, and its connections.
type linux struct {
	*dataplane.Dataplane
	flows *flow.Table
	// watched is the same as flows, for others than the loop: who lists a large table
	// must not hold it up.
	watched *flow.Table
}

func openLinux(log *slog.Logger) (*linux, error) {
	dp, err := dataplane.Open(log)
	if err != nil {
		return nil, err
	}
	flows, err := flow.Open()
	if err != nil {
		return nil, errors.Join(err, dp.Close())
	}
	watched, err := flow.Open()
	if err != nil {
		return nil, errors.Join(err, flows.Close(), dp.Close())
	}
	return &linux{dp, flows, watched}, nil
}

// LiveNAT is that of the connections.
func (l *linux) LiveNAT(mark uint32, nodePorts bool, others ...uint32) (int, error) {
	return l.flows.LiveNAT(mark, nodePorts, others...)
}

// Close ends the connections to both. What is in the kernel stays there.
func (l *linux) Close() error {
	return errors.Join(l.watched.Close(), l.flows.Close(), l.Dataplane.Close())
}
