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

// large is a module with this many pages of memory.
func large(pages uint32) []byte {
	g := newGuest()
	g.Pages = pages
	return g.decide()
}

// A module fits if a daemon would take it, or if it fails at nothing that the one does not
// fail at that it takes the place of.
func TestFits(t *testing.T) {
	misfit, good := wasmtest.New().Bytes(), excludes(false)
	const (
		refused = "module mine.wasm: failed: validate returned 1; accepted: 0, where the module before it does not fail"
		pages   = "module mine.wasm: load: needs 1024 pages of memory; accepted: at most 256, of 64 KiB each"
	)
	granted := dropin.Sidecar{Grants: dropin.Grants{Translate: true}}
	for _, c := range []struct {
		name          string
		module, after []byte
		sidecar       dropin.Sidecar
		want          string
	}{
		{"the first", good, nil, settings(), ""},
		{"no ABI", misfit, nil, settings(), "module mine.wasm: load: exports no function decide; accepted: decide() -> i32"},
		{"no ABI, after such", misfit, misfit, settings(), "module mine.wasm: load: exports no function decide; accepted: decide() -> i32"},
		{"the first, before its settings", demanding("a"), nil, settings(), ""},
		{"a setting more", demanding("a"), good, settings(), refused},
		{"another setting", demanding("a"), demanding("b"), settings("b"), refused},
		{"with its settings", demanding("a"), demanding("b"), settings("a", "b"), ""},
		{"after one that lacks them too", demanding("a"), demanding("b"), settings(), ""},
		{"settings that are none", good, good, settings(""), ""},
		{"much memory", large(256), good, settings(), ""},
		{"too much memory", large(1024), good, settings(), pages},
		{"too much memory, the first", large(1024), nil, settings(), pages},
		{"fails for one", excludes(true), good, settings(),
			"module mine.wasm: trap: unreachable in $3, for node of the example facts, where the module before it does not fail"},
		{"fails for one, the first", excludes(true), nil, settings(), ""},
		{"fails where the other does", excludes(true), excludes(true), settings(), ""},
		{"fails where the other does not start", excludes(true), demanding("a"), settings(), ""},
		{"no grant", translates(""), good, settings(),
			"module mine.wasm: grant: translate \"0.0.0.0/0\": the grant translate is missing, only exclude is allowed, for node of the example facts, where the module before it does not fail"},
		{"with its grant", translates(""), good, granted, ""},
		{"no grant for the other either", translates(""), translates(""), settings(), ""},
	} {
		got := ""
		if err := (author.Update{Name: "mine.wasm", Module: c.module, Before: c.after, Sidecar: c.sidecar, Memory: 16}).Fits(t.Context()); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (author.Update{Name: "mine.wasm", Module: good, Memory: 16}).Fits(ctx); err == nil {
		t.Error("who gave up is told that it fits")
	}
}

// settings is a sidecar with these.
func settings(keys ...string) dropin.Sidecar {
	sidecar := dropin.Sidecar{Config: map[string]string{}}
	for _, key := range keys {
		sidecar.Config[key] = "1"
	}
	return sidecar
}
