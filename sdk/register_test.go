package sdk

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/sdk/abi"
)

// recorder is a host that writes down the calls.
type recorder struct {
	Map
	calls []string
}

func (r *recorder) exclude(prefix, why string) {
	r.calls = append(r.calls, "exclude "+prefix+" "+why)
}
func (r *recorder) translate(prefix, source, why string) {
	r.calls = append(r.calls, "translate "+prefix+" ["+source+"] "+why)
}
func (r *recorder) log(_ Level, text string) { r.calls = append(r.calls, "log "+text) }
func (r *recorder) fail(message string)      { r.calls = append(r.calls, "fail "+message) }

func TestDecideExport(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy Policy
		status int32
		calls  []string
	}{
		{"nothing registered", nil, failed,
			[]string{"fail the module has no policy: call sdk.Register from an init function of package main"}},
		{"no opinion", func(Facts, *Decision) error { return nil }, abi.NoOpinion, nil},
		{"decided", func(f Facts, d *Decision) error {
			d.Log(LevelInfo, "first")
			d.Exclude(netip.MustParsePrefix("10.0.0.0/8"), "inside")
			d.Translate(Everywhere, "outside")
			d.TranslateTo(netip.MustParsePrefix("192.0.2.0/24"), netip.MustParseAddr("10.0.0.99"), "partner")
			return nil
		}, abi.Decided, []string{
			"log first", "exclude 10.0.0.0/8 inside", "translate 0.0.0.0/0 [] outside", "translate 192.0.2.0/24 [10.0.0.99] partner",
		}},
		{"error", func(_ Facts, d *Decision) error {
			d.Log(LevelInfo, "first")
			d.Exclude(Everywhere, "not sent")
			return errors.New("no zone")
		}, failed, []string{"log first", "fail no zone"}},
		{"long error", func(Facts, *Decision) error { return errors.New(strings.Repeat("x", abi.MaxMessage+1)) },
			failed, []string{"fail " + strings.Repeat("x", abi.MaxMessage)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, h := module{policy: test.policy}, &recorder{}
			if got := m.decide(h); got != test.status {
				t.Errorf("status: got %d, want %d", got, test.status)
			}
			if !slices.Equal(h.calls, test.calls) {
				t.Errorf("calls: got %q\nwant %q", h.calls, test.calls)
			}
		})
	}
}

func TestValidateExport(t *testing.T) {
	cidrs := Validate(func(facts Facts) error {
		if _, ok := facts.Config("cidrs"); !ok {
			return errors.New("config cidrs: missing")
		}
		return nil
	})
	for _, test := range []struct {
		name   string
		option Option
		facts  Map
		status int32
		calls  []string
	}{
		{"nothing registered", func(m *module) { m.policy = nil }, nil, failed,
			[]string{"fail the module has no policy: call sdk.Register from an init function of package main"}},
		{"no check", func(*module) {}, nil, 0, nil},
		{"good", cidrs, Map{"config.cidrs": "10.0.0.0/8"}, 0, nil},
		{"bad", cidrs, Map{}, failed, []string{"fail config cidrs: missing"}},
		{"panic", Validate(func(Facts) error { panic(7) }), nil, failed, []string{"fail panic: 7"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := module{policy: func(Facts, *Decision) error { return nil }}
			test.option(&m)
			h := &recorder{Map: test.facts}
			if got := m.validate(h); got != test.status {
				t.Errorf("status: got %d, want %d", got, test.status)
			}
			if !slices.Equal(h.calls, test.calls) {
				t.Errorf("calls: got %q\nwant %q", h.calls, test.calls)
			}
		})
	}
}

func TestRegister(t *testing.T) {
	t.Cleanup(func() { registered = module{} })
	policy := func(Facts, *Decision) error { return nil }
	mustPanic(t, "sdk.Register: the policy is nil", func() { Register(nil) })
	Register(policy, Validate(func(Facts) error { return nil }))
	if registered.policy == nil || registered.check == nil {
		t.Error("the policy or its check is not registered")
	}
	mustPanic(t, "sdk.Register: called twice, a module has one policy", func() { Register(policy) })
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != want {
			t.Errorf("panic: got %v, want %s", got, want)
		}
	}()
	f()
}
