package facts

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
)

// Families of a cluster's pod addresses.
const (
	familyIPv4 = "ipv4"
	familyIPv6 = "ipv6"
)

// Settings are facts that the operator and the node's interfaces determine.
type Settings struct {
	// IPFamily is the family of the cluster's pod addresses, "ipv4" or "ipv6".
	IPFamily string
	// PrimaryAddress is the primary private IPv4 address of the primary network
	// interface. In an IPv6 cluster it may be the zero Addr.
	PrimaryAddress netip.Addr
	// Addresses are all IPv4 addresses of that interface.
	Addresses []netip.Addr
	// PrimaryInterface is the name of that interface, for who replays the facts.
	PrimaryInterface string
	// External says that something outside the node translates.
	External bool
	// ExcludeCIDRs are the operator's IPv4 CIDRs that are never translated.
	ExcludeCIDRs []netip.Prefix
	// WithoutVPC says that the VPC's CIDRs may be missing: the operator prefers
	// translating too much to not translating at all.
	WithoutVPC bool
	// WithoutPods leaves pods and namespaces out, so that every pod gets the
	// node's decision.
	WithoutPods bool
}

// Snapshot is a consistent set of facts: what modules decide from in one pass.
// Its lists are in canonical order, without duplicates. It is immutable: nobody
// writes to it, nor to what it holds, after New.
type Snapshot struct {
	Document
	Settings
	subjects []Subject
}

// Subject is whose traffic is decided, with the facts that modules see.
type Subject struct {
	rules.Subject
	View sdk.Source
}

// New checks facts and settings together and makes a snapshot of them. The
// document stays the caller's: the snapshot holds lists of its own, and shares
// only labels and annotations.
func New(d *Document, settings Settings) (*Snapshot, error) {
	switch {
	case settings.IPFamily != familyIPv4 && settings.IPFamily != familyIPv6:
		return nil, fmt.Errorf("ip family: %s is unknown, accepted: %s, %s", document.Quote(settings.IPFamily), familyIPv4, familyIPv6)
	case settings.IPFamily == familyIPv4 && !settings.PrimaryAddress.Is4():
		return nil, fmt.Errorf("primary address: %s, accepted: an IPv4 address, such as 10.0.0.10", settings.PrimaryAddress)
	}
	for _, cidr := range settings.ExcludeCIDRs {
		if _, err := document.ParseCIDR(cidr.String()); err != nil {
			return nil, fmt.Errorf("excluded CIDRs: %w", err)
		}
	}
	s := &Snapshot{Document: *d, Settings: settings}
	if settings.WithoutPods {
		s.Namespaces, s.Pods = nil, nil
	}
	// Before sorting, as errors speak of the places in the document.
	if err := s.check(settings); err != nil {
		return nil, err
	}
	if err := s.checkPrimary(settings.PrimaryAddress); err != nil {
		return nil, err
	}
	s.VPC = canonicalVPC(s.VPC)
	s.ExcludeCIDRs = canonical(s.ExcludeCIDRs)
	s.Namespaces = slices.SortedFunc(slices.Values(s.Namespaces), func(a, b Namespace) int { return cmp.Compare(a.Name, b.Name) })
	s.Pods = slices.SortedFunc(slices.Values(s.Pods), func(a, b Pod) int { return cmp.Compare(a.FullName(), b.FullName()) })
	s.subjects = subjects(s)
	return s, nil
}

// Subjects are the subject "node", first, and the pods that have an IPv4 address
// of their own, by their full names.
func (s *Snapshot) Subjects() []Subject { return s.subjects }

// WithPods is the same snapshot with other pods, which are in order.
func (s *Snapshot) WithPods(pods []Pod) *Snapshot {
	out := *s
	out.Pods = pods
	out.subjects = subjects(&out)
	return &out
}

// Waiting are the full names of the pods that have no address yet. Until then
// their traffic gets the node's decision.
func (s *Snapshot) Waiting() []string {
	var names []string
	for _, pod := range s.Pods {
		if !pod.HostNetwork && !pod.IP.IsValid() {
			names = append(names, pod.FullName())
		}
	}
	return names
}

func canonical(prefixes []netip.Prefix) []netip.Prefix {
	return slices.Compact(slices.SortedFunc(slices.Values(prefixes), netip.Prefix.Compare))
}

func subjects(s *Snapshot) []Subject {
	shared := sharedLayer(s)
	namespaces := map[string]layer{}
	for _, ns := range s.Namespaces {
		namespaces[ns.Name] = namespaceLayer(ns)
	}
	list := []Subject{{rules.Subject{Name: "node"}, view{shared, nodeLayer()}}}
	for _, pod := range s.Pods {
		if pod.HostNetwork || !pod.IP.Is4() {
			continue
		}
		name := rules.Subject{Name: pod.FullName(), Addr: pod.IP}
		list = append(list, Subject{name, view{shared, namespaces[pod.Namespace], podLayer(pod)}})
	}
	return list
}
