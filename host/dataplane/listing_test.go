package dataplane

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

func variant(change func(*rules.Ruleset)) *rules.Ruleset {
	r := ruleset("10.0.0.0/16", "192.168.0.0/24")
	change(r)
	return r
}

var listings = map[string]*rules.Ruleset{
	"one class":           ruleset("10.0.0.0/16", "10.2.0.0/16"),
	"adjacent intervals":  ruleset("10.0.0.0/16", "10.1.0.0/16"),
	"to the last address": ruleset("0.0.0.0/8", "240.0.0.0/4"),
	"everything":          ruleset("0.0.0.0/0"),
	"draining":            rules.Draining(network()),
	"draining, node ports": rules.Draining(variant(func(r *rules.Ruleset) {
		r.Network.NodePorts, r.Network.PrimaryInterface = true, "eth0"
	}).Network),
	"two pod interfaces": variant(func(r *rules.Ruleset) { r.Network.PodInterfaces = []string{"eni*", "veth*"} }),
	"names and patterns": variant(func(r *rules.Ruleset) {
		r.Network.PodInterfaces = []string{"a", "aaaaaaaaaaaaaa*", "eni*", "eth0", "x12345678901234"}
	}),
	"names only":        variant(func(r *rules.Ruleset) { r.Network.PodInterfaces = []string{"eth0", "eth1", "pod"} }),
	"exempt interfaces": variant(func(r *rules.Ruleset) { r.Network.ExemptInterfaces = []string{"br0", "vlan*"} }),
	"nothing exempt":    variant(func(r *rules.Ruleset) { r.Network.ExemptInterfaces = nil }),
	"hashrandom":        variant(func(r *rules.Ruleset) { r.Network.Randomize = rules.RandomizeHash }),
	"no randomization":  variant(func(r *rules.Ruleset) { r.Network.Randomize = rules.RandomizeNone }),
	"another mark":      variant(func(r *rules.Ruleset) { r.Network.Mark = 0x80000000 }),
	"node ports": variant(func(r *rules.Ruleset) {
		r.Network.NodePorts, r.Network.PrimaryInterface = true, "eth0"
	}),
	"other sources":             withSources(network(), ""),
	"node's source":             withSources(network(), thirdAddr),
	"other sources, hashrandom": withSources(randomized(rules.RandomizeHash), ""),
	"other sources, none":       withSources(randomized(rules.RandomizeNone), ""),
	"counted": compile(network(), rules.Decision{Entries: []rules.Entry{
		entry(rules.Translate, "0.0.0.0/0", ""), entry(rules.Exclude, "192.168.0.0/16", ""), entry(rules.Exclude, "10.0.0.0/16", ""),
	}}, map[string]rules.Decision{
		podAddr: {Entries: []rules.Entry{entry(rules.Exclude, outside+"/32", ""), entry(rules.Translate, "192.168.1.0/24", "")}},
		onePod:  {Entries: []rules.Entry{entry(rules.Exclude, "0.0.0.0/0", "")}},
	}),
	"pods": variant(func(r *rules.Ruleset) {
		r.Classes = append(r.Classes, class("c_other", "172.16.0.0/12"))
		for _, addr := range []string{"10.0.1.5", "10.0.1.6", "10.0.2.7"} {
			r.Pods = append(r.Pods, rules.Member{Addr: single(addr, nft.Accept()).First, Class: "c_other"})
		}
	}),
}

// counted is what counters show.
var counted = regexp.MustCompile(`\t\tpackets [0-9]+ bytes [0-9]+\n`)

var interfaceNames = regexp.MustCompile(`\{ ("[^{}]*") \}`)

// sorted puts chains and maps, and the names of interfaces, in one order: Apply makes
// chains in the order of a change's phases, nft in that of the plan, and nft has another
// order for a set in which no name is a pattern. It leaves out what was counted.
func sorted(listing string) string {
	listing = counted.ReplaceAllString(listing, "")
	listing = interfaceNames.ReplaceAllStringFunc(listing, func(set string) string {
		names := strings.Split(strings.Trim(set, "{ }"), ", ")
		slices.Sort(names)
		return "{ " + strings.Join(names, ", ") + " }"
	})
	header, body, _ := strings.Cut(listing, "\n")
	parts := strings.Split(strings.TrimSuffix(body, "\n}\n"), "\n\n")
	slices.Sort(parts)
	return header + "\n" + strings.Join(parts, "\n\n")
}

// nftFile runs "nft -f" on a text.
func nftFile(t *testing.T, n *nstest.Namespace, text string) {
	t.Helper()
	nstest.Need(t, "nft", "nftables")
	file := filepath.Join(t.TempDir(), "rules.nft")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n.Run("nft", "-f", file)
}

func TestApplyMakesWhatNftMakes(t *testing.T) {
	for name, r := range listings {
		t.Run(name, func(t *testing.T) {
			plan := create(r)
			applied, fromPlan, fromTable := nstest.New(t), nstest.New(t), nstest.New(t)
			apply(t, open(t, applied), plan)
			nftFile(t, fromPlan, plan.String())
			nftFile(t, fromTable, r.Table().String())
			if diff := cmp.Diff(sorted(list(t, fromPlan)), sorted(list(t, applied))); diff != "" {
				t.Errorf("nft -f of the plan and Apply differ:\n%s", diff)
			}
			if diff := cmp.Diff(sorted(list(t, fromTable)), sorted(list(t, applied))); diff != "" {
				t.Errorf("nft -f of the table and Apply differ:\n%s", diff)
			}
		})
	}
}

// Every change between two of the tables above.
func TestChangesMakeWhatNftMakes(t *testing.T) {
	applied, fromPlan := nstest.New(t), nstest.New(t)
	d := open(t, applied)
	change := func(title string, plan nft.Plan) {
		t.Helper()
		apply(t, d, plan)
		nftFile(t, fromPlan, plan.String())
		if diff := cmp.Diff(sorted(list(t, fromPlan)), sorted(list(t, applied))); diff != "" {
			t.Fatalf("%s: nft -f of the plan and Apply differ:\n%s\n%s", title, diff, plan)
		}
	}
	names := slices.Sorted(maps.Keys(listings))
	for i, first := range names {
		one := listings[first]
		change("replaced by "+first, rules.Replace(one).Ops)
		for _, second := range names[i+1:] {
			other := listings[second]
			change(first+" to "+second, nft.Diff(one.Table(), other.Table()))
			change(second+" to "+first, nft.Diff(other.Table(), one.Table()))
		}
	}
	apply(t, d, nft.Diff(listings[names[len(names)-1]].Table(), nil))
	if exists, err := d.Exists(rules.TableName); exists || err != nil {
		t.Errorf("after removal: exists %v, error %v", exists, err)
	}
}
