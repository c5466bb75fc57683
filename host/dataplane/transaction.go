package dataplane

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/mdlayher/netlink"

	"github.com/snatd/snatd/rules/nft"
)

// transaction is an encoded phase of a plan. Nothing of it is in the library's connection
// before all of it is encoded, because the connection cannot take back.
type transaction struct {
	calls []func(*nftables.Conn) error
	ops   []nft.Op // of each message, to name the one that the kernel refused
}

// encode translates a phase. If an op has no encoding, it returns that op too.
func encode(plan nft.Plan) (*transaction, nft.Op, error) {
	tx := &transaction{}
	for _, op := range plan {
		if err := tx.add(op); err != nil {
			return nil, op, err
		}
	}
	return tx, nil, nil
}

// queue hands the messages to the library's connection, which sends them at
// its next Flush.
func (t *transaction) queue(conn *nftables.Conn) error {
	for _, call := range t.calls {
		if err := call(conn); err != nil {
			return err
		}
	}
	return nil
}

// call notes a call of the library that queues a number of messages for op.
func (t *transaction) call(op nft.Op, messages int, call func(*nftables.Conn) error) {
	t.calls = append(t.calls, call)
	for range messages {
		t.ops = append(t.ops, op)
	}
}

// one is call for those that queue one message and cannot fail.
func (t *transaction) one(op nft.Op, call func(*nftables.Conn)) {
	t.call(op, 1, func(conn *nftables.Conn) error { call(conn); return nil })
}

func (t *transaction) add(op nft.Op) error {
	switch op := op.(type) {
	case nft.AddTable:
		t.one(op, func(c *nftables.Conn) { c.AddTable(table(op.Table)) })
	case nft.DeleteTable:
		t.one(op, func(c *nftables.Conn) { c.DelTable(table(op.Table)) })
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
		t.call(op, 1, func(c *nftables.Conn) error {
			return c.AddSet(addedMap(op), nil)
		})
	case nft.DeleteMap:
		t.one(op, func(c *nftables.Conn) { c.DelSet(namedMap(op.Table, op.Name, false)) })
	case nft.AddElements:
		return t.elements(op, namedMap(op.Table, op.Map, op.Interval), op.Elements, (*nftables.Conn).SetAddElements)
	case nft.DeleteElements:
		return t.elements(op, namedMap(op.Table, op.Map, op.Interval), op.Elements, (*nftables.Conn).SetDeleteElements)
	default:
		return fmt.Errorf("no encoding for %T", op)
	}
	return nil
}

// opOf is the op whose message an error answers, nil if it is none of them.
// first is the sequence number before the message that begins the transaction.
func (t *transaction) opOf(err error, first uint32) nft.Op {
	answer := (*netlink.OpError)(nil)
	if !errors.As(err, &answer) || answer.Sequence == 0 {
		return nil
	}
	// Unsigned, because sequence numbers wrap around.
	if i := answer.Sequence - first - 2; i < uint32(len(t.ops)) {
		return t.ops[i]
	}
	return nil
}

func table(name string) *nftables.Table {
	return &nftables.Table{Name: name, Family: nftables.TableFamilyIPv4}
}

func chain(tableName, name string) *nftables.Chain {
	return &nftables.Chain{Table: table(tableName), Name: name}
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
	accept := nftables.ChainPolicyAccept
	c.Policy = &accept
	c.Priority = nftables.ChainPriorityRef(nftables.ChainPriority(at.Priority))
	return nil
}
