// Package dataplane brings rules into the Linux kernel: it sends plans of
// package nft as nftables transactions, keeps the ip rule by which translated
// packets leave by the primary interface, and tells what others do to the table.
//
// It is the only package that imports google/nftables. It decides nothing: what
// is in a plan, and what to do when the kernel refuses one, is for its caller.
// It touches one table, the one that the plan names, and one ip rule.
package dataplane

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/nftables"
	routes "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/rules/nft"
)

// Dataplane is the kernel of one network namespace: the one in which the
// calling thread was at Open. It is not for use by several goroutines at once.
type Dataplane struct {
	log    *slog.Logger
	socket *socket        // of conn
	conn   *nftables.Conn // lasting: a namespace is entered once, not per call
	routes *routes.Handle
	flags  tableFlags // of tables that Apply makes

	counters *Counters
	lookups  *lookups
	features Features

	accepted, failed atomic.Uint64 // transactions of plans
}

// Open connects to the kernel and checks that it can do what snatd needs. The
// errors of a kernel that cannot are ErrPermission and ErrUnsupported.
func Open(log *slog.Logger) (*Dataplane, error) {
	d := &Dataplane{log: log, socket: &socket{}}
	var err error
	if d.conn, err = nftables.New(nftables.AsLasting(), nftables.WithSockOptions(d.socket.take)); err != nil {
		return nil, explainProbe(err)
	}
	if d.routes, err = routes.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return nil, errors.Join(explainProbe(err), d.conn.CloseLasting())
	}
	if d.counters, err = openCounters(); err != nil {
		d.routes.Close()
		return nil, errors.Join(explainProbe(err), d.conn.CloseLasting())
	}
	if d.lookups, err = openLookups(); err != nil {
		d.routes.Close()
		return nil, errors.Join(explainProbe(err), d.counters.close(), d.conn.CloseLasting())
	}
	if d.features, err = d.probe(kernelRelease); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close ends the connection. What is in the kernel stays there.
func (d *Dataplane) Close() error {
	d.routes.Close()
	return errors.Join(d.counters.close(), d.lookups.close(), d.conn.CloseLasting())
}

// Features is what the kernel was found to have at Open.
func (d *Dataplane) Features() Features { return d.features }

// Apply sends the phases of a plan, each as one transaction: the kernel does all
// of it or nothing, and a packet meets the decisions before the plan or those after
// it, never a mix. Errors are of type *ApplyError. The phases in front of one that is
// refused stay, so that the next plan has to be made from what Read finds, or be one
// that replaces the table.
func (d *Dataplane) Apply(plan nft.Plan) error {
	started := time.Now()
	steps, err := d.steps(plan)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if err := d.take(s); err != nil {
			return err
		}
	}
	d.log.Debug("applied a plan", "ops", len(plan), "steps", len(steps), "took", time.Since(started))
	return nil
}

func (d *Dataplane) commit(tx *transaction) error {
	refused, err := d.socket.commit(tx.messages)
	switch {
	case err != nil:
		d.failed.Add(1)
		return explain(nil, err)
	case len(refused) > 0:
		d.failed.Add(1)
		// Those after the first mostly follow from it.
		return explainRefusal(tx.op(refused[0]), refused[0].err)
	}
	d.accepted.Add(1)
	return nil
}

// Transactions counts those that Apply has sent: what the kernel took, and what it refused
// or did not answer. Several goroutines may ask.
func (d *Dataplane) Transactions() (accepted, failed uint64) {
	return d.accepted.Load(), d.failed.Load()
}

// Exists tells whether the kernel has a table of this name, of family ip.
func (d *Dataplane) Exists(table string) (bool, error) {
	if _, err := d.socket.fence(); err != nil {
		return false, fmt.Errorf("look for table ip %s: %w", table, err)
	}
	_, err := d.conn.ListTableOfFamily(table, nftables.TableFamilyIPv4)
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for table ip %s: %w", table, err)
	}
	return true, nil
}
