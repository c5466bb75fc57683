package demo

import (
	"context"
	"fmt"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/rules"
)

// act is one part of the demo: a change, and what is seen after it.
type act struct {
	title string
	about string
	play  func(context.Context, *stage) ([]Row, error)
}

var acts = []act{
	{
		title: "The default",
		about: "Pods keep their addresses towards every CIDR of the VPC. Elsewhere they are seen as the primary " +
			"address of the node, whichever of its interfaces they are behind. A host-network pod has that address anyway.",
		play: theDefault,
	},
	{
		title: "A Service with an endpoint outside of the VPC",
		about: "The node rewrites the destination " + lab.ServiceAddress.String() + " to the internet host, as kube-proxy does. " +
			"The connection must be translated, and leave by the primary interface, although its destination looked " +
			"different at first: from pod-b, on the secondary interface, it times out with the AWS VPC CNI plugin.",
		play: offVPCService,
	},
	{
		title: "A Wasm drop-in, loaded live",
		about: "A module and its configuration are put into the policy directory: it excludes the peered VPC. " +
			"It goes before the default module, which still decides about the rest.",
		play: dropIn,
	},
	{
		title: "External SNAT, switched on live",
		about: "snat.external becomes true in the configuration file: something outside of the node translates, so the node " +
			"must not. Connections that are open keep the address, and the port, that they had.",
		play: externalSNAT,
	},
}

func theDefault(ctx context.Context, s *stage) ([]Row, error) {
	if err := s.daemon.ready(ctx); err != nil {
		return nil, err
	}
	var rows []Row
	for _, from := range s.pods() {
		for _, to := range []target{s.vpc(), s.second()} {
			rows = append(rows, s.ask(ctx, from, to, rules.Exclude)...)
		}
		for _, to := range []target{s.peered(), s.internet()} {
			rows = append(rows, s.ask(ctx, from, to, rules.Translate)...)
		}
	}
	for _, to := range []target{s.vpc(), s.second(), s.peered(), s.internet()} {
		rows = append(rows, s.ask(ctx, s.hostNetwork(), to, rules.Exclude)...)
	}
	return rows, nil
}

func offVPCService(ctx context.Context, s *stage) ([]Row, error) {
	to := target{name: "service", addr: lab.ServiceAddress, endpoint: lab.Internet}
	if err := s.lab.AddService(to.addr, to.endpoint); err != nil {
		return nil, err
	}
	var rows []Row
	for _, from := range s.pods() {
		rows = append(rows, s.ask(ctx, from, to, rules.Translate)...)
	}
	return rows, nil
}

func dropIn(ctx context.Context, s *stage) ([]Row, error) {
	if err := s.files.addDropIn(); err != nil {
		return nil, err
	}
	for _, from := range s.pods() {
		err := s.daemon.awaitDecision(ctx, from.pod, lab.Peered, func(v verdict) bool { return v.Module == dropInName })
		if err != nil {
			return nil, fmt.Errorf("the drop-in %s: %w", dropInName, err)
		}
	}
	var rows []Row
	for _, from := range s.pods() {
		rows = append(rows, s.ask(ctx, from, s.peered(), rules.Exclude)...)
		rows = append(rows, s.ask(ctx, from, s.internet(), rules.Translate)...)
	}
	return rows, nil
}

func externalSNAT(ctx context.Context, s *stage) ([]Row, error) {
	var open []*openConn
	defer func() {
		for _, c := range open {
			_ = c.conn.Close()
		}
	}()
	for _, from := range s.pods() {
		for _, proto := range []lab.Proto{lab.TCP, lab.UDP} {
			c, err := s.open(ctx, from, s.internet(), proto)
			if err != nil {
				return nil, err
			}
			open = append(open, c)
		}
	}
	if err := s.files.writeConfig(true); err != nil {
		return nil, err
	}
	for _, from := range s.pods() {
		err := s.daemon.awaitDecision(ctx, from.pod, lab.Internet, func(v verdict) bool { return v.Action == rules.Exclude })
		if err != nil {
			return nil, fmt.Errorf("snat.external: %w", err)
		}
	}
	var rows []Row
	for _, c := range open {
		rows = append(rows, c.askAgain(ctx))
	}
	for _, from := range s.pods() {
		rows = append(rows, s.ask(ctx, from, s.internet(), rules.Exclude)...)
	}
	return rows, nil
}
