package flow

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/snatd/snatd/host/nstest"
)

func TestMain(m *testing.M) { nstest.Main(m) }

// Addresses of the lab. The server answers on all of its own, on port 80.
const (
	podAddr     = "10.0.1.5"
	primaryAddr = "10.0.0.10"
	otherAddr   = "10.0.0.11" // of the node too
	outside     = "198.51.100.1"
	private     = "192.168.0.1"
	service     = "172.20.0.1" // DNAT leads to outside

	testMark = 0x80
)

// nodeRules do what snatd's do to connections: a pod's to 198.51.100.0/24 are marked
// and translated.
const nodeRules = `
table ip lab {
	chain services { type nat hook prerouting priority dstnat; ip daddr ` + service + ` dnat to ` + outside + `; }
	chain decide { type filter hook prerouting priority dstnat + 10
		iifname "eni1" ip daddr 198.51.100.0/24 ct mark set ct mark | 0x80; }
	chain translate { type nat hook postrouting priority srcnat + 10
		iifname "eni1" ct mark & 0x80 == 0x80 snat to ` + primaryAddr + ` fully-random; }
}`

// lab is a pod behind a node, and a server on the other side of the node.
type lab struct {
	t                 testing.TB
	pod, node, server *nstest.Namespace
	table             *Table // of the node
}

func newLab(t testing.TB) *lab {
	t.Helper()
	nstest.Need(t, "nft", "nftables")
	l := &lab{t: t, pod: nstest.New(t), node: nstest.New(t), server: nstest.New(t)}
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	nstest.Wire(t,
		nstest.End{Namespace: l.pod, Interface: "eth0", Addr: prefix(podAddr + "/24")},
		nstest.End{Namespace: l.node, Interface: "eni1", Addr: prefix("10.0.1.1/24")})
	nstest.Wire(t,
		nstest.End{Namespace: l.node, Interface: "ens5", Addr: prefix(primaryAddr + "/24")},
		nstest.End{Namespace: l.server, Interface: "eth0", Addr: prefix("10.0.0.20/24")})
	everywhere := prefix("0.0.0.0/0")
	l.pod.Route(everywhere, addr("10.0.1.1"))
	l.node.Route(everywhere, addr("10.0.0.20"))
	l.server.Route(everywhere, addr(primaryAddr))
	l.node.Addresses("ens5", otherAddr+"/24")
	l.server.Addresses("lo", outside+"/32", private+"/32")
	l.node.Sysctl("ipv4/ip_forward", "1")
	l.node.Run("nft", nodeRules)
	l.server.TellClients()
	l.table = l.open(l.node)
	return l
}

func (l *lab) open(n *nstest.Namespace) *Table {
	l.t.Helper()
	var table *Table
	var err error
	n.Do(func() { table, err = Open() })
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { table.Close() })
	return table
}

// connect opens a TCP connection from the pod.
func (l *lab) connect(to string) *net.TCPConn {
	l.t.Helper()
	var conn net.Conn
	var err error
	l.pod.Do(func() { conn, err = net.DialTimeout("tcp4", to+":80", time.Minute) })
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// ping sends an echo request from the pod.
func (l *lab) ping(to string) {
	l.t.Helper()
	var conn net.Conn
	var err error
	l.pod.Do(func() { conn, err = net.Dial("ip4:icmp", to) })
	if err != nil {
		l.t.Fatal(err)
	}
	defer conn.Close()
	// Echo request 1 of ID 7, and the checksum of that.
	if _, err := conn.Write([]byte{8, 0, 0xf7, 0xf7, 0, 7, 0, 1}); err != nil {
		l.t.Fatal(err)
	}
}

// seen sends a line and returns as whom the server answers it; an error is that
// the connection does not work any more.
func seen(conn net.Conn) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(conn, "who am I"); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", err
	}
	return line[:len(line)-1], nil
}

func (l *lab) list(mark uint32) []Flow {
	l.t.Helper()
	flows, err := l.table.List(mark, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return flows
}

// only is the one connection whose destination this is.
func (l *lab) only(destination string) Flow {
	l.t.Helper()
	var found []Flow
	for _, f := range l.list(0) {
		if f.Destination.Addr().String() == destination {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		l.t.Fatalf("%d connections to %s: %v", len(found), destination, found)
	}
	return found[0]
}
