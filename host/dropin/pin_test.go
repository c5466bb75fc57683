package dropin

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/signature"
)

// publicKeyOf is the key in a sidecar.
func publicKeyOf(t *testing.T, text string) signature.PublicKey {
	t.Helper()
	s, err := parseSidecar("", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.PublicKey
}

func TestPin(t *testing.T) {
	const hash = "sha256: " + wasmHash + " # oci://r/a@sha256:1\n"
	const stale = "sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa # of last week\n"
	key := publicKeyOf(t, signer)
	for _, c := range []struct {
		name, text string
		key        signature.PublicKey
		want       string // or the error, without the path
	}{
		{"none", "", signature.PublicKey{}, hash},
		{"comments stay", "# why\nconfig: {a: b} # here\n", signature.PublicKey{}, "# why\nconfig: {a: b} # here\n" + hash},
		{"no end of line", "mode: shadow", signature.PublicKey{}, "mode: shadow\n" + hash},
		{"another version", "config:\n  a: b\n" + stale + "mode: shadow\n", signature.PublicKey{}, "config:\n  a: b\n" + strings.TrimSpace(hash) + " of last week\nmode: shadow\n"},
		{"the same version", "sha256: \"" + wasmHash + "\"  # mine\n", signature.PublicKey{}, "sha256: \"" + wasmHash + "\" # oci://r/a@sha256:1 mine\n"},
		{"another one, pulled", strings.Replace(stale, "# of", "# oci://elsewhere/a@sha256:2 of", 1), signature.PublicKey{}, strings.TrimSpace(hash) + " of last week\n"},
		{"the same, from elsewhere", strings.Replace(hash, "//r/a", "//elsewhere/a", 1), signature.PublicKey{}, hash},
		{"pulled before, and again", hash, signature.PublicKey{}, hash},
		{"lines that end as on Windows", "mode: shadow\r\n" + strings.Replace(stale, "\n", "\r\n", 1), signature.PublicKey{}, "mode: shadow\r\n" + strings.TrimSpace(hash) + " of last week\n"},
		{"two versions", "sha256: " + wasmHash + " " + strings.Repeat("a", 64) + "\n", signature.PublicKey{}, hash},
		{"in braces, right already", "{sha256: " + wasmHash + "}\n", signature.PublicKey{}, "{sha256: " + wasmHash + "}\n"},
		{"a text that looks like it", "config:\n  a: |\n    sha256: b\n", signature.PublicKey{}, "config:\n  a: |\n    sha256: b\n" + hash},
		{"behind a text", signer, signature.PublicKey{}, signer + hash},
		{"with a key", stale, key, strings.TrimSpace(hash) + " of last week\n" + signer},
		{"with the key that is there", signer, key, signer + hash},
		{"with another key", other, key, "publicKey is another key than the one that is given; accepted: the same, or remove publicKey there if modules of that key are wanted no more"},
		{"in braces", "{mode: shadow}\n", signature.PublicKey{}, "its form leaves no place to write the pin; accepted: each key on a line of its own, or this in it before: sha256: " + wasmHash},
		{"on two lines", "sha256:\n  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", signature.PublicKey{},
			"its form leaves no place to write the pin; accepted: each key on a line of its own, or this in it before: sha256: " + wasmHash},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "10-a.yaml")
		if c.text != "" {
			write(t, dir, map[string]string{"10-a.yaml": c.text})
		}
		text, says, err := Pin{[]string{wasmHash}, "oci://r/a@sha256:1", c.key}.Sidecar(path)
		got := string(text)
		if err != nil {
			got = strings.TrimPrefix(err.Error(), path+": ")
		} else if want := publicKeyOf(t, got); !says.PublicKey.Equal(want) {
			t.Errorf("%s: it asks for a signature of %v, not %v", c.name, want, says.PublicKey)
		}
		if got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"10-a.yaml": "x: y\n"})
	if _, _, err := (Pin{SHA256: []string{wasmHash}}).Sidecar(filepath.Join(dir, "10-a.yaml")); err == nil || !strings.Contains(err.Error(), "10-a.yaml:1:1: x: ") {
		t.Errorf("a sidecar that is wrong: %v", err)
	}
}

// A sidecar that accepts more than one version says so on the line of the hash.
func TestPinOfTwo(t *testing.T) {
	zeros := strings.Repeat("0", 64)
	dir := t.TempDir()
	path := filepath.Join(dir, "10-a.yaml")
	text, says, err := Pin{SHA256: []string{zeros, wasmHash}, Origin: "oci://r/a@sha256:1"}.Sidecar(path)
	if want := "sha256: " + zeros + " " + wasmHash + " # oci://r/a@sha256:1\n"; err != nil || string(text) != want || len(says.SHA256) != 2 {
		t.Fatalf("%q, %v, %v, want %q", text, says, err, want)
	}
	write(t, dir, map[string]string{"10-a.yaml": string(text), "10-a.wasm": wasm})
	if got := readOne(t, NewDirectory(dir)); got.Err != nil {
		t.Error(got.Err)
	}
	write(t, dir, map[string]string{"10-a.wasm": wasm + "\x00"})
	if got := readOne(t, NewDirectory(dir)); got.Err == nil || !strings.Contains(got.Err.Error(), "sha256: "+zeros+" or "+wasmHash+" is wanted, the module has ") {
		t.Error(got.Err)
	}
}
