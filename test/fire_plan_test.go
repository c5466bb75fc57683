package test

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// TestFirePlan: what a plan says of a random change is what happens when it is made: to
// decisions, to the kernel's objects and to live connections, and nothing else.
func TestFirePlan(t *testing.T) {
	f := prepareFire(t, fireAddresses, fireDestinations)
	told := &changeLog{}
	w := newFireWorld()
	w.onChange = config.OnChangeFlush
	for range 20 {
		w.randomChange(f.random, f.net).make(w)
	}
	f.become(w)
	f.log = &told.logBuffer
	f.launchWith(told)
	f.waitRuleset(f.ruleset)
	f.waitLoaded()

	// The same node, with files that no daemon reads.
	other := &daemon{t: t, lab: f.lab, dir: t.TempDir()}
	if err := os.Mkdir(other.path("policies.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	files := &fireFiles{d: other, modules: map[string]string{}}
	changing, connections, steps := 0, 0, fireSize(6, 100)
	for step := range steps {
		f.openToAll()
		next := f.world.clone()
		c := next.randomChange(f.random, f.net)
		if step%3 == 0 {
			c = f.connectedChange()
		}
		c.make(next)
		change := next.ruleset(t).Digest() != f.ruleset.Digest()
		for step%4 > 0 && !change { // some of them may say nothing
			next = f.world.clone()
			c = next.randomChange(f.random, f.net)
			c.make(next)
			change = next.ruleset(t).Digest() != f.ruleset.Digest()
		}
		files.write(next)
		p := other.planned(change, "--socket", f.path("snatd.sock"))
		before, was, world := f.heldTable(), f.status(), f.world
		told.take()
		if !change {
			f.checkPlan(p, world, world, before, before, c.what)
			continue
		}
		f.become(next)
		f.waitRuleset(f.ruleset)
		now := f.status()
		f.checkPlan(p, world, next, before, f.heldTable(), c.what)
		if operations := told.take(); !slices.Equal(operations, []int{len(p.Objects)}) {
			t.Errorf("%s: planned %d operations, the daemon's were %v", c.what, len(p.Objects), operations)
		}
		if p.Before != was.Ruleset || p.After != now.Ruleset || now.Changes != was.Changes+1 {
			t.Errorf("%s: planned %.12s to %.12s, was %.12s to %.12s in %d changes", c.what, p.Before, p.After, was.Ruleset, now.Ruleset, now.Changes-was.Changes)
		}
		if p.Connections == nil || p.Connections.Error != "" || uint64(p.Connections.Total) != now.Ended-was.Ended || p.Connections.OnChange != "flush" {
			t.Errorf("%s: planned %+v, %d connections were ended", c.what, p.Connections, now.Ended-was.Ended)
		}
		changing, connections = changing+1, connections+p.Connections.Total
		if t.Failed() {
			break
		}
	}
	if connections == 0 && !t.Failed() {
		t.Error("no plan was about connections")
	}
	t.Logf("%d plans, of which %d changed something, and %d connections", steps, changing, connections)
}

// connectedChange is one that decides otherwise about what a pod has open to the internet: a
// small one if that is enough.
func (f *fire) connectedChange() fireChange {
	only := netip.PrefixFrom(lab.Internet, 32)
	known := func(w *fireWorld) { w.pods[lab.PodA] = firePod{namespace: fireNamespaces[0]} }
	all := func(external bool) func(*fireWorld) {
		return func(w *fireWorld) {
			known(w)
			w.modules, w.excluded, w.external = map[string]fireModule{}, nil, external
		}
	}
	small := func(w *fireWorld) {
		known(w)
		w.excluded = toggled(w.excluded, only)
	}
	for _, change := range []func(*fireWorld){small, all(true), all(false)} {
		next := f.world.clone()
		change(next)
		if next.ruleset(f.t).Seen(lab.PodA, lab.Internet) != f.ruleset.Seen(lab.PodA, lab.Internet) {
			return fireChange{fmt.Sprintf("%s is decided otherwise", only), change}
		}
	}
	f.t.Fatalf("nothing changes what is decided about %s", only)
	return fireChange{}
}

// checkPlan holds a plan against the tables, and against what the oracle says of the worlds
// before and after it.
func (f *fire) checkPlan(p engine.Plan, before, after *fireWorld, was, is *nft.Table, what string) {
	f.t.Helper()
	if got, want := p.Ruleset.Table().String(), is.String(); got != want {
		f.t.Errorf("%s: planned\n%s\nheld\n%s", what, got, want)
	}
	if len(p.Objects) == 0 != (was.String() == is.String()) {
		f.t.Errorf("%s: planned %d operations, changed is %v", what, len(p.Objects), was.String() != is.String())
	}
	one, other := before.view(f.net), after.view(f.net)
	for i, source := range f.net.sources {
		_, was := before.pods[source.addr]
		_, is := after.pods[source.addr]
		for j, destination := range f.net.destinations {
			if planned, changed := plannedFor(p, source.addr, was || is, destination.real), one[i][j] != other[i][j]; planned != changed {
				f.t.Errorf("%s: from %s to %s changed is %v, planned %v", what, source.addr, destination.real, changed, planned)
			}
		}
	}
}

// plannedFor says whether a plan has another source for packets: from a pod, or from the
// address of none, which the node's decision is for.
func plannedFor(p engine.Plan, src netip.Addr, pod bool, dst netip.Addr) bool {
	if !pod {
		src = netip.Addr{}
	}
	i := slices.IndexFunc(p.Decisions, func(d engine.DecisionChange) bool { return d.Address == src })
	return i >= 0 && changes(p.Decisions[i], dst)
}

func changes(d engine.DecisionChange, dst netip.Addr) bool {
	return slices.ContainsFunc(d.Destinations, func(c engine.DestinationChange) bool {
		return c.Before.Outcome != c.After.Outcome && c.First.Compare(dst) <= 0 && dst.Compare(c.Last) <= 0
	})
}

// heldTable is what the kernel holds.
func (d *daemon) heldTable() (held *nft.Table) {
	d.t.Helper()
	err := d.lab.Node.Do(func() error {
		dp, err := dataplane.Open(slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer dp.Close()
		held, err = dp.Read(rules.TableName)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return held
}

// openToAll opens connections from both pods to everywhere, which stay open.
func (f *fire) openToAll() {
	f.t.Helper()
	for _, pod := range []*lab.Host{f.lab.PodA, f.lab.PodB} {
		for _, to := range []netip.Addr{lab.VPC, lab.Second, lab.Peered, lab.Internet} {
			f.open(pod, lab.TCP, to)
		}
	}
}
