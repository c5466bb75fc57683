package test

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/examples/egress-address"
	"github.com/snatd/snatd/examples/exclude-by-label"
	"github.com/snatd/snatd/examples/exclude-cidrs"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/policy"
	defaultpolicy "github.com/snatd/snatd/plugins/default"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
)

// How many pairs are explained in each world, and of how many of these the facts are
// changed one by one.
const (
	explainedPairs   = 350
	reevaluatedPairs = 10
)

// TestFireExplain: in random worlds, what an explanation says of a flow is what peers see
// of it, and the facts that it quotes are those that its decision depends on.
func TestFireExplain(t *testing.T) {
	f := prepareFire(t, oracleAddresses, oracleDestinations)
	f.become(newFireWorld())
	f.launch()
	f.flows = newGenerator(t, f.net)
	f.flows.listen()
	pairs, changes, worlds := 0, 0, fireSize(6, 50)
	for world := range worlds {
		w := newFireWorld()
		for range 10 + f.random.IntN(60) {
			w.randomChange(f.random, f.net).make(w)
		}
		w.external = f.random.IntN(10) == 0
		f.become(w)
		f.waitRuleset(f.ruleset)
		f.waitLoaded()
		f.aim(w)
		seen, _ := f.flows.sweep()
		f.random.Shuffle(len(seen), func(i, j int) { seen[i], seen[j] = seen[j], seen[i] })
		for i, flow := range seen[:min(explainedPairs, len(seen))] {
			e := f.checkExplained(flow)
			if i < reevaluatedPairs {
				changes += f.checkFacts(e)
			}
			pairs++
		}
		if t.Failed() {
			t.Logf("world %d: %+v", world, *w)
			break
		}
	}
	t.Logf("%d pairs in %d worlds, %d changed facts", pairs, worlds, changes)
}

// checkExplained holds an explanation against a flow that was seen.
func (f *fire) checkExplained(flow flowRecord) engine.Explanation {
	f.t.Helper()
	src, dst := f.net.sources[flow.from].addr, f.net.destinations[flow.to]
	e, err := f.client.Explain(f.t.Context(), src.String(), dst.to.String())
	if err != nil {
		f.t.Fatal(err)
	}
	var pod *firePod
	if known, ok := f.world.pods[src]; ok {
		pod = &known
	}
	module, entry, _ := rules.Match(f.world.decisions(pod), dst.real)
	endpoint := dst.to
	if e.Service != nil {
		endpoint = netip.MustParseAddr(e.Service.Endpoint)
	}
	if e.Source != flow.source.String() || e.Never != "" || len(e.Notes) > 0 || endpoint != dst.real || e.Module != module ||
		e.Prefix != entry.Prefix.String() || e.Action != entry.Outcome.Action {
		f.t.Errorf("from %s to %s (%s) seen as %s, decided by %s for %s; explained %+v, %+v", src, dst.to, dst.real, flow.source, module, entry.Prefix, e, e.Service)
	}
	if k := e.Kernel; k == nil || !k.Agrees || k.Source != e.Source || k.Action != e.Action {
		f.t.Errorf("from %s to %s: the kernel %+v, explained %+v", src, dst.to, k, e)
	}
	return e
}

// checkFacts changes one fact after the other, and looks whether the modules that an
// explanation names decide anew. It returns how many facts it changed.
func (f *fire) checkFacts(e engine.Explanation) (changes int) {
	f.t.Helper()
	for _, asked := range append(slices.Clone(e.Asked), e.Decider.Asked) {
		m := f.module(asked.Module)
		view := worldView{Source: f.subject(e.Subject), settings: m.settings}
		if _, err := m.Decide(f.t.Context(), view); err != nil {
			f.t.Fatal(err)
		}
		quoted := map[string]bool{}
		for _, read := range asked.Reads {
			key := asSetting(read.Key)
			quoted[key] = true
			if value, found := view.Fact(key); value != read.Value || found != read.Found {
				f.t.Errorf("%s: quoted %+v, which is %q, %v", asked.Module, read, value, found)
			}
		}
		keys := append(view.FactKeys(""), slices.Collect(maps.Keys(quoted))...)
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			changes++
			before := m.evaluations
			changed := view
			changed.key, changed.value = key, fmt.Sprintf("other %d", changes)
			_, _ = m.Decide(f.t.Context(), changed) // a value that is none is refused, which is an evaluation
			if evaluated := m.evaluations > before; evaluated != quoted[key] {
				f.t.Errorf("%s for %s: %s quoted %v, decided anew when it changes %v", asked.Module, e.Subject, key, quoted[key], evaluated)
			}
		}
	}
	return changes
}

// countedModule is a module of the world, natively, which counts its evaluations and
// remembers them as the daemon's does.
type countedModule struct {
	policy.Policy
	settings    map[string]string // facts that stand for config.<key>, which native policies do not see
	evaluations int
}

func (f *fire) module(name string) *countedModule {
	f.t.Helper()
	m := &countedModule{settings: map[string]string{}}
	decide, grants := sdk.Policy(defaultpolicy.Decide), policy.Grants{Translate: true}
	if known, ok := f.world.modules[strings.TrimSuffix(name, ".wasm")]; ok {
		decide = map[string]sdk.Policy{
			"exclude-cidrs": excludecidrs.Decide, "exclude-by-label": excludebylabel.Decide, "egress-address": egressaddress.Decide,
		}[known.example]
		m.settings, grants = known.settings(), policy.Grants{Sources: fireEgress}
	}
	counted := func(facts sdk.Facts, decision *sdk.Decision) error {
		m.evaluations++
		return decide(sdk.Facts{Source: settingsOf{facts}}, decision)
	}
	m.Policy = policy.Memoize(policy.Native(name, counted, grants, slog.New(slog.DiscardHandler)))
	return m
}

// asSetting is the key of the fact that stands for another in tests.
func asSetting(key string) string {
	if name, ok := strings.CutPrefix(key, "config."); ok {
		return "setting." + name
	}
	return key
}

// settingsOf gives a policy its configuration.
type settingsOf struct{ sdk.Facts }

func (s settingsOf) Fact(key string) (string, bool) { return s.Facts.Fact(asSetting(key)) }

// settings are those of the sidecar, as facts.
func (m fireModule) settings() map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(m.sidecar()) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && key != "grants" {
			all["setting."+key] = strings.Trim(value, `"`)
		}
	}
	return all
}

// subject is what the daemon's files say about a subject.
func (f *fire) subject(name string) sdk.Source {
	f.t.Helper()
	document, err := facts.Load(f.path("facts.yaml"))
	if err != nil {
		f.t.Fatal(err)
	}
	snapshot, err := facts.New(document, facts.Settings{
		IPFamily: "ipv4", PrimaryAddress: lab.NodePrimary, Addresses: append([]netip.Addr{lab.NodePrimary}, fireEgress...),
		External: f.world.external, ExcludeCIDRs: f.world.excluded,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	subjects := snapshot.Subjects()
	i := slices.IndexFunc(subjects, func(s facts.Subject) bool { return s.Name == name })
	if i < 0 {
		f.t.Fatalf("no subject %s", name)
	}
	return subjects[i].View
}

// worldView is a subject's facts with a module's settings, of which one may be changed.
type worldView struct {
	sdk.Source
	settings   map[string]string
	key, value string // of the changed fact; empty for none
}

func (v worldView) Fact(key string) (string, bool) {
	if v.key == key && key != "" {
		return v.value, true
	}
	if value, ok := v.settings[key]; ok {
		return value, true
	}
	return v.Source.Fact(key)
}

func (v worldView) FactKeys(prefix string) []string {
	keys := v.Source.FactKeys(prefix)
	for key := range v.settings {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
