package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/test/kube"
)

// quiet is how long nothing changes before a label does. It is longer than snatd
// ever makes one change wait for others, so that none waits.
const quiet = 150 * time.Millisecond

// flipper is a node, one pod of which has its label taken and given back.
type flipper struct {
	*cluster
	daemon  *lab.Process
	watcher *watcher
	monitor *monitor
	before  podChanges
	// given and taken are all flips, by what was done with the label: the two do
	// not cost the same.
	given, taken flips
}

// flips are delays: until the kernel had the change, and as the daemon says.
type flips struct{ kernel, own sample }

func newFlipper(t kube.T, o options, server *kube.Server, pods int) (*flipper, error) {
	c, err := newCluster(t, o, server, pods)
	return &flipper{cluster: c}, err
}

// with calls use while the daemon runs.
func (f *flipper) with(ctx context.Context, use func(context.Context) error) error {
	return f.cluster.with(ctx, func(ctx context.Context, daemon *lab.Process) (err error) {
		f.daemon = daemon
		if f.watcher, err = newWatcher(ctx, f.server, f.pods[0]); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.watcher.close()) }()
		if f.monitor, err = newMonitor(f.starter.node); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.monitor.close()) }()
		if f.before, err = readPodChanges(ctx, f.starter.node); err != nil {
			return err
		}
		return use(ctx)
	})
}

// once takes the label and gives it back, and returns the delay of the latter.
func (f *flipper) once(ctx context.Context) (float64, error) {
	if err := f.flip(ctx, false, deleted, &f.taken); err != nil {
		return 0, err
	}
	if err := f.flip(ctx, true, added, &f.given); err != nil {
		return 0, err
	}
	return f.given.kernel.last(1)[0], nil
}

// flip waits until nothing changes, sets the label and adds how long after the API
// server's event the kernel has done what follows.
func (f *flipper) flip(ctx context.Context, keep bool, want event, to *flips) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(quiet):
	}
	f.server.SetLabels(f.t, f.pods[0], labels(keep))
	transactions, err := f.monitor.await(want, f.addresses[:1])
	applied := time.Now()
	if err != nil {
		return err
	}
	if transactions != 1 { // something else would be in the time
		return fmt.Errorf("one label took %d transactions", transactions)
	}
	told, err := f.watcher.next()
	if err != nil {
		return err
	}
	to.kernel = append(to.kernel, float64(applied.Sub(told)))
	own, err := f.settle(ctx)
	to.own = append(to.own, own)
	return err
}

// settle waits until the daemon has measured the change, which is the last that
// it does about it, and returns its figure.
func (f *flipper) settle(ctx context.Context) (own float64, err error) {
	err = until(ctx, f.daemon, "the daemon's own figure", func(ctx context.Context) (bool, error) {
		now, err := readPodChanges(ctx, f.starter.node)
		if err != nil || now.count == f.before.count {
			return false, err
		}
		own = float64(now.took-f.before.took) / (now.count - f.before.count)
		f.before = now
		return true, nil
	})
	return own, err
}
