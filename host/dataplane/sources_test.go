package dataplane

import (
	"net/netip"
	"testing"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// More addresses that the node's primary interface holds, and of pods, which are
// all in one namespace: what decides is the source address.
const (
	otherAddr  = "10.0.0.11"
	thirdAddr  = "10.0.0.12"
	allPod     = "10.0.1.6" // another source for all destinations
	onePod     = "10.0.1.7" // another source for one destination
	primaryPod = "10.0.1.8" // the primary address, whatever the node's source is
	outside2   = "198.51.100.2"
	service    = "172.20.0.1" // leads to outside
)

func compile(n rules.Network, node rules.Decision, pods map[string]rules.Decision) *rules.Ruleset {
	var decided []rules.Decided
	node.Module = "default"
	for a, d := range pods {
		d.Module = "10-egress"
		subject := rules.Subject{Name: "test/" + a, Addr: netip.MustParseAddr(a)}
		decided = append(decided, rules.Decided{Subject: subject, Decisions: []rules.Decision{d, node}})
	}
	r, err := rules.Compile(n, []rules.Decision{node}, decided)
	if err != nil {
		panic(err)
	}
	return r
}

// withSources has a pod of each kind; ofNode is the source of all others.
func withSources(n rules.Network, ofNode string) *rules.Ruleset {
	return compile(n, rules.Decision{Entries: []rules.Entry{
		entry(rules.Translate, "0.0.0.0/0", ofNode),
		entry(rules.Exclude, "192.168.0.0/16", ""),
	}}, map[string]rules.Decision{
		allPod:     {Entries: []rules.Entry{entry(rules.Translate, "0.0.0.0/0", otherAddr), entry(rules.Exclude, outside2+"/32", "")}},
		onePod:     {Entries: []rules.Entry{entry(rules.Translate, outside+"/32", otherAddr), entry(rules.Translate, "172.20.0.0/16", thirdAddr)}},
		primaryPod: {Entries: []rules.Entry{entry(rules.Translate, "198.51.100.0/24", "")}},
	})
}

// allFrom translates everything; allPod's source is the given one.
func allFrom(source string) *rules.Ruleset {
	return compile(network(), rules.Decision{Entries: []rules.Entry{entry(rules.Translate, "0.0.0.0/0", "")}},
		map[string]rules.Decision{allPod: {Entries: []rules.Entry{entry(rules.Translate, "0.0.0.0/0", source)}}})
}

func randomized(mode rules.Randomize) rules.Network {
	n := network()
	n.Randomize = mode
	return n
}

func toAddress(prefix, to string) nft.Element {
	p := netip.MustParsePrefix(prefix)
	return nft.Element{First: p.Addr(), Last: last(p), Address: netip.MustParseAddr(to)}
}

// newSourcesLab has the addresses above.
func newSourcesLab(t *testing.T) *lab {
	t.Helper()
	l := newLab(t, "eth0")
	l.node.Addresses("eth0", otherAddr+"/24", thirdAddr+"/24")
	l.pod.Addresses("eth0", allPod+"/24", onePod+"/24", primaryPod+"/24")
	l.server.Addresses("lo", outside2+"/32")
	return l
}

func TestSources(t *testing.T) {
	l := newSourcesLab(t)
	var before *rules.Ruleset
	for _, ofNode := range []string{"", thirdAddr} {
		after := withSources(network(), ofNode)
		apply(t, l.dataplane, nft.Diff(before.Table(), after.Table()))
		before = after
		ofOthers := ofNode
		if ofNode == "" {
			ofOthers = primaryAddr
		}
		for _, c := range []struct{ pod, to, want string }{
			{allPod, outside, otherAddr},
			{allPod, excluded, otherAddr}, // the pod's decision precedes the node's
			{allPod, outside2, allPod},
			{onePod, outside, otherAddr},
			{onePod, outside2, ofOthers},
			{onePod, excluded, onePod},
			{primaryPod, outside, primaryAddr},
			{primaryPod, excluded, primaryPod},
			{podAddr, outside, ofOthers},
			{podAddr, excluded, podAddr},
		} {
			if got := l.connectFrom(c.pod, c.to).seen().Addr().String(); got != c.want {
				t.Errorf("the node's source is %q: %s to %s is seen as %s, want %s", ofNode, c.pod, c.to, got, c.want)
			}
		}
	}
}

// The real destination decides the source, not the address of the service.
func TestSourceOfService(t *testing.T) {
	l := newSourcesLab(t)
	nftFile(t, l.node, `table ip services {
		chain prerouting { type nat hook prerouting priority dstnat; ip daddr `+service+` dnat to `+outside+`; }
	}`)
	apply(t, l.dataplane, create(withSources(network(), "")))
	l.connectFrom(onePod, service).expect(otherAddr)
	l.connectFrom(allPod, service).expect(otherAddr)
	l.connectFrom(primaryPod, service).expect(primaryAddr)
	l.live(3)
}

// A change of sources reaches new connections only.
func TestLiveConnectionsKeepTheirSource(t *testing.T) {
	l := newSourcesLab(t)
	var held *rules.Ruleset
	live := map[string]*connection{}
	for _, step := range []struct{ source, want string }{
		{otherAddr, otherAddr}, {thirdAddr, thirdAddr}, {"", primaryAddr}, {otherAddr, otherAddr},
	} {
		plan := rules.Diff(held, allFrom(step.source))
		apply(t, l.dataplane, plan.Ops)
		held = plan.After
		l.connectFrom(allPod, outside).expect(step.want)
		live[step.want] = l.connectFrom(allPod, outside)
		for want, c := range live {
			c.expect(want)
		}
	}
	apply(t, l.dataplane, rules.Replace(held).Ops)
	for want, c := range live {
		c.expect(want)
	}
	apply(t, l.dataplane, rules.Diff(held, rules.Draining(network())).Ops)
	for want, c := range live {
		c.expect(want)
	}
	l.connectFrom(allPod, outside).expect(allPod)
}

func TestPortChoiceOfSources(t *testing.T) {
	l := newSourcesLab(t)
	for _, mode := range []rules.Randomize{rules.RandomizeNone, rules.RandomizePRNG, rules.RandomizeHash} {
		apply(t, l.dataplane, rules.Replace(withSources(randomized(mode), "")).Ops)
		for pod, source := range map[string]string{onePod: otherAddr, primaryPod: primaryAddr} {
			kept := func() bool {
				c := l.connectFrom(pod, outside)
				c.expect(source)
				return c.seen().Port() == netip.MustParseAddrPort(c.LocalAddr().String()).Port()
			}
			if mode == rules.RandomizeNone {
				if !kept() {
					t.Errorf("pod %s: another port with %s", pod, mode)
				}
				continue
			}
			// One of many ports may be the same by chance; all of them are not.
			nstest.Eventually(t, "another source port with "+string(mode), func() bool { return !kept() })
		}
	}
}

// While sources change, a new connection gets one of the two: never the pod's own
// address, never the primary one, never none.
func TestSourcesUnderChange(t *testing.T) {
	l := newSourcesLab(t)
	changes := l.alternate(allFrom(otherAddr), allFrom(thirdAddr))
	seen := map[string]int{}
	for range 300 {
		seen[l.connectFrom(allPod, outside).seen().Addr().String()]++
	}
	t.Logf("%d changes, seen: %v", changes(), seen)
	for a, n := range seen {
		if a != otherAddr && a != thirdAddr {
			t.Errorf("%d connections are seen as %s", n, a)
		}
	}
}
