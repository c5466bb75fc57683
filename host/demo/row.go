package demo

import (
	"cmp"
	"fmt"
	"net/netip"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/rules"
)

// Row is one question from a host to a peer, and what became of it.
type Row struct {
	Act      int       `json:"act"` // counted from 1
	From     string    `json:"from"`
	To       string    `json:"to"`
	Address  string    `json:"address"` // that From connected to
	Protocol lab.Proto `json:"protocol"`
	// Opened says, for a connection that is older than the act's change, when it
	// was opened; empty for a new one.
	Opened string `json:"opened,omitempty"`
	// Seen is the source address that the peer reports; empty if it did not answer.
	Seen string `json:"seen"`
	// Want is what Seen should be.
	Want   string       `json:"want"`
	Action rules.Action `json:"action"` // as the daemon explains it
	Module string       `json:"decidedBy"`
	Prefix string       `json:"prefix,omitempty"`
	Why    string       `json:"why"`
	OK     bool         `json:"ok"`
	// Problem is why OK is false.
	Problem string `json:"problem,omitempty"`
}

// verdict is what the daemon says about a connection.
type verdict struct {
	Action                 rules.Action
	Module, Prefix, Reason string
}

// expectation is what an act claims: it does not come from the daemon.
type expectation struct {
	action rules.Action
	seen   netip.Addr
}

// complete fills in what was seen and explained, and checks both.
func (r *Row) complete(want expectation, seen netip.Addr, failure error, says verdict) {
	r.Want = want.seen.String()
	r.Action, r.Module, r.Prefix, r.Why = says.Action, says.Module, says.Prefix, says.Reason
	if seen.IsValid() {
		r.Seen = seen.String()
	}
	switch {
	case failure != nil:
		r.Problem = failure.Error()
	case seen != want.seen:
		r.Problem = fmt.Sprintf("seen as %s, should be %s", seen, want.seen)
	case says.Action != want.action:
		r.Problem = fmt.Sprintf("the daemon says %q, should be %q", cmp.Or(string(says.Action), "nothing"), want.action)
	default:
		r.OK = true
	}
}
