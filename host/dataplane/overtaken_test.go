package dataplane

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
)

// Flows that a stressed lab makes: each socket of the client to each address of the
// server, anew in each round.
const (
	floodSockets   = 48
	floodAddresses = 250
)

// flood sends first packets of flows from an address, all different, as fast as it
// can, and counts the addresses that the server sees.
type flood struct {
	t      *testing.T
	server *net.UDPConn
	seen   map[netip.Addr]int
	lab    *lab
}

func newFlood(t *testing.T, l *lab) *flood {
	t.Helper()
	f := &flood{t: t, lab: l, seen: map[netip.Addr]int{}}
	l.server.Run("ip", "route", "add", "local", "198.18.0.0/24", "dev", "lo")
	f.server = f.socket(l.server, "0.0.0.0", 80)
	return f
}

func (f *flood) socket(n *nstest.Namespace, addr string, port int) *net.UDPConn {
	f.t.Helper()
	var s *net.UDPConn
	var err error
	n.Do(func() { s, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(addr), Port: port}) })
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = s.Close() })
	return s
}

// send sends one round, and reads along so that nothing is lost.
func (f *flood) send(from string) {
	f.t.Helper()
	buffer := make([]byte, 1)
	for range floodSockets {
		s := f.socket(f.lab.pod, from, 0)
		for i := range floodAddresses {
			to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, 0, byte(i + 1)}), 80)
			if _, err := s.WriteToUDPAddrPort([]byte{0}, to); err != nil {
				f.t.Fatal(err)
			}
			if err := f.server.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				f.t.Fatal(err)
			}
			_, source, err := f.server.ReadFromUDPAddrPort(buffer)
			if err != nil {
				f.t.Fatal(err)
			}
			f.seen[source.Addr()]++
		}
		_ = s.Close()
	}
}

// all is how many flows were seen.
func (f *flood) all() int {
	n := 0
	for _, count := range f.seen {
		n += count
	}
	return n
}

// alternate applies the one ruleset and then changes to the other and back, until
// the function that it returns is called, which tells how many changes there were.
func (l *lab) alternate(one, other *rules.Ruleset) (stop func() int) {
	l.t.Helper()
	apply(l.t, l.dataplane, create(one))
	stopped, count := make(chan struct{}), make(chan int, 1)
	go func() {
		held, n := one, 0
		for ; ; n++ {
			select {
			case <-stopped:
				count <- n
				return
			default:
			}
			plan := rules.Diff(held, []*rules.Ruleset{other, one}[n%2])
			if err := l.dataplane.Apply(plan.Ops); err != nil {
				l.t.Errorf("%v, in\n%s", err, plan.Ops)
				count <- n
				return
			}
			held = plan.After
		}
	}()
	stop = sync.OnceValue(func() int { close(stopped); return <-count })
	l.t.Cleanup(func() { stop() }) // also if the test fails before
	return stop
}

// A packet that a change overtakes is decided as before it or as after it. What the
// pod's packets get is the same in both rulesets of a pair, or one of two sources.
func TestOvertakenPackets(t *testing.T) {
	const to = "198.18.0.0/15"
	only := func(prefixes ...string) rules.Decision { // translates to these
		d := rules.Decision{Entries: []rules.Entry{entry(rules.Exclude, "0.0.0.0/0", "")}}
		for _, p := range prefixes {
			d.Entries = append(d.Entries, entry(rules.Translate, p, ""))
		}
		return d
	}
	many := []string{"20.0.0.0/24", "20.0.2.0/24", "20.0.4.0/24", "20.0.6.0/24"}
	type pods = map[string]rules.Decision
	for name, test := range map[string]struct {
		rulesets [2]*rules.Ruleset
		want     []string
	}{
		"new chains": {
			[2]*rules.Ruleset{allFrom(otherAddr), allFrom(thirdAddr)},
			[]string{otherAddr, thirdAddr},
		},
		"another class": {
			[2]*rules.Ruleset{
				compile(network(), only(), pods{allPod: only(to, "10.0.0.0/8")}),
				compile(network(), only(), pods{allPod: only(to, "11.0.0.0/8")}),
			},
			[]string{primaryAddr},
		},
		"a class of its own or the node's": {
			[2]*rules.Ruleset{
				compile(network(), only(), pods{allPod: only(to)}),
				compile(network(), only(to), pods{onePod: only()}),
			},
			[]string{primaryAddr},
		},
		"a class that is edited when the pod joins it": {
			[2]*rules.Ruleset{
				compile(network(), only(), pods{allPod: only(to), onePod: only(many...)}),
				compile(network(), only(), pods{allPod: only(append(many, to)...), onePod: only(append(many, to)...)}),
			},
			[]string{primaryAddr},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newSourcesLab(t)
			f := newFlood(t, l)
			changes := l.alternate(test.rulesets[0], test.rulesets[1])
			start := time.Now()
			f.send(allPod)
			t.Logf("%d flows, %d changes in %s: %v", f.all(), changes(), time.Since(start).Round(time.Millisecond), f.seen)
			rest := f.all()
			for _, want := range test.want {
				rest -= f.seen[netip.MustParseAddr(want)]
			}
			if rest != 0 {
				t.Errorf("%d flows are seen as neither of %v", rest, test.want)
			}
		})
	}
}
