package test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/link"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/oracle"
)

// fireWorld is all that decides: what the daemon's files say. What modules make of
// it is told a second time here, in the plainest way.
type fireWorld struct {
	network       string // the configuration of the network; empty for that of all tests
	external      bool
	onChange      string // empty for the default
	vpc, excluded []netip.Prefix
	pods          map[netip.Addr]firePod // those that the facts know
	modules       map[string]fireModule  // by name
}

type firePod struct {
	namespace string
	label     string // its one key; empty for none
}

// fireModule is one of the examples with its settings.
type fireModule struct {
	example   string
	cidrs     []netip.Prefix
	namespace string     // of exclude-cidrs, empty for all, and of egress-address
	label     string     // of exclude-by-label
	source    netip.Addr // of egress-address
}

func (m fireModule) String() string { return strings.Join(strings.Fields(m.sidecar()), " ") }

func (p firePod) String() string { return strings.TrimSpace(p.namespace + " " + p.label) }

// Names that pods and modules share.
var (
	fireNamespaces = []string{"shop", "bank"}
	fireLabels     = []string{"own", "direct"}
)

var everywhere = netip.MustParsePrefix("0.0.0.0/0")

func newFireWorld() *fireWorld {
	return &fireWorld{
		vpc:  []netip.Prefix{lab.VPCNetwork, lab.SecondNetwork},
		pods: map[netip.Addr]firePod{}, modules: map[string]fireModule{},
	}
}

func (w *fireWorld) clone() *fireWorld {
	c := *w
	c.vpc, c.excluded = slices.Clone(w.vpc), slices.Clone(w.excluded)
	c.pods, c.modules = maps.Clone(w.pods), maps.Clone(w.modules)
	return &c
}

// fireChange is one change of a world. It can be made of any.
type fireChange struct {
	what string
	make func(*fireWorld)
}

// randomChange is one that happens on nodes.
func (w *fireWorld) randomChange(r *rand.Rand, n *fireNet) fireChange {
	source := n.sources[r.IntN(len(n.sources))].addr
	switch r.IntN(12) {
	case 0, 1, 2:
		p := randomPrefix(r, n)
		return fireChange{fmt.Sprintf("exclude %s or not", p), func(w *fireWorld) { w.excluded = toggled(w.excluded, p) }}
	case 3:
		p := lab.PeeredNetwork
		return fireChange{fmt.Sprintf("%s in the VPC or not", p), func(w *fireWorld) { w.vpc = toggled(w.vpc, p) }}
	case 4:
		return fireChange{fmt.Sprintf("pod %s is gone", source), func(w *fireWorld) { delete(w.pods, source) }}
	case 5, 6, 7:
		pod := randomPod(r)
		return fireChange{fmt.Sprintf("pod %s is %v", source, pod), func(w *fireWorld) { w.pods[source] = pod }}
	case 8, 9, 10:
		name := []string{"10-first", "20-egress", "30-label", "40-last"}[r.IntN(4)]
		if _, there := w.modules[name]; there && r.IntN(3) == 0 {
			return fireChange{"no module " + name, func(w *fireWorld) { delete(w.modules, name) }}
		}
		m := randomModule(r, n, name)
		return fireChange{fmt.Sprintf("module %s is %v", name, m), func(w *fireWorld) { w.modules[name] = m }}
	default:
		external := !w.external
		return fireChange{fmt.Sprintf("external is %v", external), func(w *fireWorld) { w.external = external }}
	}
}

func randomPod(r *rand.Rand) firePod {
	pod := firePod{namespace: fireNamespaces[r.IntN(len(fireNamespaces))]}
	if r.IntN(2) == 0 {
		pod.label = fireLabels[r.IntN(len(fireLabels))]
	}
	return pod
}

func randomModule(r *rand.Rand, n *fireNet, name string) fireModule {
	m := fireModule{}
	for range 1 + r.IntN(4) {
		if p := randomPrefix(r, n); !slices.Contains(m.cidrs, p) {
			m.cidrs = append(m.cidrs, p)
		}
	}
	namespace := fireNamespaces[r.IntN(len(fireNamespaces))]
	switch name {
	case "20-egress":
		m.example, m.namespace, m.source = "egress-address", namespace, fireEgress[r.IntN(len(fireEgress))]
		if r.IntN(2) == 0 {
			m.cidrs = nil // everywhere
		}
	case "30-label":
		m.example, m.label = "exclude-by-label", fireLabels[r.IntN(len(fireLabels))]
	case "40-last":
		m.example, m.namespace = "exclude-cidrs", namespace
	default:
		m.example = "exclude-cidrs"
	}
	return m
}

// randomPrefix has a destination in it.
func randomPrefix(r *rand.Rand, n *fireNet) netip.Prefix {
	bits := []int{2, 8, 12, 16, 20, 24, 28, 31, 32}[r.IntN(9)]
	return netip.PrefixFrom(n.destinations[r.IntN(len(n.destinations))].real, bits).Masked()
}

func toggled(list []netip.Prefix, p netip.Prefix) []netip.Prefix {
	if i := slices.Index(list, p); i >= 0 {
		return slices.Delete(slices.Clone(list), i, i+1)
	}
	return append(slices.Clone(list), p)
}

// decisions are what the modules decide for a pod; nil for those that the facts do
// not know.
func (w *fireWorld) decisions(pod *firePod) (all []rules.Decision) {
	for _, name := range slices.Sorted(maps.Keys(w.modules)) {
		d := rules.Decision{Module: name + ".wasm"}
		m := w.modules[name]
		switch m.example {
		case "exclude-cidrs":
			if m.namespace == "" || pod != nil && pod.namespace == m.namespace {
				d.Entries = fireEntries(rules.Exclude, netip.Addr{}, m.cidrs...)
			}
		case "exclude-by-label":
			if pod != nil && pod.label == m.label {
				d.Entries = fireEntries(rules.Exclude, netip.Addr{}, m.cidrs...)
			}
		case "egress-address":
			if pod != nil && pod.namespace == m.namespace && !w.external {
				d.Entries = w.egress(m)
			}
		}
		all = append(all, d)
	}
	d := rules.Decision{Module: engine.DefaultModule}
	switch {
	case w.external:
		d.Entries = fireEntries(rules.Exclude, netip.Addr{}, everywhere)
	default:
		kept := slices.Concat(w.vpc, w.excluded)
		d.Entries = append(fireEntries(rules.Exclude, netip.Addr{}, kept...), fireEntries(rules.Translate, netip.Addr{}, everywhere)...)
	}
	return append(all, d)
}

// egress translates to the module's source, but for what is never translated
// inside.
func (w *fireWorld) egress(m fireModule) []rules.Entry {
	cidrs := m.cidrs
	if len(cidrs) == 0 {
		cidrs = []netip.Prefix{everywhere}
	}
	entries := fireEntries(rules.Translate, m.source, cidrs...)
	for _, kept := range slices.Concat(w.vpc, w.excluded) {
		inside := slices.ContainsFunc(cidrs, func(c netip.Prefix) bool { return c.Bits() < kept.Bits() && c.Contains(kept.Addr()) })
		if inside && !slices.Contains(cidrs, kept) {
			entries = append(entries, fireEntries(rules.Exclude, netip.Addr{}, kept)...)
		}
	}
	return entries
}

func fireEntries(action rules.Action, source netip.Addr, prefixes ...netip.Prefix) (entries []rules.Entry) {
	for _, p := range prefixes {
		entries = append(entries, rules.Entry{Prefix: p, Outcome: rules.Outcome{Action: action, Source: source}})
	}
	return entries
}

// fireNetwork is how the lab's node is connected.
var fireNetwork = engine.NetworkOf(config.Default(), link.Link{Name: lab.PrimaryInterface, Addr: lab.NodePrimary})

func (w *fireWorld) subjects() (node []rules.Decision, pods []rules.Decided) {
	for _, addr := range slices.SortedFunc(maps.Keys(w.pods), netip.Addr.Compare) {
		pod := w.pods[addr]
		pods = append(pods, rules.Decided{
			Subject:   rules.Subject{Name: pod.namespace + "/" + addr.String(), Addr: addr},
			Decisions: w.decisions(&pod),
		})
	}
	return w.decisions(nil), pods
}

// ruleset is what the compiler makes of it.
func (w *fireWorld) ruleset(t *testing.T) *rules.Ruleset {
	t.Helper()
	node, pods := w.subjects()
	ruleset, err := rules.Compile(fireNetwork, node, pods)
	if err != nil {
		t.Fatal(err)
	}
	return ruleset
}

// view is which source the peers see, by source and destination.
type view [][]netip.Addr

// view asks the oracle.
func (w *fireWorld) view(n *fireNet) view {
	node, pods := w.subjects()
	o := oracle.New(fireNetwork, node, pods)
	return n.view(o.Lookup)
}

// view makes a view of outcomes.
func (n *fireNet) view(lookup func(src, dst netip.Addr) rules.Outcome) view {
	v := make(view, len(n.sources))
	for i, s := range n.sources {
		v[i] = make([]netip.Addr, len(n.destinations))
		for j, d := range n.destinations {
			v[i][j] = seenAs(s.addr, lookup(s.addr, d.real))
		}
	}
	return v
}

// seenAs is the source that a peer sees.
func seenAs(src netip.Addr, o rules.Outcome) netip.Addr {
	switch {
	case o.Action != rules.Translate:
		return src
	case o.Source.IsValid():
		return o.Source
	}
	return lab.NodePrimary
}

// fireFiles are the daemon's files as they were written last.
type fireFiles struct {
	d             *daemon
	config, facts string
	modules       map[string]string // sidecars
}

// write makes the files say what a world is. Each module changes at once: a sidecar
// without a module means nothing.
func (f *fireFiles) write(w *fireWorld) {
	f.d.t.Helper()
	if text := w.config(f.d.t); text != f.config {
		f.d.setConfig(text)
		f.config = text
	}
	if text := w.facts(f.d.t); text != f.facts {
		f.d.write("facts.yaml", text)
		f.facts = text
	}
	for _, name := range slices.Sorted(maps.Keys(f.modules)) {
		if _, wanted := w.modules[name]; !wanted {
			f.d.removeDropIn(name)
			delete(f.modules, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.modules)) {
		m := w.modules[name]
		text, known := f.modules[name]
		if now := m.sidecar(); now != text {
			if known {
				f.d.write("policies.d/"+name+".yaml", now)
			} else {
				f.d.dropInExample(m.example, name, now)
			}
			f.modules[name] = now
		}
	}
}

func (w *fireWorld) config(t *testing.T) string {
	return cmp.Or(w.network, baseConfig) + fmt.Sprintf("snat: {external: %v, excludeCIDRs: %s, onChange: %s}\n",
		w.external, inJSON(t, w.excluded), cmp.Or(w.onChange, config.OnChangeKeep))
}

func (w *fireWorld) facts(t *testing.T) string {
	var text strings.Builder
	fmt.Fprintf(&text, "node: {name: node-a}\nvpc: {cidrs: %s}\npods:\n", inJSON(t, w.vpc))
	text.WriteString("- {namespace: kube-system, name: host-pod, ip: 10.0.0.10, hostNetwork: true}\n")
	for _, addr := range slices.SortedFunc(maps.Keys(w.pods), netip.Addr.Compare) {
		pod := w.pods[addr]
		labels := map[string]string{}
		if pod.label != "" {
			labels[pod.label] = "yes"
		}
		fmt.Fprintf(&text, "- {namespace: %s, name: pod-%s, ip: %s, labels: %s}\n",
			pod.namespace, strings.ReplaceAll(addr.String(), ".", "-"), addr, inJSON(t, labels))
	}
	return text.String()
}

// inJSON is a value as YAML takes it too.
func inJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) == "null" {
		return "[]"
	}
	return string(text)
}

func (m fireModule) sidecar() string {
	var cidrs []string
	for _, p := range m.cidrs {
		cidrs = append(cidrs, p.String())
	}
	var text strings.Builder
	text.WriteString("config:\n")
	setting := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&text, "  %s: %q\n", key, value)
		}
	}
	setting("cidrs", strings.Join(cidrs, ", "))
	setting("label", m.label)
	if m.source.IsValid() {
		setting("source", m.source.String())
		setting("namespaces", m.namespace)
		// Both, so that a change of the source takes no grant away.
		fmt.Fprintf(&text, "grants: {sources: [%s, %s]}\n", fireEgress[0], fireEgress[1])
	} else {
		setting("namespace", m.namespace)
	}
	return text.String()
}

// launch starts the daemon, and leaves its log to the caller.
func (d *daemon) launch() {
	d.t.Helper()
	d.log = &logBuffer{}
	d.launchWith(d.log)
}

// launchWith starts the daemon, with somebody who takes its log.
func (d *daemon) launchWith(log io.Writer) {
	d.t.Helper()
	command := d.command(nil, "run")
	command.Stderr = log
	var err error
	if d.process, err = d.lab.Node.Start(command); err != nil {
		d.t.Fatal(err)
	}
}

// waitRuleset waits until the kernel holds what a ruleset does, as the daemon says.
func (d *daemon) waitRuleset(ruleset *rules.Ruleset) {
	d.t.Helper()
	want := ruleset.Digest()
	d.wait("the ruleset of this change", func() error {
		status, err := d.client.Status(d.t.Context())
		if err == nil && (status.Ruleset != want || !status.Ready) {
			err = fmt.Errorf("ruleset %.12s, want %.12s, waiting %q, problems %v", status.Ruleset, want, status.Waiting, status.Problems)
		}
		return err
	})
}
