package author

import (
	_ "embed" // for the example facts
	"fmt"
	"net/netip"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/host/facts"
)

// ExampleFacts are what a module is tried on where its author names no facts: a
// static facts file with some of everything that a module may read.
//
//go:embed facts.yaml
var ExampleFacts []byte

// DefaultPrimaryAddress is that of the node in the example facts.
var DefaultPrimaryAddress = netip.AddrFrom4([4]byte{10, 0, 0, 10})

// readFacts reads the facts file, or the example.
func readFacts(o Options) (*facts.Snapshot, error) {
	d := &facts.Document{}
	var err error
	if o.Facts != "" {
		d, err = facts.Load(o.Facts)
	} else {
		err = document.Decode("the example facts", ExampleFacts, d)
	}
	if err != nil {
		return nil, err
	}
	return newSnapshot(d, o)
}

// newSnapshot checks facts, with what is in no file.
func newSnapshot(d *facts.Document, o Options) (*facts.Snapshot, error) {
	return facts.New(d, facts.Settings{
		IPFamily:       "ipv4",
		PrimaryAddress: o.PrimaryAddress,
		Addresses:      o.Addresses,
		External:       o.External,
		ExcludeCIDRs:   o.ExcludeCIDRs,
	})
}

// subject finds the one of that name.
func (t *trial) subject(name string) (facts.Subject, error) {
	for _, s := range t.snapshot.Subjects() {
		if s.Name == name {
			return s, nil
		}
	}
	return facts.Subject{}, t.missing(name)
}

// missing says why there is no subject of that name.
func (t *trial) missing(name string) error {
	for _, pod := range t.snapshot.Pods {
		switch {
		case pod.FullName() != name:
		case pod.HostNetwork:
			return fmt.Errorf("%s has the node's address and is never translated: no module is asked about it", name)
		default:
			return fmt.Errorf("%s has no address yet: until then it has the decision of node", name)
		}
	}
	const most = 5
	names, subjects := "", t.snapshot.Subjects()
	for i, s := range subjects {
		if i == most {
			names += fmt.Sprintf(" and %d more", len(subjects)-most)
			break
		}
		if i > 0 {
			names += ", "
		}
		names += s.Name
	}
	return fmt.Errorf("%s is not in the facts, accepted: %s", document.Quote(name), names)
}
