package author_test

import (
	"context"
	"testing"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

// demanding is a module whose validate wants the setting.
func demanding(setting string) []byte {
	g := newGuest()
	absent := g.absent("config." + setting)
	g.Func(abi.Validate, wasmtest.Sig(0, 1), absent)
	return g.decide()
}

// A module fits if a daemon would start it, or if the one that it takes the place of does
// not start either.
func TestFits(t *testing.T) {
	misfit, good := wasmtest.New().Bytes(), excludes(false)
	const refused = "module mine.wasm: failed: validate returned 1; accepted: 0"
	for _, c := range []struct {
		name          string
		module, after []byte
		settings      map[string]string
		want          string
	}{
		{"the first", good, nil, nil, ""},
		{"no ABI", misfit, nil, nil, "module mine.wasm: load: exports no function decide; accepted: decide() -> i32"},
		{"no ABI, after such", misfit, misfit, nil, "module mine.wasm: load: exports no function decide; accepted: decide() -> i32"},
		{"the first, before its settings", demanding("a"), nil, nil, ""},
		{"a setting more", demanding("a"), good, nil, refused},
		{"another setting", demanding("a"), demanding("b"), map[string]string{"b": "1"}, refused},
		{"with its settings", demanding("a"), demanding("b"), map[string]string{"a": "1", "b": "1"}, ""},
		{"after one that lacks them too", demanding("a"), demanding("b"), nil, ""},
		{"settings that are none", good, good, map[string]string{"": "a"}, ""},
	} {
		got := ""
		if err := author.Fits(t.Context(), "mine.wasm", c.module, c.after, dropin.Sidecar{Config: c.settings}); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := author.Fits(ctx, "mine.wasm", good, nil, dropin.Sidecar{}); err == nil {
		t.Error("who gave up is told that it fits")
	}
}
