package neighbour

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/snatd/snatd/host/nstest"
)

// marked are the cases that only packets with a mark meet, which nobody sets here.
var marked = []string{"our own mark"}

// What is judged to translate pods' packets does, and nothing else does: a server outside
// sees who sends them.
func TestPacketsAgree(t *testing.T) {
	needTools(t)
	for name, test := range cases {
		if slices.Contains(marked, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			pods, node, server := nstest.New(t), nstest.New(t), nstest.New(t)
			wire(t, pods, node, server)
			node.Run("sh", "-ec", test.script)
			translated := false
			for _, pod := range testNode.Pods {
				if as := seenAs(t, pods, pod); as != pod {
					translated = true
				}
			}
			judged := slices.ContainsFunc(look(t, node, testNode), func(f Finding) bool {
				return slices.Contains([]Kind{AWSTranslates, Translates, Legacy}, f.Kind)
			})
			if judged != translated {
				t.Errorf("judged to translate: %v, translates: %v\n%s", judged, translated, node.Run("nft", "list", "ruleset"))
			}
		})
	}
}

// wire connects pods by the node with a server at 198.51.100.1, which tells
// each client as whom it sees it.
func wire(t *testing.T, pods, node, server *nstest.Namespace) {
	t.Helper()
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	nstest.Wire(t,
		nstest.End{Namespace: pods, Interface: "eth0", Addr: prefix("10.0.1.5/24")},
		nstest.End{Namespace: node, Interface: "eni0", Addr: prefix("10.0.1.1/24")})
	nstest.Wire(t,
		nstest.End{Namespace: node, Interface: "eth0", Addr: prefix("10.0.0.10/24")},
		nstest.End{Namespace: server, Interface: "eth0", Addr: prefix("10.0.0.20/24")})
	nstest.Wire(t, // another interface, which one of the cases sets up
		nstest.End{Namespace: node, Interface: "peer0"},
		nstest.End{Namespace: server, Interface: "peer1"})
	pods.Addresses("eth0", "10.0.65.6/32")
	server.Addresses("lo", "198.51.100.1/32")
	everywhere := prefix("0.0.0.0/0")
	pods.Route(everywhere, addr("10.0.1.1"))
	node.Route(everywhere, addr("10.0.0.20"))
	node.Route(prefix("10.0.65.6/32"), addr("10.0.1.5"))
	server.Route(everywhere, addr("10.0.0.10"))
	node.Sysctl("ipv4/ip_forward", "1")
	server.Do(func() {
		listener, err := net.Listen("tcp4", ":80")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		go func() {
			for {
				client, err := listener.Accept()
				if err != nil {
					return
				}
				fmt.Fprint(client, client.RemoteAddr())
				client.Close()
			}
		}()
	})
}

// seenAs is the address as which the server sees a pod.
func seenAs(t *testing.T, pods *nstest.Namespace, pod netip.Addr) netip.Addr {
	t.Helper()
	var conn net.Conn
	var err error
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(pod, 0)), Timeout: 10 * time.Second}
	pods.Do(func() { conn, err = dialer.Dial("tcp4", "198.51.100.1:80") })
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return netip.MustParseAddrPort(string(text)).Addr()
}
