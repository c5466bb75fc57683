package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
)

// classes makes classes of decisions and remembers what it made them of. Most
// pods of a node share most of their decisions, so that the work is done per
// distinct decision, not per pod.
type classes struct {
	network   Network
	last      *classes             // of the last compilation, while this one is made; not nil then
	layers    uint32               // how many there were, those of the last compilations too
	byEntries map[entriesID]*layer // finds a layer without reading the entries
	bySum     map[sum]*layer       // finds it if equal entries stand elsewhere
	byLayers  map[string]Class     // by the layers' numbers; without names
}

// layer is one flattened decision.
type layer struct {
	number uint32
	sum    sum
	spans  []span // only while it is compiled
}

// sum stands for everything about a decision that Compile reads.
type sum [sha256.Size]byte

// entriesID tells lists of entries apart by where they are: the same decision,
// handed over for several pods or again, is seen to be the same.
type entriesID struct {
	first  *Entry
	count  int
	module string
}

// newClasses takes over from the last compilation what is still used.
func newClasses(network Network, last *classes) *classes {
	if last == nil || last.network.Primary != network.Primary || last.network.Uncounted != network.Uncounted {
		last = &classes{}
	}
	return &classes{
		network:   network,
		last:      last,
		layers:    last.layers,
		byEntries: map[entriesID]*layer{},
		bySum:     map[sum]*layer{},
		byLayers:  map[string]Class{},
	}
}

// done forgets what only this compilation needed.
func (c *classes) done() {
	c.last = nil
	for _, l := range c.bySum {
		l.spans = nil
	}
}

// of returns the decisions' class, without a name.
func (c *classes) of(decisions []Decision) (Class, error) {
	layers := make([]*layer, len(decisions))
	var key []byte
	for i, d := range decisions {
		l, err := c.layer(d)
		if err != nil {
			return Class{}, err
		}
		layers[i] = l
		key = binary.BigEndian.AppendUint32(key, l.number)
	}
	if class, ok := c.byLayers[string(key)]; ok {
		return class, nil
	}
	class, ok := c.last.byLayers[string(key)]
	if !ok {
		var err error
		if class, err = c.overlaid(layers, decisions); err != nil {
			return Class{}, err
		}
	}
	c.byLayers[string(key)] = class
	return class, nil
}

// overlaid makes a class of layers, which are those of the decisions.
func (c *classes) overlaid(layers []*layer, decisions []Decision) (Class, error) {
	var flat []span
	for i, l := range layers {
		if err := l.flatten(decisions[i], c.network.Primary); err != nil {
			return Class{}, err
		}
		flat = overlay(flat, l.spans)
	}
	if dst, open := uncovered(flat); open {
		return Class{}, fmt.Errorf("no decision covers %s: accepted is a last module that covers 0.0.0.0/0", dst)
	}
	if c.network.Uncounted {
		flat = withoutModules(flat)
	}
	return classOf(flat), nil
}

func (c *classes) layer(d Decision) (*layer, error) {
	var where entriesID
	if len(d.Entries) > 0 {
		where = entriesID{&d.Entries[0], len(d.Entries), d.Module}
		if l, ok := c.byEntries[where]; ok {
			return l, nil
		}
	}
	l, ok := c.last.byEntries[where]
	if !ok || where.first == nil {
		var err error
		if l, err = c.read(d); err != nil {
			return nil, err
		}
	}
	c.bySum[l.sum] = l
	if where.first != nil {
		c.byEntries[where] = l
	}
	return l, nil
}

// read returns the layer of a decision that stands where none stood before.
func (c *classes) read(d Decision) (*layer, error) {
	s := d.sum()
	if l, ok := c.bySum[s]; ok {
		return l, nil
	}
	if l, ok := c.last.bySum[s]; ok {
		return l, nil
	}
	c.layers++
	l := &layer{number: c.layers, sum: s}
	return l, l.flatten(d, c.network.Primary)
}

func (l *layer) flatten(d Decision, primary netip.Addr) error {
	if l.spans != nil {
		return nil
	}
	spans, err := d.spans(primary)
	l.spans = flatten(spans)
	return err
}

// sum is the same for decisions that are compiled alike, also if they are in error.
func (d Decision) sum() sum {
	b := binary.AppendUvarint(make([]byte, 0, 64+40*len(d.Entries)), uint64(len(d.Module)))
	b = append(b, d.Module...)
	for _, e := range d.Entries {
		addr := e.Prefix.Addr().As16()
		b = append(b, addr[:]...)
		b = append(b, byte(e.Prefix.Addr().BitLen()), byte(e.Prefix.Bits()))
		b = e.Outcome.append(b)
	}
	return sha256.Sum256(b)
}
