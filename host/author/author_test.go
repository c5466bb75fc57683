package author_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

// guest is a module under construction that imports what decides.
type guest struct {
	*wasmtest.Module
	fact, exclude, translate []byte
}

func newGuest() guest {
	m := wasmtest.New()
	return guest{
		m,
		wasmtest.Call(m.Import(abi.Module, abi.Fact, wasmtest.Sig(4, 1))),
		wasmtest.Call(m.Import(abi.Module, abi.Exclude, wasmtest.Sig(4, 0))),
		wasmtest.Call(m.Import(abi.Module, abi.Translate, wasmtest.Sig(6, 0))),
	}
}

// decide completes the module with a decide that runs code and has decided.
func (g guest) decide(code ...[]byte) []byte {
	g.Func(abi.Decide, wasmtest.Sig(0, 1), append(code, wasmtest.Const(0))...)
	return g.Bytes()
}

// absent pushes 1 if there is no such fact, else 0.
func (g guest) absent(key string) []byte {
	var code []byte
	for _, part := range [][]byte{g.Text(key), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Const(1), wasmtest.Add, wasmtest.Equals0} {
		code = append(code, part...)
	}
	return code
}

// excludes is a module that keeps the addresses of pods towards one network, and
// fails for the node if that is wanted.
func excludes(failsForNode bool) []byte {
	g := newGuest()
	absent := g.absent("pod.namespace")
	atNode := wasmtest.Drop
	if failsForNode {
		atNode = wasmtest.If(wasmtest.Unreachable)
	}
	return g.decide(absent, atNode, g.Text("172.31.0.0/16"), g.Text("peered vpc"), g.exclude)
}

// translates is a module that translates to a source, empty for the primary one.
func translates(source string) []byte {
	g := newGuest()
	return g.decide(g.Text("0.0.0.0/0"), g.Text(source), g.Text("outside"), g.translate)
}

// options are those of a module with a sidecar, which has none if it is empty.
func options(t *testing.T, wasm []byte, sidecar string) author.Options {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "mine.wasm"), string(wasm))
	if sidecar != "" {
		write(t, filepath.Join(dir, "mine.yaml"), sidecar)
	}
	return author.Options{
		Module:         filepath.Join(dir, "mine.wasm"),
		PrimaryAddress: author.DefaultPrimaryAddress,
		Deadline:       time.Minute, // the machine may be busy
		Memory:         16,
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whatever is wrong with the files is one error, of every command.
func TestFileErrors(t *testing.T) {
	good := excludes(false)
	tests := []struct {
		name    string
		sidecar string
		change  func(o *author.Options, dir string)
		want    string // DIR is the directory
	}{
		{"no module", "", func(o *author.Options, dir string) { o.Module = filepath.Join(dir, "other.wasm") },
			"open DIR/other.wasm: no such file or directory"},
		{"directory", "", func(o *author.Options, dir string) {
			o.Module = filepath.Join(dir, "d.wasm")
			if err := os.Mkdir(o.Module, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "read DIR/d.wasm: not a regular file"},
		{"other format", "", func(o *author.Options, dir string) { o.Module = filepath.Join(dir, "mine.wat") },
			"DIR/mine.wat: the file name gives no format; accepted: FILE.wasm or FILE.wasm.gz"},
		{"not gzip", "", func(o *author.Options, dir string) {
			o.Module = filepath.Join(dir, "mine.wasm.gz")
			write(t, o.Module, string(good))
		}, "DIR/mine.wasm.gz: decompress: gzip: invalid header"},
		{"bad sidecar", "config: {}\ngrant: {}\n", nil,
			"DIR/mine.yaml:2:1: grant: unknown key, accepted: config, grants, sha256, publicKey, mode"},
		{"no sidecar", "", func(o *author.Options, dir string) { o.Sidecar = filepath.Join(dir, "none.yaml") },
			"open DIR/none.yaml: no such file or directory"},
		{"other hash", "sha256: 0000000000000000000000000000000000000000000000000000000000000000\n", nil,
			"DIR/mine.yaml: sha256: 0000000000000000000000000000000000000000000000000000000000000000 is wanted, the module has " + digest(good)},
		{"no facts", "", func(o *author.Options, dir string) { o.Facts = filepath.Join(dir, "none.yaml") },
			"open DIR/none.yaml: no such file or directory"},
		{"bad facts", "", func(o *author.Options, dir string) {
			o.Facts = filepath.Join(dir, "facts.yaml")
			write(t, o.Facts, "vpc: {cidrs: [10.0.0.0/16]}\npods:\n- {namespace: default, name: a, ip: 10.0.0.10}\n")
		}, "DIR/facts.yaml:3:37: pods[0].ip: 10.0.0.10 of default/a is the node's primary address, accepted: the pod's own address, or hostNetwork: true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t, good, tt.sidecar)
			dir := filepath.Dir(o.Module)
			if tt.change != nil {
				tt.change(&o, dir)
			}
			_, check := author.Check(t.Context(), o)
			_, run := author.Run(t.Context(), o, "")
			_, bench := author.Bench(t.Context(), o, 1)
			for _, err := range []error{check, run, bench} {
				wantError(t, err, dir, tt.want)
			}
		})
	}
}

func wantError(t *testing.T, err error, dir, want string) {
	t.Helper()
	if got := strings.ReplaceAll(fmt.Sprint(err), dir, "DIR"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func digest(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

// A caller who gives up gets no report.
func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := options(t, excludes(false), "")
	if report, err := author.Check(ctx, o); err == nil {
		t.Errorf("check: %+v", report)
	}
	if report, err := author.Run(ctx, o, ""); err == nil {
		t.Errorf("run: %+v", report)
	}
	if report, err := author.Bench(ctx, o, 1); err == nil {
		t.Errorf("bench: %+v", report)
	}
}
