package test

import (
	"testing"

	"github.com/snatd/snatd/rules/oracle"
)

// The net of TestFireOracle.
const (
	oracleAddresses    = 8
	oracleDestinations = 150
)

// TestFireOracle: in random worlds, peers see of every flow what the oracle says,
// and so does the daemon's own ruleset.
func TestFireOracle(t *testing.T) {
	f := prepareFire(t, oracleAddresses, oracleDestinations)
	f.become(newFireWorld())
	f.launch()
	f.flows = newGenerator(t, f.net)
	f.flows.listen()
	flows, worlds, unlucky := 0, fireSize(30, 300), f.flows.unlucky()
	for world := range worlds {
		w := newFireWorld()
		for range 10 + f.random.IntN(60) {
			w.randomChange(f.random, f.net).make(w)
		}
		w.external = f.random.IntN(10) == 0
		f.become(w)
		f.waitRuleset(f.ruleset)
		f.aim(w)

		ruleset, err := f.client.Ruleset(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		said, want := f.net.view(ruleset.Lookup), w.view(f.net)
		if !same(said, want) {
			t.Errorf("world %d: the daemon's ruleset is not what the oracle says: %s", world, f.compare(said, []view{want}))
		}
		seen, lost := f.flows.sweep()
		for _, flow := range seen {
			if want := want[flow.from][flow.to]; flow.source != want {
				d := f.net.destinations[flow.to]
				t.Errorf("world %d: from %s to %s (%s) seen as %s, want %s", world, f.net.sources[flow.from].addr, d.to, d.real, flow.source, want)
			}
		}
		if len(lost) > f.flows.unlucky()-unlucky {
			t.Errorf("world %d: %d flows were seen by nobody", world, len(lost))
		}
		if all := len(f.net.sources) * len(f.net.destinations); len(seen)+len(lost) != all {
			t.Errorf("world %d: %d flows were seen and %d lost, of %d", world, len(seen), len(lost), all)
		}
		flows += len(seen)
		if t.Failed() {
			t.Logf("world %d: %+v", world, *w)
			break
		}
	}
	t.Logf("%d flows in %d worlds", flows, worlds)
}

// aim makes destinations of where a wrong answer would show, and of random ones.
func (f *fire) aim(w *fireWorld) {
	node, pods := w.subjects()
	boundaries := oracle.New(fireNetwork, node, pods).Boundaries()
	f.random.Shuffle(len(boundaries), func(i, j int) { boundaries[i], boundaries[j] = boundaries[j], boundaries[i] })
	f.net.destinations = f.net.destinations[:len(fireServices)]
	for _, addr := range boundaries {
		if len(f.net.destinations) < oracleDestinations*2/3 && reaches(addr) {
			f.net.destinations = append(f.net.destinations, fireDestination{addr, addr})
		}
	}
	for len(f.net.destinations) < oracleDestinations {
		addr := f.net.randomDestination(f.random)
		f.net.destinations = append(f.net.destinations, fireDestination{addr, addr})
	}
}
