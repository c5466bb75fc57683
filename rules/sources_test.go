package rules_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
)

// sourcesOf returns the name of what chooses the sources of a class.
func sourcesOf(class string) string { return "s_" + strings.TrimPrefix(class, "c_") }

// TestSourceOfFirstPackets asserts the source address that first packets leave
// with; empty is the pod's own.
func TestSourceOfFirstPackets(t *testing.T) {
	const primary, a, b = "10.0.0.10", "10.0.0.11", "10.0.0.12"
	vpc := excluding("10.0.0.0/16")
	all := egress("0.0.0.0/0", a, "192.0.2.0/24")
	ofPods := mustCompile(t, network(), one(vpc),
		pod("x/all", "10.0.1.1", all, vpc),
		pod("x/one", "10.0.1.2", egress("198.51.100.0/24", a), vpc),
		pod("x/two", "10.0.1.3", egress("198.51.100.0/24", a, "198.51.100.9/32"), egress("198.51.0.0/16", b), vpc),
		pod("x/no", "10.0.1.4", module("all", entries(exclude, "0.0.0.0/0"))))
	ofNode := mustCompile(t, network(), []rules.Decision{egress("0.0.0.0/0", b, "10.0.0.0/8")},
		pod("x/primary", "10.0.1.1", vpc),
		pod("x/all", "10.0.1.2", all),
		pod("x/no", "10.0.1.4", module("all", entries(exclude, "0.0.0.0/0"))))
	for _, c := range []struct {
		name     string
		ruleset  *rules.Ruleset
		src, dst string
		want     string
	}{
		{"all", ofPods, "10.0.1.1", "8.8.8.8", a},
		{"all, from the first address", ofPods, "10.0.1.1", "0.0.0.0", a},
		{"all, to the last address", ofPods, "10.0.1.1", "255.255.255.255", a},
		{"all, what the default module excludes too", ofPods, "10.0.1.1", "10.0.9.9", a},
		{"all, excluded inside", ofPods, "10.0.1.1", "192.0.2.1", ""},
		{"one destination", ofPods, "10.0.1.2", "198.51.100.1", a},
		{"one destination, to others", ofPods, "10.0.1.2", "198.51.101.1", primary},
		{"one destination, excluded", ofPods, "10.0.1.2", "10.0.9.9", ""},
		{"two destinations, the inner", ofPods, "10.0.1.3", "198.51.100.1", a},
		{"two destinations, excluded inside", ofPods, "10.0.1.3", "198.51.100.9", ""},
		{"two destinations, the outer", ofPods, "10.0.1.3", "198.51.101.1", b},
		{"two destinations, to others", ofPods, "10.0.1.3", "8.8.8.8", primary},
		{"excluded pod", ofPods, "10.0.1.4", "8.8.8.8", ""},
		{"any other pod", ofPods, "10.0.1.9", "198.51.100.1", primary},
		{"node's, a pod with the primary address", ofNode, "10.0.1.1", "8.8.8.8", primary},
		{"node's, a pod with yet another", ofNode, "10.0.1.2", "8.8.8.8", a},
		{"node's, an excluded pod", ofNode, "10.0.1.4", "8.8.8.8", ""},
		{"node's, any other pod", ofNode, "10.0.1.9", "8.8.8.8", b},
		{"node's, any other pod, excluded", ofNode, "10.0.1.9", "10.9.9.9", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := c.ruleset.Table()
			p := nfttest.Packet{In: "eni1", Out: "eth0", Src: addr(c.src), Dst: addr(c.dst)}
			p = nfttest.Postrouting(table, nfttest.Prerouting(table, p))
			want, ports := netip.Addr{}, nft.PortsKeep
			if c.want != "" {
				want, ports = addr(c.want), nft.PortsFullyRandom
			}
			if p.TranslatedTo != want || p.TranslatedPorts != ports {
				t.Errorf("translated to %q with ports %q, want %q, in\n%s", p.TranslatedTo, p.TranslatedPorts, c.want, table)
			}
			p.TranslatedTo, p.Confirmed, p.Mark = netip.Addr{}, true, 0
			p = nfttest.Postrouting(table, nfttest.Prerouting(table, p))
			if p.TranslatedTo.IsValid() || (p.Mark != 0) != (c.want != "") {
				t.Errorf("the second packet is translated to %q and has the mark %#x", p.TranslatedTo, p.Mark)
			}
		})
	}
}

// Every way to a source address chooses the port as the network says.
func TestPortsOfSources(t *testing.T) {
	for mode, ports := range map[rules.Randomize]nft.PortChoice{
		rules.RandomizePRNG: nft.PortsFullyRandom, rules.RandomizeHash: nft.PortsRandom, rules.RandomizeNone: nft.PortsKeep,
	} {
		n := network()
		n.Randomize = mode
		vpc := excluding("10.0.0.0/16")
		table := mustCompile(t, n, one(vpc), pod("a/x", "10.0.1.1", egress("8.0.0.0/8", "10.0.0.11"), vpc)).Table()
		for _, dst := range []string{"8.8.8.8", "9.9.9.9"} {
			p := nfttest.Packet{In: "eni1", Out: "eth0", Src: addr("10.0.1.1"), Dst: addr(dst)}
			if p = nfttest.Postrouting(table, nfttest.Prerouting(table, p)); p.TranslatedPorts != ports {
				t.Errorf("%s to %s: ports %q, want %q", mode, dst, p.TranslatedPorts, ports)
			}
		}
	}
}

// Between its two hooks a first packet can meet two rulesets. It then leaves as
// one of them says, or with the primary address.
func TestSourcesBetweenTwoRulesets(t *testing.T) {
	vpc, src, dst := excluding("10.0.0.0/16"), "10.0.1.1", "8.8.8.8"
	primary, a, b := addr("10.0.0.10"), addr("10.0.0.11"), addr("10.0.0.12")
	decided := func(d ...rules.Decision) *rules.Ruleset {
		return mustCompile(t, network(), one(vpc), pod("a/x", src, append(d, vpc)...))
	}
	for _, c := range []struct {
		name          string
		before, after *rules.Ruleset
		want          netip.Addr
	}{
		{"another source comes", decided(), decided(egress("0.0.0.0/0", "10.0.0.11")), a},
		{"another source goes", decided(egress("0.0.0.0/0", "10.0.0.11")), decided(), primary},
		{"one becomes another", decided(egress("0.0.0.0/0", "10.0.0.11")), decided(egress("8.0.0.0/8", "10.0.0.12")), b},
		{"excluded, others are not", decided(), decided(egress("0.0.0.0/0", "10.0.0.11", "8.0.0.0/8")), primary},
		{"excluded, all are", decided(egress("0.0.0.0/0", "10.0.0.11")), decided(module("m", entries(exclude, "0.0.0.0/0"))), primary},
		{"the node's comes", decided(), mustCompile(t, network(), []rules.Decision{egress("0.0.0.0/0", "10.0.0.12")}), b},
		{"was excluded", decided(module("m", entries(exclude, "0.0.0.0/0"))), decided(egress("0.0.0.0/0", "10.0.0.11")), netip.Addr{}},
		{"draining comes", decided(egress("0.0.0.0/0", "10.0.0.11")), rules.Draining(network()), netip.Addr{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := nfttest.Packet{In: "eni1", Out: "eth0", Src: addr(src), Dst: addr(dst)}
			p = nfttest.Postrouting(c.after.Table(), nfttest.Prerouting(c.before.Table(), p))
			if p.TranslatedTo != c.want {
				t.Errorf("translated to %q, want %q", p.TranslatedTo, c.want)
			}
		})
	}
}

// A ruleset in which nobody has another source has nothing of them.
func TestNoSourcesWithoutNeed(t *testing.T) {
	vpc := excluding("10.0.0.0/16")
	r := mustCompile(t, network(), one(vpc), pod("a/x", "10.0.1.1", egress("0.0.0.0/0", "10.0.0.10"), vpc))
	table := r.Table()
	for _, m := range table.Maps {
		if m.Addresses || m.Name == "sources" {
			t.Errorf("map %s", m.Name)
		}
	}
	if len(table.Chains) != 7 || strings.Contains(table.String(), "daddr map") {
		t.Errorf("table:\n%s", table)
	}
}

// The map of a class says what is done; sources make no difference to it.
func TestDestinationsIgnoreSources(t *testing.T) {
	keep := module("default", entries(exclude, "0.0.0.0/0"))
	r := mustCompile(t, network(), []rules.Decision{egress("8.0.0.0/8", "10.0.0.11"), egress("9.0.0.0/8", "10.0.0.12"), keep})
	text := r.Table().String()
	for _, want := range []string{
		"\t\telements = {\n\t\t\t8.0.0.0/7 : continue\n\t\t}\n",
		"\t\telements = {\n\t\t\t8.0.0.0/8 : 10.0.0.11,\n\t\t\t9.0.0.0/8 : 10.0.0.12\n\t\t}\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestDiffPodWithSource(t *testing.T) {
	vpc := excluding("10.0.0.0/16")
	own := []rules.Decision{egress("198.51.100.0/24", "10.0.0.11"), vpc}
	one1, two := pod("a/x", "10.0.1.1", own...), pod("a/y", "10.0.1.2", own...)
	before := mustCompile(t, network(), one(vpc), one1)
	class := before.Pods[0].Class
	plan := apply(t, before, mustCompile(t, network(), one(vpc), one1, two))
	wantOps(t, plan.Ops, "add element ip snatd pods { 10.0.1.2 : goto "+class+" }\n"+
		"add element ip snatd sources { 10.0.1.2 : goto "+sourcesOf(class)+" }\n")
	wantOps(t, apply(t, plan.After, before).Ops, "delete element ip snatd pods { 10.0.1.2 : goto "+class+" }\n"+
		"delete element ip snatd sources { 10.0.1.2 : goto "+sourcesOf(class)+" }\n")
	// A pod that follows the node, or has the primary address, is in no map of sources.
	peered := pod("a/z", "10.0.1.3", peer, vpc)
	held := mustCompile(t, network(), one(vpc), one1, peered)
	more := apply(t, held, mustCompile(t, network(), one(vpc), one1, peered, pod("a/w", "10.0.1.4", peer, vpc), pod("a/v", "10.0.1.5", vpc)))
	wantOps(t, more.Ops, "add element ip snatd pods { 10.0.1.4 : goto "+more.After.ClassOf(addr("10.0.1.4"))+" }\n")
}

// Where the node has another source, it is pods without that need an element.
func TestDiffNodeWithSource(t *testing.T) {
	node := []rules.Decision{egress("0.0.0.0/0", "10.0.0.11", "10.0.0.0/8")}
	vpc := excluding("10.0.0.0/8")
	first := pod("a/x", "10.0.1.1", vpc)
	before := mustCompile(t, network(), node, first)
	class := before.Pods[0].Class
	plan := apply(t, before, mustCompile(t, network(), node, first, pod("a/y", "10.0.1.2", vpc), pod("a/z", "10.0.1.3", node...)))
	wantOps(t, plan.Ops, "add element ip snatd pods { 10.0.1.2 : goto "+class+" }\n"+
		"add element ip snatd sources { 10.0.1.2 : goto primary }\n")
}

// What a packet may still need that the rules before have decided stays until it has
// passed: towards what is excluded now, the source from before.
func TestDiffKeepsSources(t *testing.T) {
	vpc := excluding("10.0.0.0/16")
	own := pod("a/x", "10.0.1.1", egress("198.51.100.0/24", "10.0.0.11"), vpc)
	excluded := pod("a/x", "10.0.1.1", excluding("198.51.100.0/24"), vpc)
	plan := apply(t, mustCompile(t, network(), one(vpc), own), mustCompile(t, network(), one(vpc), excluded))
	var parts []string
	for _, part := range strings.Split(plan.Ops.String(), "# then") {
		parts = append(parts, strconv.FormatBool(strings.Contains(part, "postrouting"))+strconv.FormatBool(strings.Contains(part, "pods")))
	}
	// Prerouting decides first, postrouting forgets last.
	if want := []string{"falsetrue", "truefalse"}; !slices.Equal(parts, want) || !strings.Contains(plan.Ops.String(), "passed") {
		t.Errorf("parts change postrouting and pods: %v, want %v, in\n%s", parts, want, plan.Ops)
	}
}

// A class keeps its name, its map of destinations and its members' elements
// when nothing but a source changes.
func TestDiffSourceChanges(t *testing.T) {
	vpc := excluding("10.0.0.0/16")
	decided := func(source string) *rules.Ruleset {
		return mustCompile(t, network(), one(vpc),
			pod("a/x", "10.0.1.1", egress("8.0.0.0/8", source), module("m", entries(exclude, "9.0.0.0/16", "9.2.0.0/16", "9.4.0.0/16")), vpc))
	}
	before := decided("10.0.0.11")
	class := before.Pods[0].Class
	plan := apply(t, before, decided("10.0.0.12"))
	// The list is edited where no packet is on its way to it; its members are led around it.
	edit := "delete element ip snatd " + sourcesOf(class) + " { 8.0.0.0/8 : 10.0.0.11 }\n"
	around, back, found := strings.Cut(plan.Ops.String(), "# then, when the packets on their way have passed\n")
	if !found || strings.Contains(around, edit) || !strings.Contains(back, edit) || strings.Contains(plan.Ops.String(), " pods ") {
		t.Errorf("the plan is\n%s", plan.Ops)
	}
	if before.Digest() == plan.After.Digest() {
		t.Error("another source has the same digest")
	}
	// The primary address in place of the source: what chose it goes, the class stays.
	gone := apply(t, plan.After, decided("10.0.0.10"))
	wantOps(t, gone.Ops, `flush chain ip snatd postrouting
add rule ip snatd postrouting iifname "eni*" oifname != "vlan*" ct mark & 0x00000080 == 0x00000080 snat to 10.0.0.10 fully-random
flush chain ip snatd primary
flush chain ip snatd `+sourcesOf(class)+`
flush chain ip snatd sources
delete map ip snatd `+sourcesOf(class)+`
delete map ip snatd sources
delete chain ip snatd primary
delete chain ip snatd `+sourcesOf(class)+`
delete chain ip snatd sources
`)
	if gone.After.Pods[0].Class != class {
		t.Errorf("class is %s, was %s", gone.After.Pods[0].Class, class)
	}
	apply(t, gone.After, before)
}

func TestDrainingWithSources(t *testing.T) {
	r := golden(t)["sources"]
	plan := apply(t, r, rules.Draining(r.Network))
	if d := diffTables(rules.Draining(r.Network).Table(), plan.After.Table()); d != "" {
		t.Error(d)
	}
	apply(t, plan.After, r)
}

func TestSourcesInJSON(t *testing.T) {
	r := golden(t)["sources"]
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `{"first":"198.51.100.0","last":"198.51.100.255","outcome":{"action":"translate","source":"10.0.0.11"},"module":"egress"}`) {
		t.Errorf("the source is missing in %s", text)
	}
	var again rules.Ruleset
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r.Table().String(), again.Table().String()); d != "" {
		t.Error(d)
	}
}
