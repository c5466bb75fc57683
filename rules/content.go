package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
)

// identity stands for everything in a class but its name: classes are the same if it is
// the same.
type identity [sha256.Size]byte

// content is what is computed of a class once, because a large node has a hundred of
// them with a thousand intervals each, of which a change leaves most as they are.
type content struct {
	identity identity
	// otherSources says that some destinations have another source than the primary
	// address.
	otherSources bool
}

// known is the class's content, which is there already if classOf made it.
func (c Class) known() *content {
	if c.content != nil {
		return c.content
	}
	return c.computed()
}

func (c Class) computed() *content {
	b := c.ruling().append(make([]byte, 0, 48+40*len(c.Intervals)))
	otherSources := c.Default.Source.IsValid()
	for n := range c.Intervals {
		i := &c.Intervals[n]
		b = binary.BigEndian.AppendUint32(b, number(i.First))
		b = binary.BigEndian.AppendUint32(b, number(i.Last))
		b = i.ruling().append(b)
		otherSources = otherSources || i.Outcome.Source.IsValid()
	}
	return &content{sha256.Sum256(b), otherSources}
}

func (c Class) identity() identity { return c.known().identity }

// identities are those of the ruleset's classes, in their order.
func (r *Ruleset) identities() []identity {
	all := make([]identity, len(r.Classes))
	for i, c := range r.Classes {
		all[i] = c.identity()
	}
	return all
}

// canonicalNames names classes by their contents. All go in at once: should two have one
// name, which of them gets it does not depend on the order of the pods.
func canonicalNames(all []identity) map[identity]string {
	taken := map[string]bool{}
	names := make(map[identity]string, len(all))
	sorted := slices.SortedFunc(slices.Values(all), func(a, b identity) int { return slices.Compare(a[:], b[:]) })
	for _, id := range sorted {
		if _, named := names[id]; !named {
			names[id] = id.freeName(taken)
		}
	}
	return names
}

// freeName returns the name for a content, or the next one that is not taken, and takes
// it. Names are short because the kernel is sent one with every element that leads to the
// class; that is why they can collide.
func (id identity) freeName(taken map[string]bool) string {
	for try := 0; ; try++ {
		sum := id[:]
		if try > 0 {
			next := sha256.Sum256(strconv.AppendInt(slices.Clone(sum), int64(try), 10))
			sum = next[:]
		}
		name := "c_" + hex.EncodeToString(sum)[:12]
		if !taken[name] {
			taken[name] = true
			return name
		}
	}
}
