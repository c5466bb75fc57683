package dropin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What openssl made of wasm, and a key of somebody else.
const (
	signer = `publicKey: |
  -----BEGIN PUBLIC KEY-----
  MCowBQYDK2VwAyEANUSEKC2/abuWF3tb7zp2RQWtdyQj/zrH7WW25jI0pOM=
  -----END PUBLIC KEY-----
`
	signed = "MUxFsGRWxNEwBuQ/SxUypI9FzXn/HipJSVlFZNL11CIn6Iz5F6UuB67ggA5nxGM7VA11Tddmmbgp4/SNXGd0BA==\n"
	other  = `publicKey: |
  -----BEGIN PUBLIC KEY-----
  MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcewztpSLjWPKextw4BDCoA2u8LDA
  JrLSG9z58On7zWvA8CgWnz/6GQ75t+tZsOf+oWh0USRx7bykRRc/guqq2Q==
  -----END PUBLIC KEY-----
`
)

// A module whose sidecar has a key is one only with a signature by it; every change of
// one of the three files is seen.
func TestSigned(t *testing.T) {
	dir := t.TempDir()
	const accepted = "accepted: the signature of the module by the key of publicKey, as snatd policy push --key and pull put it there"
	const strange = "DIR/10-a.sig: no signature in it is one of this module by that key, publicKey in 10-a.yaml; " +
		"the module, the signature or the key is another one's; " + accepted
	d := later(dir, time.Minute)
	for _, c := range []struct {
		what  string
		files map[string]string // empty: it is removed
		want  string
	}{
		{"no signature", map[string]string{"10-a.wasm": wasm, "10-a.yaml": signer}, "DIR/10-a.sig: missing, 10-a.yaml asks for it by publicKey; " + accepted},
		{"signed", map[string]string{"10-a.sig": signed}, ""},
		{"another module", map[string]string{"10-a.wasm": wasm + "\x00"}, strange},
		{"the module again", map[string]string{"10-a.wasm": wasm}, ""},
		{"compressed", map[string]string{"10-a.wasm": "", "10-a.wasm.gz": compressed(wasm)}, ""},
		{"another key", map[string]string{"10-a.yaml": other}, strange},
		{"the key again", map[string]string{"10-a.yaml": signer}, ""},
		{"a file of something else", map[string]string{"10-a.sig": "x"}, "DIR/10-a.sig: not a file of signatures; " +
			"accepted: one signature a line, in base64, of an ECDSA P-256 or Ed25519 key, publicKey in 10-a.yaml; " +
			"the module, the signature or the key is another one's; " + accepted},
		{"nobody asks", map[string]string{"10-a.yaml": "config: {}"}, ""},
	} {
		for name, text := range c.files {
			if text != "" {
				write(t, dir, map[string]string{name: text})
			} else if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		got := readOne(t, d)
		message := ""
		if got.Err != nil {
			message = strings.ReplaceAll(got.Err.Error(), dir, "DIR")
		}
		if message != c.want || got.SHA256 == "" {
			t.Errorf("%s: sha256 %q\ngot  %s\nwant %s", c.what, got.SHA256, message, c.want)
		}
	}
}

func TestPublicKeyInSidecar(t *testing.T) {
	_, err := parseSidecar("10-a.yaml", []byte("publicKey: /etc/cosign.pub\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "10-a.yaml:1:12: publicKey: it is no PEM, accepted: ") {
		t.Error(err)
	}
}
