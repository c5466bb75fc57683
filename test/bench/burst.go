package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/test/kube"
)

// measureBurst creates 200 pods at a real API server as fast as that takes them,
// on a node with 10. The time goes until the kernel has an element for each, and
// is compared with what the server needs for itself. Each round has a new daemon:
// one that has just had a burst waits longer for what may come with a change.
func measureBurst(ctx context.Context, o options) (rows []row, err error) {
	const pods = 200
	name := fmt.Sprintf("burst of %d pods until the kernel has them", pods)
	if !serverBuilt(ctx) {
		return []row{{Name: name, NotMeasured: needsServer}}, nil
	}
	err = withServer(ctx, func(t kube.T, server *kube.Server) error {
		c, err := newCluster(t, o, server, 10)
		if err != nil {
			return err
		}
		var stored, behind, transactions sample
		once := func(ctx context.Context) (float64, error) {
			b, err := c.burst(ctx, pods)
			stored = append(stored, float64(b.stored))
			behind = append(behind, float64(b.applied-b.stored))
			transactions = append(transactions, float64(b.transactions))
			return float64(b.applied), err
		}
		samples, err := o.rounds(t.Context(), 9, []variant{{name, once}})
		if err != nil {
			return err
		}
		n := len(samples[0])
		rows = []row{
			newRow(name, inTime, samples[0], 0).compare("API server", samples[0].against(stored.last(n)), 0),
			newRow(name+", behind the API server's last answer", inTime, behind.last(n), 0),
			newRow(name+", transactions", inNumber, transactions.last(n), 0),
		}
		return nil
	})
	return rows, err
}

// burst is what came of many pods created at once.
type burst struct {
	stored       time.Duration // until the API server had them
	applied      time.Duration // until the kernel had them
	transactions int
}

// burst starts the daemon, creates pods, and removes both.
func (c *cluster) burst(ctx context.Context, pods int) (b burst, err error) {
	err = c.with(ctx, func(context.Context, *lab.Process) (err error) {
		m, err := newMonitor(c.starter.node)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.close()) }()
		begun := time.Now()
		created, addresses := c.create(len(c.pods), pods)
		b.stored = time.Since(begun)
		b.transactions, err = m.await(added, addresses)
		b.applied = time.Since(begun)
		for _, pod := range created {
			c.server.Delete(c.t, pod)
		}
		return err
	})
	return b, err
}
