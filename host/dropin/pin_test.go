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
		{"another version", "config:\n  a: b\n" + stale + "mode: shadow\n", signature.PublicKey{}, "config:\n  a: b\n" + hash + "mode: shadow\n"},
		{"the same version", "sha256: \"" + wasmHash + "\" # mine\n", signature.PublicKey{}, "sha256: \"" + wasmHash + "\" # mine\n"},
		{"in braces, right already", "{sha256: " + wasmHash + "}\n", signature.PublicKey{}, "{sha256: " + wasmHash + "}\n"},
		{"a text that looks like it", "config:\n  a: |\n    sha256: b\n", signature.PublicKey{}, "config:\n  a: |\n    sha256: b\n" + hash},
		{"behind a text", signer, signature.PublicKey{}, signer + hash},
		{"with a key", stale, key, hash + signer},
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
		text, by, err := Pin{wasmHash, "oci://r/a@sha256:1", c.key}.Sidecar(path)
		got := string(text)
		if err != nil {
			got = strings.TrimPrefix(err.Error(), path+": ")
		} else if want := publicKeyOf(t, got); !by.Equal(want) {
			t.Errorf("%s: it asks for a signature of %v, not %v", c.name, want, by)
		}
		if got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"10-a.yaml": "x: y\n"})
	if _, _, err := (Pin{SHA256: wasmHash}).Sidecar(filepath.Join(dir, "10-a.yaml")); err == nil || !strings.Contains(err.Error(), "10-a.yaml:1:1: x: ") {
		t.Errorf("a sidecar that is wrong: %v", err)
	}
}
