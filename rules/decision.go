package rules

import (
	"errors"
	"fmt"
	"net/netip"
)

// Check tells whether the decision can be compiled. Its error names the module
// and the prefix: one that is not valid, not IPv4 or has host bits set, an
// action that is unknown or has a source that it cannot have, or a prefix that
// is decided twice with different outcomes. The same outcome twice is legal.
func (d Decision) Check() error {
	_, err := d.spans(netip.Addr{})
	return err
}

// spans returns one span per entry, sorted so that a prefix stands right before
// those inside it. Primary as an entry's source becomes the zero Addr.
func (d Decision) spans(primary netip.Addr) ([]span, error) {
	all := make([]span, len(d.Entries))
	module := label(d.Module)
	for i, e := range d.Entries {
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("module %q: entry %d: %w", d.Module, i+1, err)
		}
		all[i] = spanOf(e.Prefix, ruling{e.Outcome.canonical(primary), module})
	}
	sortSpans(all)
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		if a.first == b.first && a.last == b.last && a.outcome != b.outcome {
			return nil, fmt.Errorf("module %q: prefix %s is decided twice: %s, and %s; accepted is one outcome per prefix",
				d.Module, a.prefix(), a.outcome, b.outcome)
		}
	}
	return all, nil
}

func (e Entry) check() error {
	p := e.Prefix
	switch {
	case !p.IsValid():
		return errors.New("prefix is not valid: accepted is an IPv4 prefix such as 10.0.0.0/8")
	case !p.Addr().Is4():
		return fmt.Errorf("prefix %s is IPv6: accepted is an IPv4 prefix such as 10.0.0.0/8", p)
	case p != p.Masked():
		return fmt.Errorf("prefix %s has host bits set: accepted is %s", p, p.Masked())
	}
	if err := e.Outcome.check(); err != nil {
		return fmt.Errorf("prefix %s: %w", p, err)
	}
	return nil
}
