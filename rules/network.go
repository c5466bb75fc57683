package rules

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// Check tells whether the network can be compiled; its error names the field,
// its value and what is accepted.
func (n Network) Check() error {
	if len(n.PodInterfaces) == 0 {
		return errors.New(`no pod interface: accepted is at least one name or pattern such as "eni*"`)
	}
	for _, p := range n.PodInterfaces {
		if err := CheckPattern(p); err != nil {
			return fmt.Errorf("pod interface %w", err)
		}
	}
	for _, p := range n.ExemptInterfaces {
		if err := CheckPattern(p); err != nil {
			return fmt.Errorf("exempt interface %w", err)
		}
	}
	for _, p := range n.PodInterfaces {
		if covers(p, n.PrimaryInterface) {
			return fmt.Errorf("pod interface %q is also the primary interface %q: accepted are names that pods alone are behind", p, n.PrimaryInterface)
		}
	}
	if !n.Primary.Is4() || n.Primary.IsUnspecified() {
		return fmt.Errorf("primary address %q: accepted is an IPv4 address of the node", addressText(n.Primary))
	}
	if bits.OnesCount32(n.Mark) != 1 {
		return fmt.Errorf("mark %#x: accepted is exactly one bit, such as 0x80", n.Mark)
	}
	for _, mark := range n.EarlierMarks {
		if bits.OnesCount32(mark) != 1 || mark == n.Mark {
			return fmt.Errorf("earlier mark %#x: accepted is exactly one bit, another than %#x", mark, n.Mark)
		}
	}
	switch n.Randomize {
	case RandomizePRNG, RandomizeHash, RandomizeNone:
	default:
		return fmt.Errorf("randomize mode %q: accepted are %q, %q and %q",
			n.Randomize, RandomizePRNG, RandomizeHash, RandomizeNone)
	}
	if n.NodePorts {
		if err := CheckName(n.PrimaryInterface); err != nil {
			return fmt.Errorf("primary interface %w", err)
		}
	}
	return nil
}

// canonical gives networks that mean the same one value.
func (n Network) canonical() Network {
	n.PodInterfaces = reducePatterns(n.PodInterfaces)
	n.ExemptInterfaces = reducePatterns(n.ExemptInterfaces)
	n.EarlierMarks = slices.Compact(slices.Sorted(slices.Values(n.EarlierMarks)))
	return n
}
