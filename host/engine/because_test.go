package engine

import (
	"net/netip"
	"testing"

	"github.com/snatd/snatd/host/facts"
)

func TestBecause(t *testing.T) {
	pods := func(names ...string) (list []facts.Pod) {
		for i, name := range names {
			list = append(list, facts.Pod{Namespace: "x", Name: name, IP: netip.AddrFrom4([4]byte{10, 0, 1, byte(i + 1)})})
		}
		return list
	}
	result := func(external bool, pods ...facts.Pod) *Result {
		t.Helper()
		document := &facts.Document{VPC: facts.VPC{CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}, Pods: pods}
		s, err := facts.New(document, facts.Settings{IPFamily: "ipv4", PrimaryAddress: netip.MustParseAddr("10.0.0.10"), External: external})
		if err != nil {
			t.Fatal(err)
		}
		return &Result{Snapshot: s}
	}
	loaded := func(taken uint64) []ModuleStatus {
		return []ModuleStatus{{Name: "20-a.wasm", SHA256: "5eed", Loads: Loads{Taken: taken}}, {Name: DefaultModule, SHA256: "5eed", Loads: Loads{Taken: taken}}}
	}
	labelled := pods("a", "b")
	labelled[0].Labels = map[string]string{"app": "web"}
	marked := result(false, pods("a", "b")...)
	marked.Network.Mark = 0x100
	for _, c := range []struct {
		before, after          *Result
		modulesBefore, modules []ModuleStatus
		want                   string
	}{
		{nil, result(false), nil, nil, "start"},
		{result(false, pods("a", "b")...), result(false, pods("a", "b", "c")...), nil, nil, "pod x/c added"},
		{result(false, pods("a", "b")...), result(true, pods("a")...), nil, nil, "snat.external, pod x/b removed"},
		{result(false, pods("a", "b")...), result(false, labelled...), nil, nil, "pod x/a changed"},
		{result(false, pods("a", "b")...), marked, nil, nil, "network"},
		{result(false), result(false, pods("a", "b", "c", "d", "e")...), nil, nil, "pod x/a added, pod x/b added, pod x/c added, 2 more of kind pod"},
		{result(false), result(false), nil, loaded(1), "module 20-a.wasm added"},
		{result(false), result(false), []ModuleStatus{{Name: "20-a.wasm", State: "loading"}}, loaded(1), "module 20-a.wasm added"},
		{result(false), result(false), loaded(1), loaded(2), "module 20-a.wasm changed"},
		{result(false), result(false), loaded(1), loaded(1), "modules decide otherwise"},
	} {
		if got := because(c.before, c.after, c.modulesBefore, c.modules); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
