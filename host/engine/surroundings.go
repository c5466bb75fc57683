package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/snatd/snatd/host/flow"
	"github.com/snatd/snatd/host/link"
	"github.com/snatd/snatd/host/neighbour"
	"github.com/snatd/snatd/rules"
)

// surroundings are what is on the node around snatd's rules.
type surroundings interface {
	RouteTo(to netip.Addr, mark uint32) (link.Route, error)
	// Endpoints are where others' rules lead connections to an address.
	Endpoints(to netip.Addr) (neighbour.Endpoints, error)
	// Connected are where live connections to an address were led.
	Connected(to netip.Addr) ([]netip.Addr, error)
}

// here are the surroundings in the network namespace of the process.
type here struct{}

func (here) RouteTo(to netip.Addr, mark uint32) (link.Route, error) { return link.RouteTo(to, mark) }

func (here) Endpoints(to netip.Addr) (neighbour.Endpoints, error) {
	return neighbour.LookEndpoints(to)
}

func (here) Connected(to netip.Addr) (list []netip.Addr, err error) {
	flows, err := flow.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, flows.Close()) }()
	known := map[netip.Addr]bool{}
	_, err = flows.List(0, func(f flow.Flow) bool {
		if end := f.Endpoint.Addr(); f.Destination.Addr() == to && end != to && !f.Closed() && !known[end] {
			known[end], list = true, append(list, end)
		}
		return false
	})
	return list, err
}

// follow finds where connections to the destination really go, and makes that the
// destination; nil if that is where they are sent.
func (q *question) follow(e *Explanation) *Service {
	if q.around == nil {
		e.Notes = append(e.Notes, "whether the destination is a Service's is not known: the facts are another node's")
		return nil
	}
	service := &Service{Endpoints: []Endpoint{}}
	found, err := q.around.Endpoints(q.dst)
	if err != nil {
		e.Notes = append(e.Notes, "whether others' rules lead the destination elsewhere could not be read: "+err.Error())
	}
	told := "rules"
	service.Untold = found.Untold
	if len(found.Addresses) == 0 {
		told = "connections"
		if found.Addresses, err = q.around.Connected(q.dst); err != nil {
			e.Notes = append(e.Notes, "where live connections to the destination go could not be read: "+err.Error())
		}
	}
	for _, address := range found.Addresses {
		there := Explanation{Asked: []Asked{}}
		if err := q.decide(&there, address); err != nil {
			e.Notes = append(e.Notes, err.Error())
			continue
		}
		service.Endpoints = append(service.Endpoints, Endpoint{address, told, there.Action, there.Source})
	}
	switch {
	case len(service.Endpoints) > 0:
		q.dst = service.Endpoints[0].Address
		service.Endpoint = q.dst.String()
	case service.Untold == "":
		return nil
	}
	return service
}

// reach adds what keeps packets from snatd's decision, by their interfaces.
func (q *question) reach(e *Explanation) {
	if q.around == nil || e.Never != "" {
		return
	}
	network := q.Result.Network
	in, err := q.around.RouteTo(q.src, 0)
	switch {
	case err != nil:
		e.Notes = append(e.Notes, "by which interface the source's packets come is not known: "+err.Error())
	case in.Interface == "":
		*e = e.never(q.src, fmt.Sprintf("there is no route to %s, so that none of its packets come by a pod's interface (%s)", q.src, patterns(network)))
		return
	case !network.HasPods(in.Interface):
		*e = e.never(q.src, fmt.Sprintf("the route to %s leads by %s: its packets come by no pod's interface (%s)", q.src, in.Interface, patterns(network)))
		return
	}
	if e.Action != rules.Translate {
		return
	}
	out, err := q.around.RouteTo(q.dst, network.Mark)
	switch {
	case err != nil:
		e.Notes = append(e.Notes, "by which interface the packets leave is not known: "+err.Error())
	case out.Interface == "":
		*e = e.never(q.src, fmt.Sprintf("the node has no route to %s", q.dst))
	case network.Exempts(out.Interface):
		*e = e.never(q.src, fmt.Sprintf("the packets leave by %s, where nothing is translated", out.Interface))
	}
}

func patterns(n rules.Network) string { return strings.Join(n.PodInterfaces, ", ") }
