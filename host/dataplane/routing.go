package dataplane

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	routes "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	// RoutingPriority is where the ip rule stands: after the rules that send
	// packets to pods (512), before those by a pod's address (1536). The AWS
	// plugin has the same rule at 1024; at its start it deletes one there
	// without looking at the protocol, which must not be ours.
	RoutingPriority = 1025
	// RoutingProtocol marks the ip rule as snatd's ("protocol 83" in "ip -d
	// rule"). It is in no list of such numbers known to iproute2. Rules that
	// say the same but have another protocol are somebody else's, the AWS
	// plugin's for example, and stay as they are.
	RoutingProtocol = 83
)

// AddRouting makes sure of the ip rule "fwmark mark/mark lookup main": packets
// with all bits of mark leave by the main table, whatever their source. Rules of
// snatd's with another mark stay until PruneRouting.
func (d *Dataplane) AddRouting(mark uint32) error {
	ours, err := d.ourRules()
	if err != nil {
		return err
	}
	wanted := routingRule(mark)
	if slices.ContainsFunc(ours, func(r routes.Rule) bool { return r.Mark == mark && isRoutingRule(r) }) {
		return nil
	}
	err = d.routes.RuleAdd(wanted)
	if errors.Is(err, unix.EEXIST) {
		// The kernel takes the wanted rule for a stale one that also says where
		// packets come from.
		colliding := slices.DeleteFunc(ours, func(r routes.Rule) bool { return r.Mark != mark })
		if err := d.removeRules(colliding); err != nil {
			return err
		}
		err = d.routes.RuleAdd(wanted)
	}
	if err != nil {
		return fmt.Errorf("add ip rule fwmark %#x/%#x lookup main: %w", mark, mark, explainRule(err))
	}
	return nil
}

// RoutingMarks lists the marks that ip rules of snatd's are for, sorted.
func (d *Dataplane) RoutingMarks() ([]uint32, error) {
	ours, err := d.ourRules()
	if err != nil {
		return nil, err
	}
	var marks []uint32
	for _, rule := range ours {
		marks = append(marks, rule.Mark)
	}
	slices.Sort(marks)
	return slices.Compact(marks), nil
}

// CheckRouting compares the ip rules of snatd's with those that AddRouting makes for
// marks. It returns the marks that lack theirs, and those of every other rule, of which
// PruneRouting of the same marks removes all. It may be called while another goroutine
// uses the Dataplane.
func (d *Dataplane) CheckRouting(marks ...uint32) (missing, others []uint32, err error) {
	ours, err := d.ourRules()
	if err != nil {
		return nil, nil, err
	}
	found := map[uint32]bool{}
	for _, rule := range ours {
		if slices.Contains(marks, rule.Mark) && isRoutingRule(rule) {
			found[rule.Mark] = true
		} else {
			others = append(others, rule.Mark)
		}
	}
	missing = slices.DeleteFunc(slices.Clone(marks), func(mark uint32) bool { return found[mark] })
	return missing, others, nil
}

// PruneRouting removes every ip rule of snatd's but those that AddRouting makes
// for the marks to keep.
func (d *Dataplane) PruneRouting(keep ...uint32) error {
	ours, err := d.ourRules()
	if err != nil {
		return err
	}
	return d.removeRules(slices.DeleteFunc(ours, func(r routes.Rule) bool {
		return slices.Contains(keep, r.Mark) && isRoutingRule(r)
	}))
}

func (d *Dataplane) removeRules(rules []routes.Rule) error {
	for _, rule := range rules {
		// The kernel compares the protocol too, so this is never another's rule.
		if err := d.routes.RuleDel(&rule); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("remove ip rule fwmark %#x: %w", rule.Mark, explainRule(err))
		}
	}
	return nil
}

// ourRules lists the rules with snatd's protocol.
func (d *Dataplane) ourRules() ([]routes.Rule, error) {
	all, err := complete(func() ([]routes.Rule, error) { return d.routes.RuleList(routes.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("list ip rules: %w", explainRule(err))
	}
	var ours []routes.Rule
	for _, rule := range all {
		if rule.Protocol == RoutingProtocol {
			ours = append(ours, rule)
		}
	}
	return ours, nil
}

func routingRule(mark uint32) *routes.Rule {
	rule := routes.NewRule()
	rule.Family = routes.FAMILY_V4
	rule.Priority = RoutingPriority
	rule.Mark, rule.Mask = mark, &mark
	rule.Table = unix.RT_TABLE_MAIN
	rule.Protocol = RoutingProtocol
	return rule
}

// isRoutingRule says whether a rule is the one for its mark, and nothing else.
func isRoutingRule(rule routes.Rule) bool { return reflect.DeepEqual(rule, *routingRule(rule.Mark)) }

func explainRule(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: %s", ErrPermission, needCapability)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EAFNOSUPPORT):
		return fmt.Errorf("%w: no policy routing: snatd needs CONFIG_IP_MULTIPLE_TABLES", ErrUnsupported)
	}
	return err
}

// complete repeats a dump that the kernel says has changed on the way.
func complete[T any](dump func() (T, error)) (result T, err error) {
	for range 5 {
		if result, err = dump(); !errors.Is(err, routes.ErrDumpInterrupted) {
			break
		}
	}
	return result, err
}
