package rules

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// String gives "exclude", "translate", or "translate to ADDRESS".
func (o Outcome) String() string {
	if o.Source.IsValid() {
		return string(o.Action) + " to " + o.Source.String()
	}
	return string(o.Action)
}

func (o Outcome) check() error {
	switch {
	case o.Action == Exclude && o.Source.IsValid():
		return fmt.Errorf("%q takes no source address, got %s", Exclude, o.Source)
	case o.Action == Exclude:
		return nil
	case o.Action == Translate && o.Source.IsValid() && !canBeSource(o.Source):
		return fmt.Errorf("source %s: accepted is an IPv4 address of the node, or none for the primary one", o.Source)
	case o.Action == Translate:
		return nil
	}
	return fmt.Errorf("action %q: accepted are %q and %q", o.Action, Exclude, Translate)
}

// canBeSource says whether an interface can hold the address for others to
// answer to. Whether the node's does is not known here.
func canBeSource(a netip.Addr) bool {
	return a.Is4() && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() &&
		a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// canonical gives the two ways to say "the primary address" one value.
func (o Outcome) canonical(primary netip.Addr) Outcome {
	if o.Source == primary {
		o.Source = netip.Addr{}
	}
	return o
}

// append writes the ruling as Outcome.append does the outcome.
func (r ruling) append(b []byte) []byte {
	b = r.outcome.append(b)
	b = binary.AppendUvarint(b, uint64(len(r.module)))
	return append(b, r.module...)
}

// append writes the outcome so that outcomes that differ differ in bytes and
// none is the beginning of another.
func (o Outcome) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(o.Action)))
	b = append(b, o.Action...)
	b = append(b, byte(o.Source.BitLen()))
	return append(b, o.Source.AsSlice()...)
}
