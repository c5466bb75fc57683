package registry

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/snatd/snatd/host/file"
)

// passwordVariable is where cosign looks for the password of a private key too.
const passwordVariable = "COSIGN_PASSWORD"

// maxKey is how large the file of a key may be, in bytes.
const maxKey = 64 << 10

// readPrivateKey reads a key as cosign generate-key-pair writes it, whose password is in
// the environment, or as openssl does.
func readPrivateKey(path string) (crypto.Signer, error) {
	text, err := file.Read(path, maxKey)
	if err != nil {
		return nil, err
	}
	signer, err := parsePrivateKey(text, os.Getenv(passwordVariable))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; accepted: the PEM of a private key, ECDSA P-256 or Ed25519, of cosign generate-key-pair or openssl genpkey", path, err)
	}
	return signer, nil
}

func parsePrivateKey(text []byte, password string) (crypto.Signer, error) {
	block, rest := pem.Decode(text)
	for block != nil && block.Type == "EC PARAMETERS" { // openssl ecparam puts them before the key
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("it is no PEM")
	}
	der := block.Bytes
	switch block.Type {
	case "EC PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return nil, errors.New("it is encrypted by openssl, which is not read")
		}
		return x509.ParseECPrivateKey(der)
	case "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY":
		var err error
		if der, err = encrypted.Decrypt(der, []byte(password)); err != nil {
			return nil, fmt.Errorf("it cannot be decrypted with the password in %s (%w)", passwordVariable, err)
		}
	case "PRIVATE KEY":
	default:
		return nil, fmt.Errorf("it is the PEM of a %q", block.Type)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("it is a %T, which signs nothing", key)
	}
	return signer, nil
}
