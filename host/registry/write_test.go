package registry

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/file"
)

// put makes the directory to hold these files and no others.
func (b *bench) put(files map[string]string) {
	b.t.Helper()
	if err := errors.Join(os.RemoveAll(b.path("to")), os.Mkdir(b.path("to"), 0o755)); err != nil {
		b.t.Fatal(err)
	}
	for name, text := range files {
		b.write("to/"+name, text)
	}
}

// directory are the files of the directory to by their names.
func (b *bench) directory() map[string]string {
	b.t.Helper()
	entries, err := os.ReadDir(b.path("to"))
	if err != nil {
		b.t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		files[entry.Name()] = b.read("to/" + entry.Name())
	}
	return files
}

// A pull may be killed after each of its writes: a daemon that starts then finds a module
// that it loads, the one before or the new one, pinned, and the next pull ends as this
// one would have.
func TestKilledPull(t *testing.T) {
	b := newBench(t, true)
	b.key("mine")
	const older, newer = wasm + "\x00\x01\x00", wasm + "\x00\x01\x01"
	pull := func(tag, key string) map[string]string {
		t.Helper()
		if _, err := b.pull(b.reference("a:"+tag), "10-a", key); err != nil {
			t.Fatal(err)
		}
		return b.directory()
	}
	for tag, module := range map[string]string{"0": wasm, "1": older, "2": newer} {
		b.write("10-a.wasm", module)
		b.push("10-a.wasm", "a:"+tag, "mine.key")
		b.push("10-a.wasm", "unsigned:"+tag, "")
	}
	plain, signed := pull("1", ""), pull("1", "mine.pub")
	unpinned := "# mine\n" + strings.Join(strings.SplitAfter(signed["10-a.yaml"], "\n")[1:], "")
	settings := "config: {a: b} # of mine\n"
	for _, c := range []struct {
		name, repository, key string
		before                map[string]string
	}{
		{"nothing", "a", "mine.pub", nil},
		{"a sidecar that waits", "a", "", map[string]string{"10-a.yaml": settings}},
		{"a sidecar with another pin", "a", "mine.pub", map[string]string{"10-a.yaml": "sha256: " + sum([]byte(wasm)) + "\n"}},
		{"no sidecar", "a", "", map[string]string{"10-a.wasm": older}},
		{"no sidecar, with a key", "a", "mine.pub", map[string]string{"10-a.wasm": older}},
		{"no pin", "unsigned", "", map[string]string{"10-a.wasm": older, "10-a.yaml": settings}},
		{"signatures that nobody wants", "unsigned", "", plain},
		{"pulled", "a", "", plain},
		{"pulled, and a key for the first time", "a", "mine.pub", plain},
		{"pulled and signed", "a", "", signed},
		{"signed without a pin", "a", "mine.pub", map[string]string{"10-a.wasm": older, "10-a.sig": signed["10-a.sig"], "10-a.yaml": unpinned}},
	} {
		b.put(c.before)
		worked := len(c.before) > 0 && c.before["10-a.wasm"] != ""
		p := Pull{Reference: b.reference(c.repository + ":2"), Directory: b.path("to"), Name: "10-a", PlainHTTP: true, Check: b.check}
		if c.key != "" {
			p.Key = b.path(c.key)
		}
		from, err := connect(p.Reference, true)
		if err != nil {
			t.Fatal(err)
		}
		_, steps, err := p.prepare(t.Context(), from)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if _, err := p.Do(t.Context()); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		after := b.files()
		if m := b.module(); m.Err != nil || m.SHA256 != sum([]byte(newer)) || !slices.Equal(m.Sidecar.SHA256, []string{m.SHA256}) {
			t.Errorf("%s: pulled %+v", c.name, m)
		}
		for n := range len(steps) + 1 {
			b.put(c.before)
			for _, step := range steps[:n] {
				if err := step.do(); err != nil {
					t.Fatal(err)
				}
			}
			modules, err := dropin.NewDirectory(b.path("to")).Read()
			if err != nil || len(modules) > 1 || worked && len(modules) == 0 {
				t.Fatalf("%s, killed after %d writes: %v, %v", c.name, n, modules, err)
			}
			for _, m := range modules {
				switch {
				case m.Err != nil:
					t.Errorf("%s, killed after %d writes: %v", c.name, n, m.Err)
				case m.SHA256 != sum([]byte(older)) && m.SHA256 != sum([]byte(newer)):
					t.Errorf("%s, killed after %d writes: it is %s", c.name, n, m.SHA256)
				case m.SHA256 == sum([]byte(newer)) && !slices.Contains(m.Sidecar.SHA256, m.SHA256):
					t.Errorf("%s, killed after %d writes: the new module has no pin, but %q", c.name, n, m.Sidecar.SHA256)
				}
			}
			if _, err := p.Do(t.Context()); err != nil || b.files() != after {
				t.Errorf("%s, killed after %d writes, and pulled again: %v\n%s\nwant\n%s", c.name, n, err, b.files(), after)
			}
		}
	}
}

// What a daemon would not take is not written, and is held against what is there.
func TestRefused(t *testing.T) {
	b := newBench(t, true)
	b.push("10-a.wasm", "a:1", "")
	b.refused = errors.New("module 10-a.wasm: exports no memory")
	b.fails("a bad module", b.reference("a:1"), "", "", "oci://HOST/a@DIGEST: module 10-a.wasm: exports no memory; nothing was written")
	b.put(map[string]string{"10-a.wasm": "before", "10-a.yaml": "config: {a: b}\n"})
	p := Pull{Reference: b.reference("a:1"), Directory: b.path("to"), Name: "10-a", PlainHTTP: true,
		Check: func(_ context.Context, name string, module, before []byte, sidecar dropin.Sidecar) error {
			if name != "10-a.wasm" || string(module) != wasm || string(before) != "before" || sidecar.Config["a"] != "b" {
				t.Errorf("%s, %q in place of %q, with %v", name, module, before, sidecar)
			}
			return nil
		}}
	if _, err := p.Do(t.Context()); err != nil {
		t.Error(err)
	}
}

// One pull at a time writes into a directory.
func TestLocked(t *testing.T) {
	b := newBench(t, true)
	b.push("10-a.wasm", "a:1", "")
	release, err := file.Lock(t.Context(), b.path("to"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	waits := 0
	p := Pull{Reference: b.reference("a:1"), Directory: b.path("to"), PlainHTTP: true, Check: b.check, Waiting: func() { waits++ }}
	if _, err := p.Do(ctx); err == nil || waits != 1 || b.plain(err) != "lock DIR/to: another process changes it: context canceled" {
		t.Error(err)
	}
	release()
	if _, err := p.Do(t.Context()); err != nil {
		t.Error(err)
	}
}

// What a pull that was killed while it wrote has left does not stay, and a link does: what
// it leads to is somebody's.
func TestLeftOver(t *testing.T) {
	b := newBench(t, true)
	pushed := b.push("10-a.wasm", "a:1", "")
	b.put(map[string]string{".10-a.wasm.17": "half", ".10-a.yaml.4": "half", ".10-a.sig.4": "half", ".20-b.wasm.5": "another's"})
	if _, err := b.pull(pushed.Reference, "", ""); err != nil {
		t.Fatal(err)
	}
	if files := b.directory(); len(files) != 3 || files[".20-b.wasm.5"] == "" {
		t.Errorf("%q", files)
	}
	for _, ending := range []string{"wasm", "yaml", "sig"} {
		b.put(nil)
		b.write("elsewhere", "")
		if err := os.Symlink(b.path("elsewhere"), b.path("to/10-a."+ending)); err != nil {
			t.Fatal(err)
		}
		b.fails(ending, pushed.Reference, "10-a", "", "DIR/to/10-a."+ending+": a symbolic link, in whose place a file would come; accepted: a file, or the directory that it leads to")
		if info, err := os.Lstat(b.path("to/10-a." + ending)); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("the link is gone: %v, %v", info, err)
		}
	}
}
