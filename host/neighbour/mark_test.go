package neighbour

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/snatd/snatd/host/nstest"
)

// snatdMarks translates one of the pods and excludes the other, as snatd does. Routing
// shows whether each packet has the mark that it must have.
const snatdMarks = `
	nft 'table ip snatd {
		chain translate { ct mark set ct mark | 0x80; meta mark set meta mark | 0x80; }
		chain restore { ct mark & 0x80 == 0x80 meta mark set meta mark | 0x80; }
		chain prerouting {
			type filter hook prerouting priority dstnat + 10
			iifname != "eni*" return
			ct status & confirmed != 0 goto restore
			ip saddr 10.0.1.5 goto translate
		}
		chain postrouting { type nat hook postrouting priority srcnat + 10; iifname "eni*" ct mark & 0x80 == 0x80 snat to 10.0.0.10; }
	}'
	ip rule add pref 1000 fwmark 0/0x80 from 10.0.1.5 prohibit
	ip rule add pref 1001 fwmark 0x80/0x80 from 10.0.65.6 prohibit
`

// markCases are rules of others, and whether they take snatd's bit.
var markCases = map[string]struct {
	script string
	takes  bool
}{
	"nobody": {":", false},
	"AWS plugin, without comments": {`
		iptables-nft -t mangle -A PREROUTING -i eni+ -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
		iptables-nft -t mangle -A PREROUTING -i vlan+ -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80`, false},
	"restores another bit":        {"iptables-nft -t mangle -A PREROUTING -j CONNMARK --restore-mark --nfmask 0x100 --ctmask 0x100", false},
	"restores all bits":           {"iptables-nft -t mangle -A PREROUTING -j CONNMARK --restore-mark", false},
	"restores a field":            {"iptables-nft -t mangle -A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff", false},
	"restores a field, nft":       {`nft 'table ip t { chain c { type filter hook prerouting priority mangle; meta mark set ct mark; }; }'`, false},
	"sets it for connections":     {"iptables-nft -t mangle -A PREROUTING -i eni+ -j CONNMARK --set-xmark 0x80/0x80", true},
	"sets it for packets":         {"iptables-nft -t mangle -A PREROUTING -i eni+ -j MARK --set-xmark 0x80/0x80", true},
	"sets another for all":        {"iptables-nft -t mangle -A PREROUTING -i eni+ -j CONNMARK --set-xmark 0x100/0x100", false},
	"saves packets' bit":          {"iptables-nft -t mangle -A PREROUTING -i eni+ -j CONNMARK --save-mark --nfmask 0x80 --ctmask 0x80", true},
	"saves another":               {"iptables-nft -t mangle -A PREROUTING -i eni+ -j CONNMARK --save-mark --nfmask 0x100 --ctmask 0x100", false},
	"clears it behind snatd, nft": {`nft 'table ip t { chain c { type filter hook prerouting priority 0; meta mark set meta mark & 0xffffff7f; }; }'`, true},
	"sets it behind snatd, nft":   {`nft 'table ip t { chain c { type filter hook prerouting priority 0; meta mark set meta mark | 0x80; }; }'`, true},
}

// Who is judged to take snatd's bit breaks connections of pods, or changes as whom they
// are seen, and nobody else does.
func TestMarksAgree(t *testing.T) {
	for name, test := range markCases {
		t.Run(name, func(t *testing.T) {
			needTools(t)
			pods, node, server := nstest.New(t), nstest.New(t), nstest.New(t)
			wire(t, pods, node, server)
			echo(t, server)
			node.Run("sh", "-ec", snatdMarks+test.script)
			var harm error
			for pod, want := range map[string]string{"10.0.1.5": "10.0.0.10", "10.0.65.6": "10.0.65.6"} {
				if err := keptAs(t, pods, netip.MustParseAddr(pod), netip.MustParseAddr(want)); err != nil {
					harm = err
				}
			}
			judged := slices.ContainsFunc(look(t, node, testNode), func(f Finding) bool { return f.Kind == MarkSet })
			if judged != test.takes || (harm != nil) != test.takes {
				t.Errorf("judged to take the mark: %v, does harm: %v\n%s", judged, harm, node.Run("nft", "list", "ruleset"))
			}
		})
	}
}

// echo answers datagrams with who sent them.
func echo(t *testing.T, server *nstest.Namespace) {
	t.Helper()
	server.Do(func() {
		conn, err := net.ListenPacket("udp4", "198.51.100.1:80")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		go func() {
			b := make([]byte, 16)
			for {
				_, from, err := conn.ReadFrom(b)
				if err != nil {
					return
				}
				conn.WriteTo([]byte(from.String()), from)
			}
		}()
	})
}

// keptAs tells whether the server sees a pod's packets of one connection, the first and
// later ones, from an address. What is routed to nowhere comes back as an error at once.
func keptAs(t *testing.T, pods *nstest.Namespace, pod, want netip.Addr) error {
	t.Helper()
	var conn net.Conn
	var err error
	dialer := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(pod, 0))}
	pods.Do(func() { conn, err = dialer.Dial("udp4", "198.51.100.1:80") })
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 64)
	for range 3 {
		if _, err := fmt.Fprint(conn, "?"); err != nil {
			return err
		}
		n, err := conn.Read(answer)
		if err != nil {
			return err
		}
		if seen := netip.MustParseAddrPort(string(answer[:n])).Addr(); seen != want {
			return fmt.Errorf("%s is seen as %s, want %s", pod, seen, want)
		}
	}
	return nil
}
