package engine

import (
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/link"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk"
)

// shadowed is a daemon's modules with a native policy in shadow mode, which decides
// by a label of the pod.
func shadowed(t *testing.T, decide sdk.Policy) *Modules {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	m := NewModules(t.Context(), nil, log)
	t.Cleanup(m.Close)
	p := policy.Memoize(policy.Native("10-shadow.wasm", decide, policy.Grants{}, log))
	m.loaded["10-shadow.wasm"] = &module{policy: p, shadow: true}
	m.shadow.Replace([]policy.Policy{p})
	m.set.Replace(m.shippedPolicies(false))
	return m
}

// What a module in shadow mode would change is worked out again only when a
// decision has changed, its own or another's.
func TestShadowIsKept(t *testing.T) {
	fails := false
	m := shadowed(t, func(f sdk.Facts, d *sdk.Decision) error {
		if fails {
			return errors.New("broken")
		}
		if app, _ := f.PodLabel("app"); app == "web" {
			d.Exclude(netip.MustParsePrefix("172.31.0.0/16"), "web")
		}
		return nil
	})
	entry := m.loaded["10-shadow.wasm"]
	vpc, label, other := "10.0.0.0/16", "web", "1"
	var mark config.Mark = 0x80
	pass := func() *Shadow {
		t.Helper()
		snapshot, err := facts.New(&facts.Document{
			VPC:        facts.VPC{CIDRs: []netip.Prefix{netip.MustParsePrefix(vpc)}},
			Namespaces: []facts.Namespace{{Name: "default"}},
			Pods: []facts.Pod{{Namespace: "default", Name: "a", IP: netip.MustParseAddr("10.0.1.5"),
				Labels: map[string]string{"app": label, "other": other}}},
		}, facts.Settings{IPFamily: "ipv4", PrimaryAddress: netip.MustParseAddr("10.0.0.10")})
		if err != nil {
			t.Fatal(err)
		}
		in := Inputs{Config: config.Default(), Link: link.Link{Name: "eth0", Addr: netip.MustParseAddr("10.0.0.10")}, Snapshot: snapshot}
		in.Config.SNAT.Mark = mark
		fails = other == "3"
		if _, _, err := evaluate(t.Context(), in, m); err != nil {
			t.Fatal(err)
		}
		return entry.would
	}
	first := pass()
	if first == nil || first.Subjects != 1 || first.Changes[0].Addresses != 1<<16 {
		t.Fatalf("it would change %+v", first)
	}
	for _, step := range []struct {
		name   string
		change func()
		again  bool
		want   int // subjects
	}{
		{"nothing", func() {}, false, 1},
		{"a label that nobody reads", func() { other = "2" }, false, 1},
		{"the module fails", func() { other = "3" }, false, 1}, // with its last good decision
		{"the module decides again", func() { other = "4" }, false, 1},
		{"its own decision", func() { label = "job" }, true, 0},
		{"its own decision, back", func() { label = "web" }, true, 1},
		{"the others' decisions", func() { vpc = "172.16.0.0/12" }, true, 0},
		{"the others' decisions, back", func() { vpc = "10.0.0.0/16" }, true, 1},
		{"the network", func() { mark = 0x100 }, true, 1},
		{"nothing at last", func() {}, false, 1},
	} {
		before := entry.would
		step.change()
		if after := pass(); (after != before) != step.again || after.Subjects != step.want {
			t.Errorf("%s: worked out again is %v, %+v", step.name, after != before, after)
		}
	}
}
