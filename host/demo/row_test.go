package demo

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/snatd/snatd/rules"
)

func TestComplete(t *testing.T) {
	own, node := netip.MustParseAddr("10.0.1.5"), netip.MustParseAddr("10.0.0.10")
	kept := expectation{rules.Exclude, own}
	for _, test := range []struct {
		name    string
		seen    netip.Addr
		failure error
		says    rules.Action
		problem string
	}{
		{"as it should be", own, nil, rules.Exclude, ""},
		{"translated", node, nil, rules.Exclude, "seen as 10.0.0.10, should be 10.0.1.5"},
		{"explained wrongly", own, nil, rules.Translate, `the daemon says "translate", should be "exclude"`},
		{"not explained", own, nil, "", `the daemon says "nothing", should be "exclude"`},
		{"no answer", netip.Addr{}, errors.New("no answer"), rules.Exclude, "no answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var row Row
			row.complete(kept, test.seen, test.failure, verdict{Action: test.says})
			if row.Problem != test.problem || row.OK != (test.problem == "") {
				t.Errorf("ok %t, problem %q; want %q", row.OK, row.Problem, test.problem)
			}
		})
	}
}
