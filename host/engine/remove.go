package engine

import (
	"slices"

	"github.com/snatd/snatd/rules"
)

// Removed says what removing did.
type Removed struct {
	// Changed is false if the kernel held nothing to remove, or nothing but what live
	// connections need.
	Changed bool
	// Live is the number of connections that still need what is left: the marks,
	// the NAT hook and the routing rule.
	Live int
}

// remove removes what snatd put into the kernel. While connections live that it
// translated, or that came to a node port, what they need stays and translates nothing
// new: deleting the last nat chain would break the former, and losing their route
// both. The marks are those of the routing rules, and the network's unless it is zero:
// it may be configured otherwise by now.
func (i *installer) remove(network rules.Network) (Removed, error) {
	from, marks, err := i.present()
	if err != nil {
		return Removed{}, err
	}
	removed := Removed{Changed: from.exists || len(marks) > 0}
	if from.exists && network.Mark != 0 && !slices.Contains(marks, network.Mark) {
		marks = append(marks, network.Mark) // somebody else may have removed its rule
	}
	if from.ruleset != nil {
		network.NodePorts = network.NodePorts || from.ruleset.Network.NodePorts
	}
	needed, err := i.liveMarks(marks, from, network)
	if err != nil {
		return Removed{}, err
	}
	removed.Live = i.kept
	if removed.Live > 0 {
		network.Mark, network.EarlierMarks = needed[0], needed[1:]
		for _, mark := range needed {
			if err := i.kernel.AddRouting(mark); err != nil {
				return Removed{}, err
			}
		}
		removed.Changed, err = i.bring(rules.Draining(network), from)
		if err != nil {
			return Removed{}, err
		}
		return removed, i.kernel.PruneRouting(needed...)
	}
	return removed, i.removeAll(from)
}

// removeWhole removes everything, whatever needs it.
func (i *installer) removeWhole() (Removed, error) {
	from, marks, err := i.present()
	if err != nil {
		return Removed{}, err
	}
	return Removed{Changed: from.exists || len(marks) > 0}, i.removeAll(from)
}

// present is what the kernel holds of snatd's, with the marks of all of it.
func (i *installer) present() (origin, []uint32, error) {
	from, err := i.origin()
	if err != nil {
		return origin{}, nil, err
	}
	marks, err := i.knownMarks(from)
	return from, marks, err
}

// removeAll removes what there is.
func (i *installer) removeAll(from origin) error {
	if from.exists {
		if _, err := i.apply(rules.Replace(nil), nil); err != nil {
			return err
		}
	}
	i.holds, i.known = nil, true
	return i.kernel.PruneRouting()
}
