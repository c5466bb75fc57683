package demo

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/rules"
)

// stage is what acts are played on: the network, the daemon and its files.
type stage struct {
	lab    *lab.Lab
	files  *files
	daemon *daemon
}

func newStage(ctx context.Context) (*stage, error) {
	s := &stage{}
	var err error
	if s.files, err = newFiles(); err != nil {
		return nil, err
	}
	if s.lab, err = lab.New(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s.daemon, err = startDaemon(s.lab.Node, s.files); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) close() error {
	if s.daemon != nil {
		s.daemon.stop()
	}
	if s.lab != nil {
		s.lab.Close()
	}
	return s.files.remove()
}

// source is who connects.
type source struct {
	name string
	host *lab.Host
	pod  string // namespace/name, as the daemon knows it
}

func (s *stage) podA() source        { return source{"pod-a", s.lab.PodA, podAName} }
func (s *stage) podB() source        { return source{"pod-b", s.lab.PodB, podBName} }
func (s *stage) hostNetwork() source { return source{"host-network", s.lab.Node, hostNetworkName} }
func (s *stage) pods() []source      { return []source{s.podA(), s.podB()} }

// target is what is connected to.
type target struct {
	name     string
	addr     netip.Addr
	endpoint netip.Addr // where a Service leads; else the zero Addr
}

func (s *stage) vpc() target      { return target{name: "vpc", addr: lab.VPC} }
func (s *stage) second() target   { return target{name: "second cidr", addr: lab.Second} }
func (s *stage) peered() target   { return target{name: "peered vpc", addr: lab.Peered} }
func (s *stage) internet() target { return target{name: "internet", addr: lab.Internet} }

// at is where the target answers.
func (t target) at() netip.AddrPort { return netip.AddrPortFrom(t.addr, lab.Port) }

// reached is whose peer answers.
func (t target) reached() netip.Addr {
	if t.endpoint.IsValid() {
		return t.endpoint
	}
	return t.addr
}

// expect is what the peer should see for an action.
func expect(from source, action rules.Action) expectation {
	if action == rules.Translate {
		return expectation{action, lab.NodePrimary}
	}
	return expectation{action, from.host.Addr}
}

// patience is how long the demo waits for an answer. It takes less than a
// millisecond, and where there is none the demo should tell of it soon.
const patience = 2 * time.Second

// ask asks by a new connection over each protocol, at once.
func (s *stage) ask(ctx context.Context, from source, to target, action rules.Action) []Row {
	want := expect(from, action)
	says, explainErr := s.daemon.explain(ctx, from.pod, to.reached())
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	protos := []lab.Proto{lab.TCP, lab.UDP, lab.ICMP}
	rows := make([]Row, len(protos))
	var asked sync.WaitGroup
	for i, proto := range protos {
		asked.Go(func() {
			seen, err := lab.Exchange(ctx, from.host, proto, to.at())
			rows[i] = Row{From: from.name, To: to.name, Address: to.addr.String(), Protocol: proto}
			rows[i].complete(want, seen, errors.Join(err, explainErr), says)
		})
	}
	asked.Wait()
	return rows
}
