// Package dataplane brings rules into the Linux kernel: it sends plans of
// package nft as nftables transactions, keeps the ip rule by which translated
// packets leave by the primary interface, and counts translated connections.
//
// It is the only package that imports google/nftables. It decides nothing: what
// is in a plan, and what to do when the kernel refuses one, is for its caller.
// It touches one table, the one that the plan names, and one ip rule.
package dataplane

import (
	"errors"
	"fmt"
	"log/slog"
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
}

// Open connects to the kernel and checks that it can do what snatd needs. The
// errors of a kernel that cannot are ErrPermission and ErrUnsupported.
func Open(log *slog.Logger) (*Dataplane, error) {
	d := &Dataplane{log: log, socket: &socket{}}
	var err error
	if d.conn, err = nftables.New(nftables.AsLasting(), nftables.WithSockOptions(d.socket.take)); err != nil {
		return nil, explainProbe(err)
	}
	if d.routes, err = routes.NewHandle(unix.NETLINK_ROUTE, unix.NETLINK_NETFILTER); err != nil {
		return nil, errors.Join(explainProbe(err), d.conn.CloseLasting())
	}
	if err := d.probe(kernelRelease); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close ends the connection. What is in the kernel stays there.
func (d *Dataplane) Close() error {
	d.routes.Close()
	return d.conn.CloseLasting()
}

// Apply sends the phases of a plan, each as one transaction: the kernel does all
// of it or nothing, and a packet meets the decisions before the plan or those after
// it, never a mix. Errors are of type *ApplyError. The phases in front of one that is
// refused stay, so that the next plan has to be one that replaces the table.
func (d *Dataplane) Apply(plan nft.Plan) error {
	started := time.Now()
	var transactions []*transaction
	for _, phase := range plan.Phases() {
		tx, failed, err := encode(phase)
		if err != nil {
			return &ApplyError{Op: failed, Kind: ErrRefused, Err: err}
		}
		transactions = append(transactions, tx)
	}
	for _, tx := range transactions {
		if err := d.commit(tx); err != nil {
			return err
		}
	}
	d.log.Debug("applied a plan", "ops", len(plan), "transactions", len(transactions), "took", time.Since(started))
	return nil
}

func (d *Dataplane) commit(tx *transaction) error {
	first, err := d.socket.fence()
	if err != nil {
		return explain(nil, err)
	}
	if err := tx.queue(d.conn); err != nil {
		return &ApplyError{Kind: ErrRefused, Err: err}
	}
	if err := d.socket.limited(d.conn.Flush); err != nil {
		return explain(tx.opOf(err, first), err)
	}
	return nil
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
