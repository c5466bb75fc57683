package dropin

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/snatd/snatd/host/policy/wasmtest"
)

const (
	wasm = "\x00asm\x01\x00\x00\x00"
	// SHA-256 of wasm.
	wasmHash = "93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476"
)

func compressed(text string) string { return string(wasmtest.Gzip([]byte(text))) }

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// readAll reads a directory and checks that the modules are these.
func readAll(t *testing.T, dir string, names ...string) []File {
	t.Helper()
	files, err := NewDirectory(dir).Read()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Name)
		if (f.Err != nil) != (f.Identity() == "") || f.Err == nil && f.SHA256 == "" {
			t.Errorf("%s: error %v, but identity %q, hash %q", f.Name, f.Err, f.Identity(), f.SHA256)
		}
		if _, err := f.Open(); !errors.Is(err, f.Err) {
			t.Errorf("%s: error %v, but %v when opened", f.Name, f.Err, err)
		}
	}
	if diff := cmp.Diff(names, got); diff != "" {
		t.Fatalf("modules (-want +got):\n%s", diff)
	}
	return files
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"20-b.wasm":      wasm,
		"10-z-9.wasm.gz": compressed(wasm),
		"15-a.wasm":      wasm,
		"15-a.yaml": "config: {cidrs: 10.0.0.0/8, on: \"true\"}\n" +
			"grants: {translate: true, sources: [10.0.0.11, 10.0.0.12]}\nsha256: " + wasmHash + "\nmode: shadow\n",
		"30-without.yaml": "nonsense",
		"README.md":       "text",
		".10-x.wasm":      "being copied",
	})
	files := readAll(t, dir, "10-z-9.wasm.gz", "15-a.wasm", "20-b.wasm")
	for _, f := range files {
		if got, err := f.Open(); f.Err != nil || err != nil || string(got) != wasm || f.SHA256 != wasmHash {
			t.Errorf("%s: %q, %s, %v, %v", f.Name, got, f.SHA256, f.Err, err)
		}
	}
	want := []Sidecar{{}, {
		Config: map[string]string{"cidrs": "10.0.0.0/8", "on": "true"},
		Grants: Grants{Translate: true, Sources: []netip.Addr{netip.MustParseAddr("10.0.0.11"), netip.MustParseAddr("10.0.0.12")}},
		SHA256: []string{wasmHash},
		Shadow: true,
	}, {}}
	for i, f := range files {
		if diff := cmp.Diff(want[i], f.Sidecar, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s: sidecar (-want +got):\n%s", f.Name, diff)
		}
	}
}

func TestReadNothing(t *testing.T) {
	dir := t.TempDir()
	readAll(t, dir)
	readAll(t, filepath.Join(dir, "missing"))
	file := filepath.Join(dir, "file")
	write(t, dir, map[string]string{"file": ""})
	if _, err := NewDirectory(file).Read(); err == nil {
		t.Error("a file was read as a directory")
	}
}

func TestErrors(t *testing.T) {
	const name = "the file name gives no precedence; accepted: NN-name.wasm or NN-name.wasm.gz, " +
		"two digits, then lower-case letters, digits and dashes"
	zeros := strings.Repeat("0", 64)
	tests := []struct {
		name  string
		files map[string]string
		bad   string // the module with the error
		want  string // DIR is the directory
	}{
		{"no number", map[string]string{"peering.wasm": wasm}, "peering.wasm", name},
		{"one digit", map[string]string{"1-peering.wasm": wasm}, "1-peering.wasm", name},
		{"three digits", map[string]string{"100-peering.wasm": wasm}, "100-peering.wasm", name},
		{"upper case", map[string]string{"10-Peering.wasm": wasm}, "10-Peering.wasm", name},
		{"underscore", map[string]string{"10-a_b.wasm.gz": wasm}, "10-a_b.wasm.gz", name},
		{"no name", map[string]string{"10-.wasm": wasm}, "10-.wasm", name},
		{"twice", map[string]string{"10-a.wasm": wasm, "10-a.wasm.gz": compressed(wasm)}, "10-a.wasm.gz",
			"10-a.wasm is the same module; accepted: one of the two files"},
		{"not gzip", map[string]string{"10-a.wasm.gz": wasm}, "10-a.wasm.gz", "decompress: unexpected EOF"},
		{"not gzip, longer", map[string]string{"10-a.wasm.gz": wasm + wasm}, "10-a.wasm.gz", "decompress: gzip: invalid header"},
		{"truncated", map[string]string{"10-a.wasm.gz": compressed(wasm)[:20]}, "10-a.wasm.gz", "decompress: unexpected EOF"},
		{"large", map[string]string{"10-a.wasm": strings.Repeat("x", MaxSize+1)}, "10-a.wasm",
			"read DIR/10-a.wasm: the file is too large: at most 33554432 bytes are accepted"},
		{"large when decompressed", map[string]string{"10-a.wasm.gz": compressed(strings.Repeat("x", MaxSize+1))}, "10-a.wasm.gz",
			"decompress: larger than 32 MiB; accepted: at most that"},
		{"other hash", map[string]string{"10-a.wasm": wasm, "10-a.yaml": "sha256: \"" + zeros + "\""}, "10-a.wasm",
			"DIR/10-a.yaml: sha256: " + zeros + " is wanted, the module has " + wasmHash},
		{"an empty hash", map[string]string{"10-a.wasm": wasm, "10-a.yaml": "sha256:\n"}, "10-a.wasm",
			"DIR/10-a.yaml:1:1: sha256: no value, accepted: 64 lower-case hexadecimal digits, or no such key"},
		{"an empty key", map[string]string{"10-a.wasm": wasm, "10-a.yaml": "publicKey:\n"}, "10-a.wasm",
			"DIR/10-a.yaml:1:1: publicKey: no value, accepted: a public key in PEM, or no such key"},
		{"no hash", map[string]string{"10-a.wasm": wasm, "10-a.yaml": "sha256: abc"}, "10-a.wasm",
			`DIR/10-a.yaml:1:9: sha256: "abc" is not a SHA-256; accepted: 64 lower-case hexadecimal digits, or several of these with spaces between`},
		{"sources", map[string]string{"10-a.wasm": wasm, "10-a.yaml": "grants: {sources: [10.0.0.11, 127.0.0.1]}"}, "10-a.wasm",
			`DIR/10-a.yaml:1:31: grants.sources[1]: "127.0.0.1" cannot be a source, accepted: a unicast IPv4 address of the node, such as 10.0.0.11`},
		{"source", map[string]string{"10-a.wasm": wasm, "10-a.yaml": "grants: {sources: [10.0.0]}"}, "10-a.wasm",
			`DIR/10-a.yaml:1:20: grants.sources[0]: "10.0.0" is not an address, accepted: an IP address, such as 10.0.0.10`},
		{"mode", map[string]string{"10-a.wasm": wasm, "10-a.yaml": "mode: off"}, "10-a.wasm",
			`DIR/10-a.yaml:1:7: mode: "off" is unknown, accepted: enforce, shadow`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tt.files)
			write(t, dir, map[string]string{"99-good.wasm": wasm})
			files, err := NewDirectory(dir).Read()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, f := range files {
				if f.Err != nil {
					got[f.Name] = strings.ReplaceAll(f.Err.Error(), dir, "DIR")
				}
			}
			if diff := cmp.Diff(map[string]string{tt.bad: tt.want}, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStrictSidecars: the wording is the decoder's; file, line and key must be
// there.
func TestStrictSidecars(t *testing.T) {
	tests := []struct{ name, text, place, key string }{
		{"unknown key", "config: {}\ngrant: {}\n", ":2:", "grant"},
		{"unknown grant", "grants:\n  translates: true\n", ":2:", "translates"},
		{"config that is no text", "config:\n  a: [1]\n", ":2:", "config.a"},
		{"not YAML", "config: {\n", ":", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"10-a.wasm": wasm, "10-a.yaml": tt.text})
			err := readAll(t, dir, "10-a.wasm")[0].Err
			if err == nil {
				t.Fatal("no error")
			}
			rest, ok := strings.CutPrefix(err.Error(), filepath.Join(dir, "10-a.yaml")+tt.place)
			if !ok || !strings.Contains(rest, tt.key) {
				t.Errorf("got %v, want the file, then %s, then %s", err, tt.place, tt.key)
			}
		})
	}
}

func TestHashOfCompressedFile(t *testing.T) {
	dir := t.TempDir()
	gz := compressed(wasm)
	for _, hash := range []string{wasmHash, digest([]byte(gz))} {
		write(t, dir, map[string]string{"10-a.wasm.gz": gz, "10-a.yaml": "sha256: \"" + hash + "\""})
		if f := readAll(t, dir, "10-a.wasm.gz")[0]; f.Err != nil {
			t.Error(f.Err)
		}
	}
}

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]string{}
	for _, tt := range []struct {
		what  string
		files map[string]string
	}{
		{"module", map[string]string{"10-a.wasm": wasm}},
		{"another module", map[string]string{"10-a.wasm": wasm + "\x00"}},
		{"sidecar", map[string]string{"10-a.yaml": "config: {a: b}"}},
		{"another sidecar", map[string]string{"10-a.yaml": "config: {a: c}"}},
	} {
		write(t, dir, tt.files)
		identity := readAll(t, dir, "10-a.wasm")[0].Identity()
		if again := readAll(t, dir, "10-a.wasm")[0].Identity(); again != identity {
			t.Errorf("%s: read twice, the identity is %s and %s", tt.what, identity, again)
		}
		if seen[identity] != "" {
			t.Errorf("%s has the identity of %s", tt.what, seen[identity])
		}
		seen[identity] = tt.what
	}
}

// TestConfigMap: a mounted ConfigMap is links into a directory that a link
// names, and changes by a swap of that link.
func TestConfigMap(t *testing.T) {
	dir := t.TempDir()
	mount := func(version, config string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, version), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, version), map[string]string{"10-a.wasm": wasm, "10-a.yaml": "config: {a: " + config + "}"})
		next := filepath.Join(dir, "..data_tmp")
		if err := os.Symlink(version, next); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	mount("..2026_01", "one")
	for _, name := range []string{"10-a.wasm", "10-a.yaml"} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	first := readAll(t, dir, "10-a.wasm")[0]
	mount("..2026_02", "two")
	second := readAll(t, dir, "10-a.wasm")[0]
	if first.Err != nil || second.Err != nil || first.Sidecar.Config["a"] != "one" || second.Sidecar.Config["a"] != "two" {
		t.Errorf("read %+v, then %+v", first, second)
	}
	if first.Identity() == second.Identity() {
		t.Error("the swap changed nothing")
	}
}

// TestBrokenLink: a link to nothing is that module's error.
func TestBrokenLink(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dir, "10-a.wasm")); err != nil {
		t.Fatal(err)
	}
	if f := readAll(t, dir, "10-a.wasm")[0]; f.Err == nil {
		t.Error("no error")
	}
}
