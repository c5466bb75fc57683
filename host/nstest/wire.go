package nstest

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/snatd/snatd/host/netspace"
)

// patience is how long a test waits for what takes a moment: a time that only a
// broken test needs.
const patience = time.Minute

// End is one end of a cable between two namespaces.
type End struct {
	Namespace *Namespace
	Interface string       // at most 15 characters
	Addr      netip.Prefix // the address of the interface with its network, if it has one
}

// Wire connects two namespaces by a pair of interfaces, with addresses, and
// returns when packets can pass.
func Wire(t testing.TB, a, b End) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := netspace.Connect(ctx, a.end(), b.end())
	for _, e := range []End{a, b} {
		if err == nil && e.Addr.IsValid() {
			err = e.end().AddAddress(e.Addr, 0)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (e End) end() netspace.Interface { return e.Namespace.space.Interface(e.Interface) }

// Route adds a route to the main table.
func (n *Namespace) Route(to netip.Prefix, via netip.Addr) {
	n.t.Helper()
	if err := n.space.AddRoute(to, via); err != nil {
		n.t.Fatal(err)
	}
}

// Addresses gives an interface more addresses, each with its network as "10.0.0.1/24".
func (n *Namespace) Addresses(on string, addresses ...string) {
	n.t.Helper()
	for _, a := range addresses {
		if err := n.space.Interface(on).AddAddress(netip.MustParsePrefix(a), 0); err != nil {
			n.t.Fatal(err)
		}
	}
}

// Eventually waits until a condition holds, and fails the test if it does not
// within a time that only a broken test needs.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
