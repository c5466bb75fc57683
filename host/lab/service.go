package lab

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/rules/nft"
)

// AddService makes the node rewrite the destination of its pods' connections
// from a Service's address to its one endpoint, where and when kube-proxy does:
// in the hook prerouting at the priority dstnat. Connections of the node itself
// are not rewritten.
func (l *Lab) AddService(addr, endpoint netip.Addr) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.services, func(s service) bool { return s.addr == addr }) {
		return fmt.Errorf("%s: add service %s: it exists", l.Node.Name, addr)
	}
	services := append(slices.Clone(l.services), service{addr, endpoint})
	slices.SortFunc(services, func(a, b service) int { return a.addr.Compare(b.addr) })
	plan := nft.Diff(servicesTable(l.services), servicesTable(services))
	err := l.Node.Do(func() (err error) {
		kernel, err := dataplane.Open(slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, kernel.Close()) }()
		return kernel.Apply(plan)
	})
	if err != nil {
		return fmt.Errorf("%s: add service %s: %w", l.Node.Name, addr, err)
	}
	l.services = services
	return nil
}

type service struct{ addr, endpoint netip.Addr }

// chain is the name of the service's chain.
func (s service) chain() string { return "svc_" + strings.ReplaceAll(s.addr.String(), ".", "_") }

// servicesTable is what the kernel holds for services, which are sorted; nil for
// none.
func servicesTable(services []service) *nft.Table {
	if len(services) == 0 {
		return nil
	}
	const table, byAddress = "services", "services"
	entry := nft.Chain{
		Name:  "prerouting",
		Hook:  &nft.Hook{Type: "nat", Point: "prerouting", Priority: nft.PriorityDNAT},
		Rules: []nft.Rule{{nft.Lookup{Address: nft.DestinationAddress, Map: byAddress}}},
	}
	chains := []nft.Chain{entry}
	elements := make([]nft.Element, 0, len(services))
	for _, s := range services {
		chains = append(chains, nft.Chain{
			Name:  s.chain(),
			Rules: []nft.Rule{{nft.NAT{Kind: "dnat", To: s.endpoint}}},
		})
		elements = append(elements, nft.Element{First: s.addr, Last: s.addr, Verdict: nft.Goto(s.chain())})
	}
	slices.SortFunc(chains, func(a, b nft.Chain) int { return cmp.Compare(a.Name, b.Name) })
	return &nft.Table{Name: table, Maps: []nft.Map{{Name: byAddress, Elements: elements}}, Chains: chains}
}
