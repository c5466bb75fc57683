package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// Behind whatever an earlier run left a change stays held, if only it decides something; what
// cannot be read is waited for.
func TestHeldBehindWhatWasLeft(t *testing.T) {
	before, after := ruleset(t, 0x80), ruleset(t, 0x80, "172.31.0.0/16")
	changed := func(change func(*nft.Table)) *nft.Table {
		table := before.Table()
		change(table)
		return table
	}
	find := func(table *nft.Table, name string) *nft.Chain {
		return &table.Chains[slices.IndexFunc(table.Chains, func(c nft.Chain) bool { return c.Name == name })]
	}
	for name, c := range map[string]struct {
		left   *nft.Table
		unread error
		limit  config.Share
		want   string // "held", "unclear", "unread", "lost", or empty for in force
	}{
		"all of it":              {left: before.Table(), want: "held"},
		"what is wanted":         {left: after.Table()},
		"a rule more":            {left: changed(func(t *nft.Table) { t.Chains[0].Rules = append(t.Chains[0].Rules, nft.Rule{nft.Return()}) }), want: "unclear"},
		"no node":                {left: changed(func(t *nft.Table) { find(t, "prerouting").Name = "first" }), want: "unclear"},
		"an object of a later":   {left: changed(func(t *nft.Table) { t.Other = []string{"flowtable f"} }), want: "unclear"},
		"the same, and no limit": {left: changed(func(t *nft.Table) { t.Other = []string{"flowtable f"} }), limit: 1},
		"what cannot be read":    {left: before.Table(), unread: errors.New("by the test"), want: "unread"},
		"no table":               {want: "lost"},
		"no table and no limit":  {limit: 1},
		"an empty table":         {left: &nft.Table{Name: rules.TableName}, want: "lost"},
		"rules that nobody meets": {left: &nft.Table{Name: rules.TableName, Chains: []nft.Chain{
			{Name: "c_1", Rules: []nft.Rule{{nft.Accept()}}}}}, want: "lost"},
	} {
		t.Run(name, func(t *testing.T) {
			i, k := newInstaller()
			k.table, k.unread = c.left, c.unread
			ring, err := history.Open("")
			if err != nil {
				t.Fatal(err)
			}
			e := &Engine{log: i.log, installer: *i, history: ring, modules: &Modules{}}
			e.state.Store(&State{})
			note := &Held{Ruleset: after.Digest(), Because: "vpc"}
			e.guard.earlier, e.guard.noted = note, note
			wanted := &Result{Ruleset: after, Snapshot: &facts.Snapshot{}, Decided: []Decided{{Subject: rules.Subject{Name: "node"}}}}
			wanted.inputs.Config.Guard.MaxChange = config.MaxChange{Pods: c.limit, Addresses: 1}
			var next State
			var p problems
			installed := e.guarded(&next, wanted, func(*Result) string { return "start" }, &p)

			got := ""
			switch {
			case p.has("kernel"):
				got = "unread"
			case next.Held != nil && next.Held.Unclear:
				got = "unclear"
			case next.Held != nil:
				got = "held"
			case e.guard.lost != nil:
				got = "lost"
			}
			inForce := c.want == "" || c.want == "lost"
			if got != c.want || (installed == wanted) != inForce || (next.Waiting == "") != inForce || (len(p.passing) > 0) != (got == "unread") {
				t.Errorf("%q, wanted %q; installed %v, waiting %q, problems %v", got, c.want, installed, next.Waiting, p)
			}
			if h := next.Held; h != nil && (h.Ruleset != after.Digest() || h.Because != "vpc" || !strings.Contains(h.String(), ", because vpc: ")) {
				t.Errorf("%+v", h)
			}
			if e.guard.noted != note {
				t.Error("the note is another one")
			}
		})
	}
}
