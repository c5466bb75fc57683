package dataplane

import (
	"fmt"
	"io"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/mdlayher/netlink"

	"github.com/snatd/snatd/rules/nft"
)

// transaction is an encoded phase of a plan.
type transaction struct {
	library  *nftables.Conn // encodes; it is connected to nothing
	messages []netlink.Message
	ops      []nft.Op // of each message, to name the one that the kernel refused
}

// encode translates a phase. If an op has no encoding, it returns that op too. The
// tables that the phase makes get the flags.
func encode(plan nft.Plan, flags tableFlags) (*transaction, nft.Op, error) {
	tx := &transaction{}
	library, err := nftables.New(nftables.WithTestDial(tx.take))
	if err != nil {
		return nil, nil, err
	}
	tx.library = library
	for _, op := range plan {
		if err := tx.add(op); err != nil {
			return nil, op, err
		}
	}
	if err := library.Flush(); err != nil {
		return nil, nil, err
	}
	tx.flag(flags)
	return tx, nil, nil
}

// take gets what the library would send: the messages between the two that begin and
// end a transaction. The library knows no flags of tables and waits for one answer to
// each message, where the kernel gives another number; so it encodes only.
func (t *transaction) take(batch []netlink.Message) ([]netlink.Message, error) {
	if len(batch) > 0 {
		t.messages = batch[1 : len(batch)-1]
	}
	return nil, io.EOF // no answers
}

// flag gives flags to the tables that the transaction makes. Those that it names to
// delete them get none: then naming them is right for any table.
func (t *transaction) flag(flags tableFlags) {
	for i, op := range t.ops {
		added, ok := op.(nft.AddTable)
		if !ok {
			continue
		}
		if i+1 < len(t.ops) && t.ops[i+1] == nft.Op(nft.DeleteTable(added)) {
			t.messages[i] = makeTable(added.Table, 0)
		} else {
			t.messages[i] = makeTable(added.Table, flags)
		}
	}
}

// call calls the library to queue a number of messages for op.
func (t *transaction) call(op nft.Op, messages int, call func(*nftables.Conn) error) error {
	for range messages {
		t.ops = append(t.ops, op)
	}
	return call(t.library)
}

// one is call for those that queue one message and cannot fail.
func (t *transaction) one(op nft.Op, call func(*nftables.Conn)) {
	t.ops = append(t.ops, op)
	call(t.library)
}

func (t *transaction) add(op nft.Op) error {
	switch op := op.(type) {
	case nft.AddTable:
		t.one(op, func(c *nftables.Conn) { c.AddTable(table(op.Table)) })
	case nft.DeleteTable:
		t.one(op, func(c *nftables.Conn) { c.DelTable(table(op.Table)) })
	case nft.AddCounter:
		t.one(op, func(c *nftables.Conn) { c.AddObj(counter(op.Table, op.Name)) })
	case nft.DeleteCounter:
		t.one(op, func(c *nftables.Conn) { c.DeleteObject(counter(op.Table, op.Name)) })
	case nft.AddChain:
		added := chain(op.Table, op.Name)
		if op.Hook != nil {
			if err := makeBase(added, *op.Hook); err != nil {
				return err
			}
		}
		t.one(op, func(c *nftables.Conn) { c.AddChain(added) })
	case nft.FlushChain:
		t.one(op, func(c *nftables.Conn) { c.FlushChain(chain(op.Table, op.Name)) })
	case nft.DeleteChain:
		t.one(op, func(c *nftables.Conn) { c.DelChain(chain(op.Table, op.Name)) })
	case nft.AddRule:
		return t.addRule(op)
	case nft.AddMap:
		return t.call(op, 1, func(c *nftables.Conn) error { return c.AddSet(addedMap(op), nil) })
	case nft.DeleteMap:
		t.one(op, func(c *nftables.Conn) { c.DelSet(namedMap(op.Table, op.Name, false)) })
	case nft.AddElements:
		return t.addElements(op)
	case nft.DeleteElements:
		return t.deleteElements(op)
	default:
		return fmt.Errorf("no encoding for %T", op)
	}
	return nil
}

// op is the one whose message the kernel refused; nil if that is none of them.
func (t *transaction) op(r refusal) nft.Op {
	if r.message < 0 {
		return nil
	}
	return t.ops[r.message]
}

func table(name string) *nftables.Table {
	return &nftables.Table{Name: name, Family: nftables.TableFamilyIPv4}
}

func chain(tableName, name string) *nftables.Chain {
	return &nftables.Chain{Table: table(tableName), Name: name}
}

func counter(tableName, name string) *nftables.CounterObj {
	return &nftables.CounterObj{Table: table(tableName), Name: name}
}

// namedMap is a map as those name it who change its elements or delete it.
func namedMap(tableName, name string, interval bool) *nftables.Set {
	return &nftables.Set{Table: table(tableName), Name: name, IsMap: true, Interval: interval}
}

func addedMap(op nft.AddMap) *nftables.Set {
	m := namedMap(op.Table, op.Name, op.Interval)
	m.KeyType, m.DataType = nftables.TypeIPAddr, nftables.TypeVerdict
	if op.Addresses {
		m.DataType = nftables.TypeIPAddr
	}
	m.KeyByteOrder = binaryutil.BigEndian // nft lists addresses by it
	return m
}

// makeBase attaches a chain to a hook.
func makeBase(c *nftables.Chain, at nft.Hook) error {
	switch at.Point {
	case "prerouting":
		c.Hooknum = nftables.ChainHookPrerouting
	case "postrouting":
		c.Hooknum = nftables.ChainHookPostrouting
	default:
		return fmt.Errorf("hook %q: accepted are prerouting and postrouting", at.Point)
	}
	switch at.Type {
	case "filter", "nat":
		c.Type = nftables.ChainType(at.Type)
	default:
		return fmt.Errorf("chain type %q: accepted are filter and nat", at.Type)
	}
	if at.Policy != "" {
		return fmt.Errorf("policy %q: accepted is none, for accept", at.Policy)
	}
	accept := nftables.ChainPolicyAccept
	c.Policy = &accept
	c.Priority = nftables.ChainPriorityRef(nftables.ChainPriority(at.Priority))
	return nil
}
