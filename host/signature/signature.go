// Package signature signs modules, and tells whether one was signed with a key.
//
// A signature is over the bytes of the module, decompressed, and nothing else: ECDSA P-256
// over their SHA-256, in ASN.1 (DER), or Ed25519 over the bytes themselves (pure, no
// prehash), its 64 bytes. It is written as one line of base64, standard and padded; a file
// may have several lines, each a signature of somebody. That is what openssl makes.
// Sigstore's bundles, which hold a signature among other things, are not read. Where keys
// and files come from is for others to know.
package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// MaxFile is how large a file of signatures may be, in bytes.
const MaxFile = 16 << 10

// PublicKey is whom signatures are believed of. The zero PublicKey is none.
type PublicKey struct {
	key interface{ Equal(crypto.PublicKey) bool } // *ecdsa.PublicKey on P-256, or ed25519.PublicKey
}

// Given tells a key from none.
func (k PublicKey) Given() bool { return k.key != nil }

// Equal tells whether both are the same key, or both none.
func (k PublicKey) Equal(other PublicKey) bool {
	if k.key == nil || other.key == nil {
		return k.key == other.key
	}
	return k.key.Equal(other.key)
}

// UnmarshalText implements encoding.TextUnmarshaler: the text is PEM.
func (k *PublicKey) UnmarshalText(text []byte) error {
	const accepted = `accepted: the PEM of a public key, ECDSA P-256 or Ed25519, which begins with "-----BEGIN PUBLIC KEY-----"`
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return errors.New("it is no PEM, " + accepted)
	case strings.Contains(block.Type, "PRIVATE"):
		return errors.New("it is a private key, which belongs to who signs; " + accepted)
	case block.Type != "PUBLIC KEY":
		return fmt.Errorf("it is the PEM of a %q, %s", block.Type, accepted)
	case len(bytes.TrimSpace(rest)) > 0:
		return errors.New("there is more than one key, or text after it; " + accepted)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("it cannot be read (%w), %s", err, accepted)
	}
	public, err := publicKey(key)
	if err != nil {
		return fmt.Errorf("%w, %s", err, accepted)
	}
	*k = public
	return nil
}

// publicKey is a key of the standard library, if it is of a kind that is used here.
func publicKey(key crypto.PublicKey) (PublicKey, error) {
	switch key := key.(type) {
	case ed25519.PublicKey:
		return PublicKey{key}, nil
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return PublicKey{key}, nil
		}
		return PublicKey{}, fmt.Errorf("it is ECDSA on %s", key.Curve.Params().Name)
	}
	return PublicKey{}, fmt.Errorf("it is a %T", key)
}

// Encode writes the key as PEM.
func (k PublicKey) Encode() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k.key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// ErrNone says that no signature is one of the module by the key.
var ErrNone = errors.New("no signature in it is one of this module by that key")

// Verify tells whether one of the signatures of a file is of the module by the key.
// It is not if there is an error; that wraps ErrNone if the file is one of signatures.
func (k PublicKey) Verify(module, file []byte) error {
	_, err := k.Find(module, file)
	return err
}

// Find returns the first signature of a file that is one of the module by the key, as the
// line of a file. Its errors are those of Verify.
func (k PublicKey) Find(module, file []byte) ([]byte, error) {
	list, err := Parse(file)
	if err != nil {
		return nil, err
	}
	for _, signature := range list {
		if k.signed(module, signature) {
			return encode(signature), nil
		}
	}
	return nil, ErrNone
}

func (k PublicKey) signed(module, signature []byte) bool {
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, module, signature)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(module)
		return ecdsa.VerifyASN1(key, sum[:], signature)
	}
	return false
}

// Parse returns the signatures of a file, of which there is at least one.
func Parse(file []byte) ([][]byte, error) {
	var list [][]byte
	for line := range bytes.Lines(file) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		signature, err := base64.StdEncoding.DecodeString(string(line))
		if err != nil || len(signature) < 8 || len(signature) > 72 {
			return nil, errors.New("not a file of signatures; accepted: one signature a line, in base64, of an ECDSA P-256 or Ed25519 key")
		}
		list = append(list, signature)
	}
	if list == nil {
		return nil, errors.New("empty; accepted: one signature a line, in base64")
	}
	return list, nil
}

// Sign signs a module: the line of a file of signatures. The same key signs the same
// module the same way again.
func Sign(key crypto.Signer, module []byte) ([]byte, error) {
	public, err := publicKey(key.Public())
	if err != nil {
		return nil, err
	}
	var signature []byte
	if _, edwards := public.key.(ed25519.PublicKey); edwards {
		signature, err = key.Sign(nil, module, crypto.Hash(0))
	} else {
		sum := sha256.Sum256(module)
		signature, err = key.Sign(nil, sum[:], crypto.SHA256) // without random numbers: as in RFC 6979
	}
	return encode(signature), err
}

// encode is a line of a file of signatures.
func encode(signature []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(nil, signature), '\n')
}
