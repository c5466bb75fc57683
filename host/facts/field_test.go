package facts_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/facts"
)

// What a service says of a pod is held against the same as what a file says.
func TestPodCheck(t *testing.T) {
	pod := func(change func(*facts.Pod)) error {
		p := facts.Pod{Namespace: "a", Name: "b", IP: netip.MustParseAddr("10.0.1.5"), Phase: "Running"}
		change(&p)
		return p.Check("ipv4")
	}
	if err := pod(func(*facts.Pod) {}); err != nil {
		t.Error(err)
	}
	for _, test := range []struct {
		change func(*facts.Pod)
		want   string
	}{
		{func(p *facts.Pod) { p.Name = "B" }, `name: "B" is not a name, accepted: at most 253 of a-z, 0-9, - and ., such as web-1`},
		{func(p *facts.Pod) { p.Phase = "Succeeded" }, `phase: "Succeeded", accepted: Pending, Running, Unknown; a pod that has ended is none`},
		{func(p *facts.Pod) { p.IP = netip.MustParseAddr("0.0.0.0") }, "ip: 0.0.0.0 of a/b cannot be a pod's address, accepted: a unicast address, such as 10.0.1.5"},
		{func(p *facts.Pod) { p.Annotations = labels("large", strings.Repeat("x", 1<<20)) }, "annotations: 1048581 bytes, accepted: at most 262144 together"},
		{func(p *facts.Pod) { p.Labels = labels("large", strings.Repeat("x", 1<<18)) }, "labels: 262149 bytes, accepted: at most 262144 together"},
	} {
		if err := pod(test.change); err == nil || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}
