package engine

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/flow"
	"github.com/snatd/snatd/host/link"
	"github.com/snatd/snatd/rules"
)

// connections is what becomes of live connections that a change decides otherwise.
type connections struct {
	table tracked
	log   *slog.Logger
	// draining are those that go on as an earlier ruleset decided.
	draining []flow.Flow
	// ended counts those that were deleted.
	ended uint64
	// drains says that those of earlier runs and changes are among them.
	drains bool
	// before are the rulesets that were replaced since the connections could be looked at.
	before []*rules.Ruleset
}

// mostBefore bounds how many of them count, the last ones.
const mostBefore = 16

// tracked is what the engine needs of the kernel's connections.
type tracked interface {
	List(mark uint32, keep func(flow.Flow) bool) ([]flow.Flow, error)
	Remaining(flows []flow.Flow) ([]flow.Flow, error)
	Delete(flows []flow.Flow) (deleted int, err error)
}

// changed is told after each pass what was replaced and what the kernel holds. What fails
// is made up for the next time.
func (c *connections) changed(onChange string, before []*rules.Ruleset, after *rules.Ruleset, pods []netip.Addr) error {
	before = slices.DeleteFunc(append(c.before, before...), func(r *rules.Ruleset) bool { return r.Node == "" })
	c.before = nil
	switch {
	case onChange == config.OnChangeKeep || after == nil:
		c.draining, c.drains = nil, false
		return nil
	case onChange == config.OnChangeDrain && !c.drains:
		err := c.drainEarlier(after, pods)
		c.drains = err == nil
		return err
	case len(before) == 0:
		return c.drain(nil, after)
	}
	err := c.follow(onChange, before, after, pods)
	if err != nil {
		c.before = before[max(0, len(before)-mostBefore):]
	}
	return err
}

// follow deals with the connections that one of the rulesets before decided otherwise.
func (c *connections) follow(onChange string, before []*rules.Ruleset, after *rules.Ruleset, pods []netip.Addr) error {
	node, err := thisNode(pods)
	if err != nil {
		return err
	}
	found, err := c.table.List(0, func(f flow.Flow) bool {
		return slices.ContainsFunc(before, func(r *rules.Ruleset) bool { return node.Changed(r, after, f) })
	})
	if err != nil {
		return err
	}
	if onChange == config.OnChangeDrain {
		return c.drain(found, after)
	}
	c.draining = nil
	deleted, err := c.table.Delete(found)
	c.ended += uint64(deleted)
	if deleted > 0 {
		c.log.Info("connections that are decided otherwise now were ended", "connections", deleted)
	}
	return err
}

// drainEarlier takes up those translated connections that go on as rules decided which
// are not known any more.
func (c *connections) drainEarlier(now *rules.Ruleset, pods []netip.Addr) error {
	node, err := thisNode(pods)
	if err != nil {
		return err
	}
	found, err := translated(c.table, node, now, func(f flow.Flow) bool { return !flow.Decide(now, f).Current })
	if err != nil {
		return err
	}
	return c.drain(found, now)
}

// translated lists the live translated connections about which a ruleset decided, or one
// before it that its marks are known of: each once, also one that carries several marks.
func translated(table tracked, node flow.Node, by *rules.Ruleset, keep func(flow.Flow) bool) (list []flow.Flow, err error) {
	marks := marksOf(by)
	for i, mark := range marks {
		found, err := table.List(mark, func(f flow.Flow) bool {
			return f.Translated() && !f.Closed() && !f.Marked(marks[:i]...) && node.Decided(f, by) && keep(f)
		})
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// drain takes connections up that go on as before, and leaves out those that ended or are
// as the rules say again.
func (c *connections) drain(more []flow.Flow, now *rules.Ruleset) error {
	if len(c.draining)+len(more) == 0 {
		return nil
	}
	before := len(c.draining)
	left, err := c.table.Remaining(append(c.draining, more...))
	if err != nil {
		return err
	}
	c.draining = nil
	for _, f := range left {
		if !flow.Decide(now, f).Current {
			c.draining = append(c.draining, f)
		}
	}
	if n := len(c.draining); n != before {
		c.log.Info("connections go on as earlier rules decided", "connections", n)
	}
	return nil
}

// thisNode says whose addresses are whose here.
func thisNode(pods []netip.Addr) (flow.Node, error) {
	addresses, err := link.Addresses()
	if err != nil {
		return flow.Node{}, fmt.Errorf("list the node's addresses: %w", err)
	}
	of, local := map[netip.Addr]bool{}, map[netip.Addr]bool{}
	for _, pod := range pods {
		of[pod] = true
	}
	for _, a := range addresses {
		local[a] = true
	}
	return flow.Node{
		Pod:   func(a netip.Addr) bool { return of[a] },
		Local: func(a netip.Addr) bool { return local[a] || a.IsLoopback() },
	}, nil
}
