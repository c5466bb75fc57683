package dataplane

import (
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/snatd/snatd/rules/nft"
)

// chunkSize is how many bytes of elements go into one message: well below the
// 64 KiB that a netlink attribute can hold, about 450 intervals.
const chunkSize = 32 << 10

// addElements adds elements to a map, in as many messages as it takes.
func (t *transaction) addElements(op nft.AddElements) error {
	m := namedMap(op.Table, op.Map, op.Interval)
	return t.elements(op, m, op.Elements, data, (*nftables.Conn).SetAddElements)
}

// deleteElements does not say what the elements hold: the kernel goes by the key, and
// it may be something that has no encoding.
func (t *transaction) deleteElements(op nft.DeleteElements) error {
	m := namedMap(op.Table, op.Map, op.Interval)
	keyOnly := func(nft.Element) (nftables.SetElement, error) { return nftables.SetElement{}, nil }
	return t.elements(op, m, op.Elements, keyOnly, (*nftables.Conn).SetDeleteElements)
}

func (t *transaction) elements(op nft.Op, m *nftables.Set, elements []nft.Element,
	data func(nft.Element) (nftables.SetElement, error),
	call func(*nftables.Conn, *nftables.Set, []nftables.SetElement) error,
) error {
	var chunk []nftables.SetElement
	size := 0
	flush := func() error {
		full := chunk
		chunk, size = nil, 0
		return t.call(op, 1, func(c *nftables.Conn) error { return call(c, m, full) })
	}
	for _, e := range elements {
		encoded, err := element(e, m.Interval, data)
		if err != nil {
			return err
		}
		chunk = append(chunk, encoded...)
		if size += elementSize(e, m.Interval); size >= chunkSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(chunk) == 0 {
		return nil
	}
	return flush()
}

// element encodes one element. The kernel keeps an interval as two: its first
// address, with what it maps to, and an end mark at the address after its last.
func element(e nft.Element, interval bool, data func(nft.Element) (nftables.SetElement, error)) ([]nftables.SetElement, error) {
	if !e.First.Is4() || !e.Last.Is4() || e.Last.Less(e.First) {
		return nil, fmt.Errorf("element %s-%s: accepted are IPv4 addresses in ascending order", e.First, e.Last)
	}
	start, err := data(e)
	if err != nil {
		return nil, err
	}
	start.Key = e.First.AsSlice()
	if !interval {
		if e.First != e.Last {
			return nil, fmt.Errorf("element %s-%s: a map without intervals takes single addresses", e.First, e.Last)
		}
		return []nftables.SetElement{start}, nil
	}
	after := e.Last.Next()
	if after == (netip.Addr{}) {
		return []nftables.SetElement{start}, nil // up to the last address there is
	}
	return []nftables.SetElement{start, {Key: after.AsSlice(), IntervalEnd: true}}, nil
}

// data encodes what an element maps to, and leaves its key open.
func data(e nft.Element) (nftables.SetElement, error) {
	if !e.Address.IsValid() {
		v, err := verdict(e.Verdict)
		return nftables.SetElement{VerdictData: v}, err
	}
	if !e.Address.Is4() || e.Verdict != (nft.Verdict{}) {
		return nftables.SetElement{}, fmt.Errorf("element %s: accepted is an IPv4 address or a verdict", e)
	}
	return nftables.SetElement{Val: e.Address.AsSlice()}, nil
}

// elementSize is the length of an encoded element in bytes, or a little more.
func elementSize(e nft.Element, interval bool) int {
	const address, code, end = 16, 16, 24
	size := address + code
	if e.Verdict.Goto != "" {
		size += 4 + len(e.Verdict.Goto) + 4
	}
	if interval {
		size += end
	}
	return size
}

func verdict(v nft.Verdict) (*expr.Verdict, error) {
	switch {
	case v == nft.Accept():
		return &expr.Verdict{Kind: expr.VerdictAccept}, nil
	case v == nft.Return():
		return &expr.Verdict{Kind: expr.VerdictReturn}, nil
	case v == nft.Continue():
		return &expr.Verdict{Kind: expr.VerdictContinue}, nil
	case v == nft.Goto(v.Goto) && v.Goto != "":
		return &expr.Verdict{Kind: expr.VerdictGoto, Chain: v.Goto}, nil
	}
	return nil, fmt.Errorf("verdict %q: accepted are accept, return, continue, and goto with a chain", v)
}
