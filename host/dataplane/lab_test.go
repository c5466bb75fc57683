package dataplane

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/snatd/snatd/host/flow"
	"github.com/snatd/snatd/host/nstest"
)

// Addresses of the lab. The server answers on all of its own.
const (
	podAddr     = "10.0.1.5"
	primaryAddr = "10.0.0.10"
	outside     = "198.51.100.1" // in no class's intervals: translated
	excluded    = "192.168.0.1"  // in 192.168.0.0/16
)

// lab is a pod behind a node, and a server on the other side of the node.
type lab struct {
	t                 *testing.T
	pod, node, server *nstest.Namespace
	dataplane         *Dataplane
	flows             *flow.Table // of the node
}

// newLab makes the lab; uplink is the name of the node's interface to the server.
func newLab(t *testing.T, uplink string) *lab {
	t.Helper()
	l := &lab{t: t, pod: nstest.New(t), node: nstest.New(t), server: nstest.New(t)}
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	everywhere := prefix("0.0.0.0/0")
	nstest.Wire(t,
		nstest.End{Namespace: l.pod, Interface: "eth0", Addr: prefix(podAddr + "/24")},
		nstest.End{Namespace: l.node, Interface: "eni1", Addr: prefix("10.0.1.1/24")})
	nstest.Wire(t,
		nstest.End{Namespace: l.node, Interface: uplink, Addr: prefix(primaryAddr + "/24")},
		nstest.End{Namespace: l.server, Interface: "eth0", Addr: prefix("10.0.0.20/24")})
	l.pod.Route(everywhere, addr("10.0.1.1"))
	l.node.Route(everywhere, addr("10.0.0.20"))
	l.server.Route(everywhere, addr(primaryAddr))
	l.server.Addresses("lo", outside+"/32", excluded+"/32")
	l.node.Sysctl("ipv4/ip_forward", "1")
	l.server.TellClients()
	l.dataplane = open(t, l.node)
	var err error
	l.node.Do(func() { l.flows, err = flow.Open() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.flows.Close() })
	return l
}

// connection is from the pod to the server.
type connection struct {
	l *lab
	net.Conn
	lines *bufio.Scanner
}

func (l *lab) connect(to string) *connection {
	l.t.Helper()
	return l.connectFrom(podAddr, to)
}

func (l *lab) connectFrom(from, to string) *connection {
	l.t.Helper()
	c := &connection{l: l}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	l.pod.Do(func() {
		var err error
		if c.Conn, err = dialer.Dial("tcp4", to+":80"); err != nil {
			l.t.Fatal(err)
		}
	})
	l.t.Cleanup(func() { _ = c.Close() })
	c.lines = bufio.NewScanner(c)
	return c
}

// seen sends a packet and tells the address and port that the server saw.
func (c *connection) seen() netip.AddrPort {
	c.l.t.Helper()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		c.l.t.Fatal(err)
	}
	if _, err := fmt.Fprintln(c, "who am I"); err != nil {
		c.l.t.Fatal(err)
	}
	if !c.lines.Scan() {
		c.l.t.Fatal("no answer:", c.lines.Err())
	}
	addr, err := netip.ParseAddrPort(c.lines.Text())
	if err != nil {
		c.l.t.Fatal(err)
	}
	return addr
}

// expect checks the source address that the server sees.
func (c *connection) expect(source string) {
	c.l.t.Helper()
	if got := c.seen().Addr().String(); got != source {
		c.l.t.Errorf("connection to %s: the server sees %s, want %s", c.RemoteAddr(), got, source)
	}
}

// live checks how many connections the kernel translates.
func (l *lab) live(want int) {
	l.t.Helper()
	if got, err := l.flows.LiveNAT(network().Mark, true); got != want || err != nil {
		l.t.Errorf("%d live connections, error %v, want %d", got, err, want)
	}
}
