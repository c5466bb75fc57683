package test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/lab"
)

// TestFireUpgrade: while one version follows another, and what is wanted changes or not, each
// new flow is decided as before or as after. Connections that were open go on as they are.
func TestFireUpgrade(t *testing.T) {
	forEarlier(t, func(t *testing.T, _ earlierVersion, program string) {
		f := prepareFire(t, fireAddresses, fireDestinations)
		w := f.randomWorld()
		w.network = upgradeNetwork
		f.program = program
		f.become(w)
		f.launch()
		f.waitView()
		f.ignite()
		var open []*openConn
		for _, pod := range f.net.pods {
			for _, peer := range f.net.peers {
				open = append(open, f.open(pod, lab.TCP, peer.Addr)) // UDP is forgotten soon
			}
		}
		for i := range fireSize(6, 100) {
			s := step{what: "nothing", views: []view{f.world.view(f.net)}}
			changed := f.random.IntN(2) == 0
			if changed {
				s = f.propose(1 + f.random.IntN(2))
			}
			f.stop([]os.Signal{syscall.SIGTERM, os.Kill}[f.random.IntN(2)])
			f.flows.await(200)
			if changed {
				f.request(s)
			}
			f.program = []string{"", program}[i%2]
			f.launch()
			if now := f.stands(); len(now.Problems) > 0 {
				t.Errorf("problems %v", now.Problems)
			}
			f.waitView()
			f.flows.await(500)
			f.history.begin(f.flows.now(), "then", s.views[len(s.views)-1])
			f.history.check(f.flows.take())
			for _, conn := range open {
				conn.check(t)
			}
		}
		f.end()
	})
}

// waitView waits until the kernel does what the world says, whichever version makes it, and
// the daemon says so.
func (f *fire) waitView() {
	f.t.Helper()
	f.wait("the kernel to do what is wanted", func() error {
		got, _, err := f.kernelView()
		if err == nil && !same(got, f.world.view(f.net)) {
			err = errors.New(f.compare(got, []view{f.world.view(f.net)}))
		}
		return err
	})
}
