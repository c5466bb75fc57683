package rules

import (
	"encoding/binary"
	"fmt"
)

// classes makes classes of decisions and remembers what it made them of. Most
// pods of a node share most of their decisions, so that the work is done per
// distinct decision, not per pod.
type classes struct {
	network   Network
	byEntries map[entriesID]*layer // finds a layer without reading the entries
	byText    map[string]*layer    // finds it if equal entries stand elsewhere
	byLayers  map[string]string    // the content of the class of a list of layers
	byContent map[string]Class
	buffer    []byte
}

// layer is one flattened decision.
type layer struct {
	id    uint32
	spans []span
}

// entriesID tells lists of entries apart by where they are: the same decision,
// handed over for several pods, is seen to be the same.
type entriesID struct {
	first  *Entry
	count  int
	module string
}

func newClasses(network Network) *classes {
	return &classes{
		network:   network,
		byEntries: map[entriesID]*layer{},
		byText:    map[string]*layer{},
		byLayers:  map[string]string{},
		byContent: map[string]Class{},
	}
}

// of returns the content of the decisions' class, which byContent then has.
func (c *classes) of(decisions []Decision) (string, error) {
	layers := make([]*layer, len(decisions))
	var key []byte
	for i, d := range decisions {
		l, err := c.layer(d)
		if err != nil {
			return "", err
		}
		layers[i] = l
		key = binary.BigEndian.AppendUint32(key, l.id)
	}
	if content, ok := c.byLayers[string(key)]; ok {
		return content, nil
	}
	var flat []span
	for _, l := range layers {
		flat = overlay(flat, l.spans)
	}
	if dst, open := uncovered(flat); open {
		return "", fmt.Errorf("no decision covers %s: accepted is a last module that covers 0.0.0.0/0", dst)
	}
	if c.network.Uncounted {
		flat = withoutModules(flat)
	}
	class := classOf(flat)
	content := class.content()
	c.byLayers[string(key)] = content
	c.byContent[content] = class
	return content, nil
}

func (c *classes) layer(d Decision) (*layer, error) {
	var where entriesID
	if len(d.Entries) > 0 {
		where = entriesID{&d.Entries[0], len(d.Entries), d.Module}
		if l, ok := c.byEntries[where]; ok {
			return l, nil
		}
	}
	c.buffer = d.append(c.buffer[:0])
	l, ok := c.byText[string(c.buffer)]
	if !ok {
		spans, err := d.spans(c.network.Primary)
		if err != nil {
			return nil, err
		}
		l = &layer{uint32(len(c.byText)), flatten(spans)}
		c.byText[string(c.buffer)] = l
	}
	if where.first != nil {
		c.byEntries[where] = l
	}
	return l, nil
}

// append writes everything about the decision that Compile reads, also what is
// in error, so that decisions with equal bytes are compiled alike.
func (d Decision) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(d.Module)))
	b = append(b, d.Module...)
	for _, e := range d.Entries {
		addr := e.Prefix.Addr().As16()
		b = append(b, addr[:]...)
		b = append(b, byte(e.Prefix.Addr().BitLen()), byte(e.Prefix.Bits()))
		b = e.Outcome.append(b)
	}
	return b
}
