package engine

import (
	"fmt"
	"net/netip"
	"testing"
)

// Decisions are told once for each address, by who has it after the change.
func TestPlanTellsOfAddresses(t *testing.T) {
	pod, other := netip.MustParseAddr("10.0.1.5"), netip.MustParseAddr("10.0.1.6")
	for name, test := range map[string]struct {
		before []Subject
		want   string
	}{
		"nobody before":           {[]Subject{{Name: "node"}}, "[node changed default/web new]"},
		"the same":                {[]Subject{{Name: "node"}, {"default/web", pod}}, "[node changed default/web changed]"},
		"an address handed over":  {[]Subject{{Name: "node"}, {"default/old", pod}}, "[node changed default/web changed]"},
		"another address is gone": {[]Subject{{Name: "node"}, {"default/old", other}}, "[node changed default/old gone default/web new]"},
	} {
		p, err := explainedState(t).PlanFrom(Installed{Subjects: test.before}, false)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, d := range p.Decisions {
			told = append(told, d.Name+" "+d.State)
		}
		if fmt.Sprint(told) != test.want {
			t.Errorf("%s: %v, want %s", name, told, test.want)
		}
	}
}
