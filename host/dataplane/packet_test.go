package dataplane

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

func TestExcludeAndTranslate(t *testing.T) {
	l := newLab(t, "eth0")
	l.live(0)
	apply(t, l.dataplane, create(ruleset("192.168.0.0/16")))
	l.connect(outside).expect(primaryAddr)
	l.live(1)
	l.connect(excluded).expect(podAddr)
	l.live(1)
}

// What each kind of interface pattern makes is a rule that packets meet.
func TestInterfacePatterns(t *testing.T) {
	tests := map[string]struct {
		pods, exempt []string
		want         string
	}{
		"prefix":                      {pods: []string{"eni*"}, want: primaryAddr},
		"name":                        {pods: []string{"eni1"}, want: primaryAddr},
		"another name":                {pods: []string{"eni"}, want: podAddr},
		"another prefix":              {pods: []string{"eni2*"}, want: podAddr},
		"one of two":                  {pods: []string{"eni*", "veth*"}, want: primaryAddr},
		"a name of two":               {pods: []string{"eni1", "veth*"}, want: primaryAddr},
		"names":                       {pods: []string{"eni0", "eni1", "eni2"}, want: primaryAddr},
		"adjacent prefixes":           {pods: []string{"eni0*", "eni1*"}, want: primaryAddr},
		"none of three":               {pods: []string{"en0*", "eni", "eni11*"}, want: podAddr},
		"exempt prefix":               {pods: []string{"eni*"}, exempt: []string{"eth*"}, want: podAddr},
		"one of two exempt":           {pods: []string{"eni*"}, exempt: []string{"eth0", "vlan*"}, want: podAddr},
		"none of two prefixes exempt": {pods: []string{"eni*"}, exempt: []string{"eth1*", "vlan*"}, want: primaryAddr},
	}
	l := newLab(t, "eth0")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := ruleset()
			r.Network.PodInterfaces, r.Network.ExemptInterfaces = test.pods, test.exempt
			apply(t, l.dataplane, rules.Replace(r).Ops)
			l.connect(outside).expect(test.want)
		})
	}
}

func TestBranchInterfaceIsExempt(t *testing.T) {
	l := newLab(t, "vlan.eth.1")
	apply(t, l.dataplane, create(ruleset()))
	l.connect(outside).expect(podAddr)
	l.live(0)
}

// A pod's own class decides, and the node's for every other source.
func TestPodsClass(t *testing.T) {
	l := newLab(t, "eth0")
	r := ruleset("192.168.0.0/16")
	apply(t, l.dataplane, create(r))
	own := ruleset("192.168.0.0/16")
	own.Classes = append(own.Classes, class("c_own", outside+"/32"))
	own.Pods = []rules.Member{{Addr: netip.MustParseAddr(podAddr), Class: "c_own"}}
	apply(t, l.dataplane, nft.Diff(r.Table(), own.Table()))
	l.connect(outside).expect(podAddr)
	l.connect(excluded).expect(primaryAddr)
}

// Adjacent intervals with different verdicts meet at the right address.
func TestAdjacentIntervals(t *testing.T) {
	l := newLab(t, "eth0")
	r := ruleset("192.168.0.0/31", "192.168.0.2/31", "198.51.100.2/31")
	apply(t, l.dataplane, create(r))
	less := ruleset("192.168.0.0/31", "198.51.100.2/31")
	apply(t, l.dataplane, nft.Diff(r.Table(), less.Table()))
	l.connect(excluded).expect(podAddr)    // the last of the interval that stays
	l.connect(outside).expect(primaryAddr) // the one before an interval
}

func TestPortChoice(t *testing.T) {
	l := newLab(t, "eth0")
	r := ruleset()
	r.Network.Randomize = rules.RandomizeNone
	apply(t, l.dataplane, create(r))
	c := l.connect(outside)
	if got, want := c.seen().String(), primaryAddr+c.LocalAddr().String()[len(podAddr):]; got != want {
		t.Errorf("the server sees %s, want %s", got, want)
	}
	for _, choice := range []rules.Randomize{rules.RandomizePRNG, rules.RandomizeHash} {
		r.Network.Randomize = choice
		apply(t, l.dataplane, rules.Replace(r).Ops)
		// One of many ports may be the same by chance; all of them are not.
		nstest.Eventually(t, "another source port with "+string(choice), func() bool {
			c := l.connect(outside)
			c.expect(primaryAddr)
			return c.seen().String() != primaryAddr+c.LocalAddr().String()[len(podAddr):]
		})
	}
}

// Bits of the marks that others have set stay as they are.
func TestForeignMarkBits(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	l := newLab(t, "eth0")
	nftFile(t, l.node, `table ip other {
		counter translated { }
		counter excluded { }
		chain before { type filter hook prerouting priority -150; iifname "eni*" ct mark set ct mark | 0x10000 meta mark set meta mark | 0x20000; }
		chain after {
			type filter hook postrouting priority 200
			iifname "eni*" ip daddr `+outside+` ct mark 0x10080 meta mark 0x20080 counter name translated
			iifname "eni*" ip daddr `+excluded+` ct mark 0x10000 meta mark 0x20000 counter name excluded
		}
	}`)
	apply(t, l.dataplane, create(ruleset("192.168.0.0/16")))
	for counter, to := range map[string]string{"translated": outside, "excluded": excluded} {
		c := l.connect(to)
		before := l.node.Run("nft", "list", "counter", "ip", "other", counter)
		if strings.Contains(before, "packets 0 ") {
			t.Errorf("first packet to %s: another mark than expected", to)
		}
		c.seen()
		if after := l.node.Run("nft", "list", "counter", "ip", "other", counter); before == after {
			t.Errorf("later packets to %s: another mark than expected", to)
		}
	}
}

// A connection is decided on its first packet; changes reach new ones only.
func TestDecidedOnFirstPacket(t *testing.T) {
	l := newLab(t, "eth0")
	before, after := ruleset("192.168.0.0/16"), ruleset("198.51.100.0/24")
	apply(t, l.dataplane, create(before))
	translated, kept := l.connect(outside), l.connect(excluded)
	translated.expect(primaryAddr)
	kept.expect(podAddr)
	apply(t, l.dataplane, nft.Diff(before.Table(), after.Table()))
	translated.expect(primaryAddr)
	kept.expect(podAddr)
	l.connect(outside).expect(podAddr)
	l.connect(excluded).expect(primaryAddr)
}

// The table is removed and made again under live connections.
func TestReplaceKeepsConnections(t *testing.T) {
	l := newLab(t, "eth0")
	r := ruleset("192.168.0.0/16")
	apply(t, l.dataplane, create(r))
	translated, kept := l.connect(outside), l.connect(excluded)
	first := translated.seen()
	apply(t, l.dataplane, rules.Replace(r).Ops)
	if again := translated.seen(); again != first {
		t.Errorf("the server sees %s after %s", again, first)
	}
	kept.expect(podAddr)
}

// Draining translates nothing new and keeps what is live.
func TestDraining(t *testing.T) {
	l := newLab(t, "eth0")
	r := ruleset("192.168.0.0/16")
	apply(t, l.dataplane, create(r))
	translated := l.connect(outside)
	translated.expect(primaryAddr)
	apply(t, l.dataplane, nft.Diff(r.Table(), rules.Draining(network()).Table()))
	translated.expect(primaryAddr)
	l.connect(outside).expect(podAddr)
	l.live(1)
}
