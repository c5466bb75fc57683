package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/snatd/snatd/sdk"
)

// A policy that tells pods apart may not hold more than its room; what subjects
// share counts once, and there is room again when subjects are gone.
func TestRoom(t *testing.T) {
	const each, fit = 10_000, maxEntries / 10_000
	own := Native("own", func(facts sdk.Facts, d *sdk.Decision) error {
		name, _ := facts.PodName()
		for i := range each {
			d.Exclude(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32), name)
		}
		return nil
	}, Grants{}, nil)
	s := NewSet([]Policy{Memoize(own)})
	decide := func(name string) error {
		_, errs := s.Decide(t.Context(), name, sdk.Map{"pod.name": name})
		return errors.Join(errs...)
	}
	var names []string
	for i := range fit {
		names = append(names, fmt.Sprint("pod-", i))
		if err := decide(names[i]); err != nil {
			t.Fatal(err)
		}
	}
	const want = "policy own: limit: more than 200000 prefixes in the different decisions for all subjects together"
	if err := decide("one-more"); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := decide(names[0]); err != nil {
		t.Errorf("one that has room: %v", err)
	}
	s.Retain(names[1:])
	for _, name := range append(names[1:], "one-more") {
		if err := decide(name); err != nil {
			t.Errorf("after another is gone: %v", err)
		}
	}
}

// What is forgotten does not stand in for what fails.
func TestForget(t *testing.T) {
	fail := false
	s := NewSet([]Policy{Native("test", func(_ sdk.Facts, d *sdk.Decision) error {
		if fail {
			return errors.New("no more")
		}
		exclude(d, "10.0.0.0/8")
		return nil
	}, Grants{}, nil)})
	for _, step := range []struct {
		change func()
		want   int
	}{
		{func() {}, 1}, {func() { fail = true }, 1}, {func() { s.Forget("test") }, 0},
	} {
		step.change()
		if evaluations, _ := s.Decide(t.Context(), "pod", sdk.Map{}); len(evaluations) != step.want {
			t.Errorf("%d evaluations, want %d", len(evaluations), step.want)
		}
	}
}
