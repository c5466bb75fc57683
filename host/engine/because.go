package engine

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/facts"
)

// because says in a few words why rules are changed: what differs in what they follow
// from. Before is what the kernel holds, nil at the start; the modules are those of the
// passes before and now.
func because(before, after *Result, modulesBefore, modules []ModuleStatus) string {
	if before == nil {
		return "start"
	}
	var why []string
	add := func(what string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			why = append(why, what)
		}
	}
	a, b := before.Snapshot, after.Snapshot
	add("network", before.Network, after.Network)
	add("node", a.Node, b.Node)
	add("addresses", a.Addresses, b.Addresses)
	add("vpc", a.VPC, b.VPC)
	add("snat.external", a.External, b.External)
	add("snat.excludeCIDRs", a.ExcludeCIDRs, b.ExcludeCIDRs)
	why = append(why, changes("namespace", a.Namespaces, b.Namespaces, func(n facts.Namespace) string { return n.Name })...)
	why = append(why, changes("pod", a.Pods, b.Pods, facts.Pod.FullName)...)
	// Another version has another number of loads.
	why = append(why, changes("module", versions(modulesBefore), versions(modules), func(v version) string { return v.name })...)
	if len(why) > 0 {
		return strings.Join(why, ", ")
	}
	if before.Ruleset != nil && after.Ruleset != nil && before.Ruleset.Digest() == after.Ruleset.Digest() {
		return "others changed them, or live connections need less"
	}
	return "modules decide otherwise"
}

// version is one of a module, as far as it tells two apart.
type version struct {
	name, sha256 string
	taken        uint64
}

// versions are those of the drop-ins that decide. Modules of this binary decide natively
// what they decide loaded.
func versions(modules []ModuleStatus) (list []version) {
	for _, m := range modules {
		if m.SHA256 != "" && m.Name != DefaultModule && m.Name != RoutesModule {
			list = append(list, version{m.Name, m.SHA256, m.Loads.Taken})
		}
	}
	return list
}

// mostNamed is how many things of a kind are named.
const mostNamed = 3

// changes names what came, went or is another, the first by name.
func changes[T any](kind string, before, after []T, name func(T) string) (list []string) {
	was := map[string]T{}
	for _, one := range before {
		was[name(one)] = one
	}
	how := map[string]string{}
	for _, one := range after {
		old, known := was[name(one)]
		switch {
		case !known:
			how[name(one)] = "added"
		case !reflect.DeepEqual(old, one):
			how[name(one)] = "changed"
		}
		delete(was, name(one))
	}
	for gone := range was {
		how[gone] = "removed"
	}
	for _, changed := range slices.Sorted(maps.Keys(how)) {
		if len(list) == mostNamed {
			return append(list, fmt.Sprintf("%d more of kind %s", len(how)-mostNamed, kind))
		}
		list = append(list, kind+" "+changed+" "+how[changed])
	}
	return list
}
