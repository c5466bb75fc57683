package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
)

const module = "\x00asm\x01\x00\x00\x00"

// What openssl made: openssl dgst -sha256 -sign, and openssl pkeyutl -sign -rawin.
const (
	ecKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcewztpSLjWPKextw4BDCoA2u8LDA
JrLSG9z58On7zWvA8CgWnz/6GQ75t+tZsOf+oWh0USRx7bykRRc/guqq2Q==
-----END PUBLIC KEY-----
`
	ecSignature = "MEYCIQCuBXwK25T/zsGSNG3BJ9QhRbdbocUDZ9vJ989zYjqKOQIhANbCY5tJcbI1cMSdiwWlQ4wPyEiJj9s1vX43xbB3Whqq"
	edKey       = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEANUSEKC2/abuWF3tb7zp2RQWtdyQj/zrH7WW25jI0pOM=
-----END PUBLIC KEY-----
`
	edSignature = "MUxFsGRWxNEwBuQ/SxUypI9FzXn/HipJSVlFZNL11CIn6Iz5F6UuB67ggA5nxGM7VA11Tddmmbgp4/SNXGd0BA=="
	p384Key     = `-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEdSbBPY4LOzWqVddQ+92bkbPHCj6W6URN
onq+a8L/Gr/ttqAw2iiU1xtNeAZVHRGnj7SVp/i5isx7NyARrUsac47l/rE8Xgsj
8lQcBT/Pq9AGNpi2Dq8DQXxzK4L2GmjD
-----END PUBLIC KEY-----
`
)

func parse(t *testing.T, text string) (key PublicKey) {
	t.Helper()
	if err := key.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return key
}

func TestVerify(t *testing.T) {
	ec, ed := parse(t, ecKey), parse(t, edKey)
	for _, c := range []struct {
		name, module, file string
		ec, ed             bool
	}{
		{"of one key", module, ecSignature, true, false},
		{"of the other", module, edSignature + "\n", false, true},
		{"of both", module, ecSignature + "\n\n" + edSignature + "\r\n", true, true},
		{"of another module", module + "\x00", ecSignature + "\n" + edSignature, false, false},
		{"changed", module, strings.Replace(ecSignature, "XwK", "XwL", 1) + "\n" + strings.Replace(edSignature, "FsG", "FsH", 1), false, false},
	} {
		for _, key := range []struct {
			name string
			key  PublicKey
			want bool
		}{{"ECDSA", ec, c.ec}, {"Ed25519", ed, c.ed}, {"none", PublicKey{}, false}} {
			if err := key.key.Verify([]byte(c.module), []byte(c.file)); (err == nil) != key.want || err != nil && !errors.Is(err, ErrNone) {
				t.Errorf("%s, by %s: %v", c.name, key.name, err)
			}
		}
	}
	for _, file := range []string{"", "\n", "no base64!", "AAAA", strings.Repeat("A", 400), "\x30\x46\x02\x21 raw DER"} {
		if err := ec.Verify([]byte(module), []byte(file)); err == nil || errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "accepted: one signature a line") {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestSign(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, signer := range []crypto.Signer{ec, ed} {
		line, err := Sign(signer, []byte(module))
		if err != nil {
			t.Fatal(err)
		}
		key, err := publicKey(signer.Public())
		if err != nil {
			t.Fatal(err)
		}
		if err := key.Verify([]byte(module), line); err != nil {
			t.Errorf("%T: %v", signer, err)
		}
		if again, err := Sign(signer, []byte(module)); string(again) != string(line) {
			t.Errorf("%T signs %q, then %q, %v", signer, line, again, err)
		}
		text, err := key.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if same := parse(t, string(text)); !same.Equal(key) || same.Equal(PublicKey{}) || same.Equal(parse(t, ecKey)) {
			t.Errorf("%T is not itself, or another, after it was written", signer)
		}
	}
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(other, []byte(module)); err == nil || !strings.Contains(err.Error(), "ECDSA on P-384") {
		t.Errorf("a key of another curve: %v", err)
	}
}

func TestPublicKeyErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"cosign.pub", "it is no PEM, accepted: the PEM of a public key"},
		{p384Key, "it is ECDSA on P-384, accepted: "},
		{strings.ReplaceAll(edKey, "PUBLIC", "ENCRYPTED PRIVATE"), "it is a private key, which belongs to who signs; accepted: "},
		{strings.ReplaceAll(edKey, "PUBLIC KEY", "CERTIFICATE"), `it is the PEM of a "CERTIFICATE", accepted: `},
		{ecKey + edKey, "there is more than one key, or text after it; accepted: "},
		{"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "it cannot be read ("},
	} {
		if err := new(PublicKey).UnmarshalText([]byte(c.text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}
