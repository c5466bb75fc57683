package policy

import (
	"log/slog"
	"testing"

	"github.com/snatd/snatd/sdk"
)

func TestWork(t *testing.T) {
	facts := sdk.Map{"subject.kind": "pod", "cluster.ip_family": "ipv4", "snat.external": "false", "pod.host_network": "false", "vpc.cidrs": "10.0.0.0/16\x00"}
	other := sdk.Map{"subject.kind": "pod", "cluster.ip_family": "ipv4", "snat.external": "true", "pod.host_network": "false", "vpc.cidrs": "10.0.0.0/16\x00"}
	run := func(p Policy, all ...sdk.Map) Work {
		t.Helper()
		set := NewSet([]Policy{p})
		for _, one := range all {
			_, _ = set.Decide(t.Context(), "a", one)
		}
		return WorkOf(p)
	}
	byZones := Memoize(Native("test", byZone, Grants{}, nil))
	if got, want := run(byZones, sdk.Map{"node.zone": "a"}, sdk.Map{}, sdk.Map{"node.zone": "a"}, sdk.Map{}), (Work{3, 1, 0}); got != want {
		t.Errorf("a native policy that fails without facts: %+v, want %+v", got, want)
	}
	m := load(t, testEngine(t, Options{CacheDir: sharedCache(t)}), defaultWasm(t), translates)
	started := WorkOf(m).GuestCalls
	if started == 0 {
		t.Error("loading calls nothing")
	}
	// The first evaluation starts an instance, which is restored for the second.
	behind := WithFallback(m, Native("test", byZone, Grants{}, nil), slog.New(slog.DiscardHandler))
	if got, want := run(Memoize(behind), facts, other, facts, other), (Work{2, 2, started + 3}); got != want {
		t.Errorf("a module with a fallback: %+v, want %+v", got, want)
	}
	if got, want := (Work{1, 2, 3}).Plus(Work{10, 20, 30}), (Work{11, 22, 33}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
