package test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
)

// fire is a daemon, the world that it is told of, and flows that are opened all the
// time.
type fire struct {
	*daemon
	random  *rand.Rand
	net     *fireNet
	files   *fireFiles
	world   *fireWorld
	ruleset *rules.Ruleset // of the world
	flows   *generator
	history *history
	unlucky int // before the first flow
}

// The net of a fire: addresses of each pod's namespace, and destinations.
const (
	fireAddresses    = 4
	fireDestinations = 60
)

// prepareFire makes all but the daemon's process and the flows.
func prepareFire(t *testing.T, perPod, destinations int) *fire {
	t.Helper()
	nstest.Need(t, "nft", "nftables")
	f := &fire{random: fireRandom(t), daemon: prepare(t)}
	f.forgetSoon()
	f.net = newFireNet(t, f.random, f.lab, perPod, destinations)
	f.files = &fireFiles{d: f.daemon, modules: map[string]string{}}
	f.history = &history{t: t, net: f.net, wrong: map[string]*violation{}}
	t.Cleanup(func() {
		if t.Failed() && f.log != nil {
			t.Logf("the daemon's log:\n%s", f.log)
		}
	})
	return f
}

// become makes the files say what a world is.
func (f *fire) become(w *fireWorld) {
	f.t.Helper()
	f.world, f.ruleset = w, w.ruleset(f.t)
	f.files.write(w)
}

// lightFire starts the daemon in a random world, and the flows.
func lightFire(t *testing.T) *fire {
	t.Helper()
	f := prepareFire(t, fireAddresses, fireDestinations)
	f.become(f.randomWorld())
	f.light()
	return f
}

// randomWorld is one in which something is translated.
func (f *fire) randomWorld() *fireWorld {
	w := newFireWorld()
	for range 30 {
		w.randomChange(f.random, f.net).make(w)
	}
	w.external = false
	return w
}

// light starts the daemon, and the flows when the kernel does what the world says.
func (f *fire) light() {
	f.t.Helper()
	f.launch()
	f.waitRuleset(f.ruleset)
	f.ignite()
}

// ignite starts the flows; the kernel does what the world says.
func (f *fire) ignite() {
	f.t.Helper()
	f.history.begin(0, "the start", f.world.view(f.net))
	f.flows = newGenerator(f.t, f.net)
	f.unlucky = f.flows.unlucky()
	f.flows.start(f.random)
	f.flows.await(1000)
}

// step is a number of changes that come together.
type step struct {
	what    string
	changes []fireChange
	views   []view // what may be in force while it is applied; the last one after
}

// propose chooses random changes of which each can be seen: a ruleset without one of
// them is another one.
func (f *fire) propose(changes int) step {
	f.t.Helper()
	for try := 0; ; try++ {
		if try%20 == 19 {
			changes = max(1, changes-1)
		}
		s := step{}
		next := f.world.clone()
		var names []string
		for range changes {
			c := next.randomChange(f.random, f.net)
			c.make(next)
			s.changes, names = append(s.changes, c), append(names, c.what)
		}
		s.what = strings.Join(names, ", and ")
		if f.complete(&s, next) {
			return s
		}
	}
}

// complete adds what may be in force: the daemon may read some of the files before
// one is written and others after, so each change may be in force without the
// others. False says that a part of the step looks like all of it.
func (f *fire) complete(s *step, next *fireWorld) bool {
	f.t.Helper()
	want := next.ruleset(f.t).Digest()
	all := 1<<len(s.changes) - 1
	for subset := range all {
		w := f.world.clone()
		for i, c := range s.changes {
			if subset>>i&1 != 0 {
				c.make(w)
			}
		}
		if w.ruleset(f.t).Digest() == want {
			return false
		}
		s.views = append(s.views, w.view(f.net))
	}
	s.views = append(s.views, next.view(f.net))
	return true
}

// request writes the files of a step, change by change.
func (f *fire) request(s step) {
	f.t.Helper()
	f.history.begin(f.flows.now(), s.what, s.views...)
	w := f.world
	for _, c := range s.changes {
		w = w.clone()
		c.make(w)
		f.become(w)
	}
}

// applied waits until the kernel has what was requested, and checks what was seen
// until then.
func (f *fire) applied(s step) {
	f.t.Helper()
	f.waitRuleset(f.ruleset)
	f.history.begin(f.flows.now(), "then", s.views[len(s.views)-1])
	f.history.check(f.flows.take())
}

// end checks the rest.
func (f *fire) end() {
	f.t.Helper()
	lost, _ := f.flows.pause()
	f.history.check(f.flows.take())
	f.history.lost(lost, f.flows.unlucky()-f.unlucky)
	f.history.end()
	if dropped, err := f.lab.Dropped(); err != nil || dropped > 0 {
		f.t.Errorf("the VPC dropped %d packets because of their source, %v", dropped, err)
	}
}
