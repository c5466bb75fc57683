package engine

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/snatd/snatd/host/neighbour"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// Explain answers for connections from a pod ("namespace/name") or an IPv4 address to an
// IPv4 address, by the result of the state, and by what is on the node around snatd.
func (s *State) Explain(from, to string) (Explanation, error) {
	q, err := s.question(from, to)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{From: from, To: to, Subject: q.decided.Subject.Name, Elements: []Element{}, Asked: []Asked{}, Notes: []string{}}
	if q.never != "" {
		return e.never(q.src, q.never), nil
	}
	e.Service = q.follow(&e)
	if err := q.decide(&e, q.dst); err != nil {
		return Explanation{}, err
	}
	q.reach(&e)
	if s.Held != nil {
		e.Notes = append(e.Notes, fmt.Sprintf("a change is held since %s: who was known before is decided as before it, by modules and facts of then",
			s.Held.Since.UTC().Format(time.RFC3339)))
	}
	e.Notes = append(e.Notes, s.alsoTranslated()...)
	return e, nil
}

// alsoTranslated are notes of other programs that may translate what snatd decides about.
func (s *State) alsoTranslated() (notes []string) {
	for _, f := range s.Neighbours() {
		switch f.Kind {
		case neighbour.AWSTranslates, neighbour.Translates, neighbour.Legacy:
			notes = append(notes, "another program may have its packets seen otherwise: "+f.String())
		}
	}
	return notes
}

// never completes the explanation of packets that snatd never decides about.
func (e Explanation) never(source netip.Addr, why string) Explanation {
	e.Action, e.Source, e.Never = rules.Exclude, source.String(), why
	return e
}

// question is what is asked: whose packets, from which address to which.
type question struct {
	*State
	src, dst netip.Addr // dst is behind DNAT, once that is followed
	decided  Decided
	never    string // why nothing is decided
}

func (s *State) question(from, to string) (question, error) {
	q := question{State: s}
	if s.Result == nil {
		return q, s.undecided()
	}
	var err error
	if q.dst, err = netip.ParseAddr(to); err != nil || !q.dst.Is4() {
		return q, fmt.Errorf("to: %.300q is not an IPv4 address", to)
	}
	primary := s.Result.Network.Primary
	for _, pod := range s.Result.Snapshot.Pods {
		if pod.HostNetwork && pod.FullName() == from {
			q.src, q.never = primary, "a pod in the host's network: its packets are the node's own"
			q.decided.Subject.Name = from
			return q, nil
		}
	}
	q.decided, q.src, err = s.Result.find(from)
	switch {
	case err != nil:
		return q, err
	case q.src == primary || q.local(q.src):
		q.never = "the node's own packets are never translated"
		q.decided = Decided{}
	}
	return q, nil
}

// ErrUndecided says that there is no decision yet that could be told of.
var ErrUndecided = errors.New("nothing is decided yet")

func (s *State) undecided() error { return fmt.Errorf("%w: %s", ErrUndecided, s.Waiting) }

// local says whether an address is one of the node's.
func (q *question) local(a netip.Addr) bool {
	if q.around == nil {
		return a == q.Result.Network.Primary
	}
	route, err := q.around.RouteTo(a, 0)
	return err == nil && route.Local
}

// decide explains what is decided about connections that really go to dst.
func (q *question) decide(e *Explanation, dst netip.Addr) error {
	s := q.State
	if q.local(dst) {
		*e = e.never(q.src, fmt.Sprintf("%s is an address of the node itself", dst))
		return nil
	}
	if s.Ruleset == nil {
		*e = e.never(q.src, "nothing is installed: the cluster's addresses are IPv6")
		return nil
	}
	module, entry, ok := rules.Match(q.decided.decisions(), dst)
	if !ok {
		return fmt.Errorf("no module decides for %s from %s", dst, q.src)
	}
	e.Action, e.Source = entry.Outcome.Action, s.seen(q.src, entry.Outcome).String()
	for _, evaluation := range q.decided.Evaluations {
		asked := s.asked(evaluation)
		if evaluation.Decision.Module == module {
			e.Decider = Decider{asked, entry.Prefix.String(), entry.Reason}
			break
		}
		e.Asked = append(e.Asked, asked)
	}
	e.Class, e.Elements = s.Ruleset.ClassOf(q.src), elements(s.Ruleset.Met(q.src, dst))
	return nil
}

// seen is the source that others see after an outcome.
func (s *State) seen(src netip.Addr, o rules.Outcome) netip.Addr {
	switch {
	case o.Action != rules.Translate:
		return src
	case o.Source.IsValid():
		return o.Source
	}
	return s.Result.Network.Primary
}

// asked is a module with its answer.
func (s *State) asked(e policy.Evaluation) Asked {
	asked := Asked{Module: e.Decision.Module, Kept: e.Kept, Forgotten: e.Forgotten, Native: e.Provisional}
	if i := slices.IndexFunc(s.Modules, func(m ModuleStatus) bool { return m.Name == asked.Module }); i >= 0 {
		asked.Native = asked.Native || s.Modules[i].Native
		if !asked.Native && s.Held == nil { // else it may be an answer of a version before
			asked.SHA256 = s.Modules[i].SHA256
			if m := s.Modules[i].Metadata; m != nil {
				asked.Name, asked.Version = m.Name, m.Version
			}
		}
	}
	sources := s.Sources()
	for _, read := range e.Reads {
		asked.Reads = append(asked.Reads, Fact{read, s.Result.provenance(asked.Module, read, sources)})
	}
	return asked
}

// elements are those of maps, in the order in which a packet meets them.
func elements(met *nft.Table) []Element {
	list := []Element{}
	for _, m := range met.Maps {
		for _, e := range m.Elements {
			list = append(list, Element{m.Name, e.String()})
		}
	}
	slices.SortStableFunc(list, func(a, b Element) int { return cmp.Compare(turn(a.Map), turn(b.Map)) })
	return list
}

// turn is when a map is looked up: of the source before that of the destination, and what
// decides before what it is translated to.
func turn(name string) int {
	switch {
	case name == "pods":
		return 0
	case strings.HasPrefix(name, "c_"):
		return 1
	case name == "sources":
		return 2
	}
	return 3
}

// find returns the subject of a source; an address of no known pod has the
// node's decision.
func (r *Result) find(from string) (Decided, netip.Addr, error) {
	addr, err := netip.ParseAddr(from)
	if err == nil && !addr.Is4() {
		return Decided{}, addr, fmt.Errorf("from: %.300q is not an IPv4 address or namespace/name of a pod", from)
	}
	for _, d := range r.Decided {
		if d.Subject.Addr.IsValid() && (d.Subject.Addr == addr || d.Subject.Name == from) {
			return d, d.Subject.Addr, nil
		}
	}
	if err != nil {
		return Decided{}, addr, fmt.Errorf("from: no pod %.300q with an address on this node", from)
	}
	return r.Decided[0], addr, nil
}
