package test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// transactions hears of the transactions in the node's nf_tables.
func (f *fire) transactions() *netlink.Conn {
	f.t.Helper()
	var conn *netlink.Conn
	err := f.lab.Node.Do(func() (err error) {
		conn, err = netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{Groups: 1 << (unix.NFNLGRP_NFTABLES - 1)})
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return conn
}

// awaitTransactions returns right after so many transactions, of which there is at
// least one.
func (f *fire) awaitTransactions(conn *netlink.Conn, count int) {
	f.t.Helper()
	// Those of one change follow each other at once.
	most := patience
	for count > 0 {
		if err := conn.SetReadDeadline(time.Now().Add(most)); err != nil {
			f.t.Fatal(err)
		}
		messages, err := conn.Receive()
		if errors.Is(err, os.ErrDeadlineExceeded) && most < patience {
			return
		}
		if err != nil {
			f.t.Fatalf("waiting for a transaction: %v", err)
		}
		most = 100 * time.Millisecond
		for _, m := range messages {
			if m.Header.Type == ofTables|unix.NFT_MSG_NEWGEN {
				count--
			}
		}
	}
}

// TestFireCrash: whenever the daemon is killed, what it leaves is whole, and the
// next start goes on from there.
func TestFireCrash(t *testing.T) {
	f := lightFire(t)
	kills, between, mixed := fireSize(20, 500), 0, 0
	start := time.Now()
	for range kills {
		s := f.propose(1 + f.random.IntN(2))
		// Half of the kills come right after a transaction, which is the only one or
		// one of several of a change; the others at any time, of which flows are the
		// clock.
		if f.random.IntN(2) == 0 {
			conn := f.transactions()
			f.request(s)
			f.awaitTransactions(conn, 1+f.random.IntN(3))
			f.kill()
			_ = conn.Close()
		} else {
			f.request(s)
			f.flows.await(f.random.IntN(6000))
			f.kill()
		}
		for f.random.IntN(3) == 0 { // and so does the next start
			f.launch()
			f.flows.await(f.random.IntN(3000))
			f.kill()
		}
		left, _, err := f.kernelView()
		if err != nil {
			t.Fatalf("after a kill during %s: %v", s.what, err)
		}
		switch whole := slices.IndexFunc(s.views, func(v view) bool { return same(v, left) }); {
		case whole < 0:
			if mixed++; mixed <= mostShown {
				t.Errorf("after a kill during %s the table is no ruleset that was wanted: %s", s.what, f.compare(left, s.views))
			}
		case whole > 0:
			between++
		}
		f.flows.await(500)
		f.launch()
		f.applied(s)
		f.converged()
	}
	f.end()
	t.Logf("%d kills in %s, after %d of them the table had the change, after %d a part of it",
		kills, time.Since(start).Round(time.Millisecond), between, mixed)
}

func (f *fire) kill() {
	f.t.Helper()
	f.stop(os.Kill)
}

// converged checks that the kernel does what the world says, and has nothing else.
func (f *fire) converged() {
	f.t.Helper()
	got, table, err := f.kernelView()
	if err != nil {
		f.t.Fatal(err)
	}
	if want := f.world.view(f.net); !same(got, want) {
		f.t.Errorf("the table is not what is wanted: %s", f.compare(got, []view{want}))
	}
	wanted := f.ruleset.Table()
	if len(table.chains) != len(wanted.Chains) || len(table.maps) != len(wanted.Maps) {
		f.t.Errorf("the table has %d chains and %d maps, want %d and %d",
			len(table.chains), len(table.maps), len(wanted.Chains), len(wanted.Maps))
	}
}

func same(a, b view) bool {
	return slices.EqualFunc(a, b, slices.Equal[[]netip.Addr])
}

// compare says in how many flows a view differs from each of others, with an
// example.
func (f *fire) compare(got view, wanted []view) string {
	var text string
	for i, want := range wanted {
		differ, example := 0, ""
		for s := range want {
			for d := range want[s] {
				if got[s][d] != want[s][d] {
					differ++
					example = fmt.Sprintf("%s to %s is %s, not %s", f.net.sources[s].addr, f.net.destinations[d].real, got[s][d], want[s][d])
				}
			}
		}
		text += fmt.Sprintf("%d flows differ from state %d, such as %s; ", differ, i, example)
	}
	return text
}
