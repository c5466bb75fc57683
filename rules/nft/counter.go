package nft

import "slices"

// Count is what a counter has counted.
type Count struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// Plus is both together.
func (c Count) Plus(more Count) Count {
	return Count{c.Packets + more.Packets, c.Bytes + more.Bytes}
}

// Minus is what is left without less, which is a part of it.
func (c Count) Minus(less Count) Count {
	return Count{c.Packets - less.Packets, c.Bytes - less.Bytes}
}

// EndsCounters says whether the plan deletes counters, or the table with them: what they
// have counted is to be read before.
func (p Plan) EndsCounters() bool {
	return slices.ContainsFunc(p, func(op Op) bool {
		switch op.(type) {
		case DeleteCounter, DeleteTable:
			return true
		}
		return false
	})
}
