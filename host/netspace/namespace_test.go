package netspace

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func space(t *testing.T, name string, sysctls ...string) *Namespace {
	t.Helper()
	n, err := New(name, sysctls...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// where is the network namespace of the calling thread.
func where(t *testing.T) string {
	t.Helper()
	link, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// Do comes back, also from a function that fails and from a test that ends.
func TestDo(t *testing.T) {
	n := space(t, "n")
	outside, failed := where(t), errors.New("failed")
	var inside string
	err := n.Do(func() error {
		inside = where(t)
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("got %v, want %v", err, failed)
	}
	if inside == outside {
		t.Error("the function runs outside")
	}
	after := make(chan string)
	go func() {
		defer func() { after <- where(t) }()
		_ = n.Do(func() error {
			runtime.Goexit() // as t.FailNow does
			return nil
		})
	}()
	if got := <-after; got != outside {
		t.Errorf("after a goroutine that ended inside: in %s, want %s", got, outside)
	}
	if got := where(t); got != outside {
		t.Errorf("in %s, want %s", got, outside)
	}
}

func TestSysctls(t *testing.T) {
	n := space(t, "n", "ipv4/ip_forward=1", "-ipv4/no_such=1")
	var text []byte
	err := n.Do(func() (err error) {
		text, err = os.ReadFile("/proc/sys/net/ipv4/ip_forward")
		return err
	})
	if got := strings.TrimSpace(string(text)); got != "1" || err != nil {
		t.Errorf("forwarding is %s, %v, want 1", got, err)
	}
	if err := n.SetSysctls("ipv4/no_such=1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
	const want = "n: set sysctl: write /proc/sys/net/ipv4/ip_forward: invalid argument"
	if err := n.SetSysctls("-ipv4/ip_forward=x"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A cable carries packets from the moment that Connect returns, and routes and
// neighbours lead over it.
func TestConnect(t *testing.T) {
	a, b := space(t, "a"), space(t, "b")
	left, right := a.Interface("left"), b.Interface("right")
	if err := Connect(t.Context(), left, right); err != nil {
		t.Fatal(err)
	}
	far := netip.MustParseAddr("192.0.2.1")
	gateway := netip.MustParseAddr("10.0.0.2")
	err := errors.Join(
		left.AddAddress(netip.MustParsePrefix("10.0.0.1/24"), 0),
		left.AddNeighbour(gateway, right),
		left.AddRoute(Route{To: netip.PrefixFrom(far, 32), Via: gateway}),
		right.AddAddress(netip.PrefixFrom(far, 32), unix.IFA_F_NOPREFIXROUTE),
	)
	if err != nil {
		t.Fatal(err)
	}
	routes, err := a.Netlink().RouteGet(far.AsSlice())
	if err != nil {
		t.Fatal(err)
	}
	link, err := left.Link()
	if err != nil {
		t.Fatal(err)
	}
	if len(routes) != 1 || routes[0].LinkIndex != link.Attrs().Index || !routes[0].Gw.Equal(gateway.AsSlice()) {
		t.Errorf("routes to %s: %v", far, routes)
	}

	before, err := right.Link()
	if err != nil {
		t.Fatal(err)
	}
	err = a.Do(func() error {
		socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(socket) }()
		return unix.Sendto(socket, []byte("x"), 0, &unix.SockaddrInet4{Port: 9, Addr: far.As4()})
	})
	if err != nil {
		t.Fatal(err)
	}
	// A cable passes a packet on within the system call that sends it, or soon after.
	for deadline := time.Now().Add(time.Minute); ; {
		after, err := right.Link()
		if err != nil {
			t.Fatal(err)
		}
		if after.Attrs().Statistics.RxPackets > before.Attrs().Statistics.RxPackets {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the packet did not come")
		}
	}
}

func TestInterfaceErrors(t *testing.T) {
	a, b := space(t, "a"), space(t, "b")
	left, right := a.Interface("left"), b.Interface("right")
	if err := Connect(t.Context(), left, right); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithCancel(t.Context())
	cancel()
	lo := a.Interface("lo") // is never OperUp, but unknown
	for _, test := range []struct {
		err  error
		want string
	}{
		{Connect(t.Context(), left, right), "connect left of a with right of b: file exists"},
		{a.Interface("none").AddAddress(netip.MustParsePrefix("10.0.0.1/24"), 0), "a: interface none: Link not found"},
		{left.AddNeighbour(netip.MustParseAddr("10.0.0.1"), a.Interface("none")), "a: interface none: Link not found"},
		{left.AddRoute(Route{To: netip.MustParsePrefix("10.1.0.0/16"), Via: netip.MustParseAddr("10.0.0.1")}),
			"a: interface left: add route to 10.1.0.0/16: network is unreachable"},
		{lo.awaitCarrier(short), "a: interface lo is unknown, not up: context canceled"},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("got %v, want %s", test.err, test.want)
		}
	}
}
