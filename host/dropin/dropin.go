// Package dropin reads the directory where operators put policy modules: files
// NN-name.wasm or NN-name.wasm.gz, each with an optional NN-name.yaml beside it,
// its sidecar, and with NN-name.sig if the sidecar asks for a signature. The order of
// the file names is the order of precedence.
//
// Nothing is compiled or watched here. Whatever is wrong with one module is that
// module's error and keeps no other from being read.
package dropin

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/snatd/snatd/host/file"
	"github.com/snatd/snatd/host/signature"
	"github.com/snatd/snatd/sdk/abi"
)

// MaxSize is how large a module may be, in bytes, after decompression too.
const MaxSize = abi.BoundBytes

// File is one module of a directory, as it was when it was read. It holds no
// bytes of the module.
type File struct {
	Name    string // of the file, such as "10-peering.wasm"
	SHA256  string // of the module, decompressed, in hexadecimal
	Sidecar Sidecar
	// Err is why the module cannot be used. Then there is no Sidecar, and a SHA256
	// only if the module was read.
	Err error
	// Writing is until when the module or its sidecar may still be in the middle of
	// being written, unless it changes again: it has just changed. Zero if not.
	Writing time.Time

	path     string
	identity string
}

// Identity changes whenever the module or its sidecar does. It is empty if
// there is an Err.
func (f File) Identity() string { return f.identity }

// Open reads the module, decompressed. It is an error if it is not the one of
// SHA256 any more: then the directory has changed, and is to be read again.
func (f File) Open() ([]byte, error) {
	if f.Err != nil {
		return nil, f.Err
	}
	_, wasm, err := readModule(f.path)
	if err != nil {
		return nil, err
	}
	if got := digest(wasm); got != f.SHA256 {
		return nil, fmt.Errorf("%s: changed since it was read: sha256 is %s, was %s", f.path, got, f.SHA256)
	}
	return wasm, nil
}

// read fills a file from its path, and from its sidecar if there is one.
func (f *File) read(sidecar string, exists bool) error {
	raw, wasm, err := readModule(f.path)
	if err != nil {
		return err
	}
	return f.fill(raw, wasm, sidecar, exists)
}

// fill fills a file from its content, and from its sidecar if there is one.
func (f *File) fill(raw, wasm []byte, sidecar string, exists bool) (err error) {
	f.SHA256 = digest(wasm)
	var text []byte
	if exists {
		if text, err = file.Read(sidecar, maxSidecar); err != nil {
			return err
		}
	}
	if f.Sidecar, err = parseSidecar(sidecar, text); err != nil {
		return err
	}
	// A hash may be that of the module, or of the compressed file as it is.
	if want := f.Sidecar.SHA256; len(want) > 0 && !slices.Contains(want, f.SHA256) && !slices.Contains(want, digest(raw)) {
		return fmt.Errorf("%s: sha256: %s is wanted, the module has %s", sidecar, strings.Join(want, " or "), f.SHA256)
	}
	if key := f.Sidecar.PublicKey; key.Given() {
		if err := verify(key, wasm, SignaturePath(f.path), sidecar); err != nil {
			return err
		}
	}
	f.identity = digest([]byte(f.SHA256 + digest(text)))
	return nil
}

// SignaturePath is where the signatures of a module are, beside it.
func SignaturePath(module string) string {
	return strings.TrimSuffix(strings.TrimSuffix(module, ".gz"), ".wasm") + ".sig"
}

// verify tells whether a module is signed as its sidecar wants.
func verify(key signature.PublicKey, wasm []byte, path, sidecar string) error {
	const sign = "accepted: the signature of the module by the key of publicKey, as snatd policy push --key and pull put it there"
	text, err := file.Read(path, signature.MaxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// It is not the sidecar or the module that cannot be read.
		return fmt.Errorf("%s: missing, %s asks for it by publicKey; %s", path, filepath.Base(sidecar), sign)
	case err != nil:
		return err
	}
	if err := key.Verify(wasm, text); err != nil {
		return fmt.Errorf("%s: %w, publicKey in %s; the module, the signature or the key is another one's; %s", path, err, filepath.Base(sidecar), sign)
	}
	return nil
}

// readModule returns a file as it is, and the module in it.
func readModule(path string) (raw, wasm []byte, err error) {
	if raw, err = file.Read(path, MaxSize); err != nil {
		return nil, nil, err
	}
	if !strings.HasSuffix(path, ".gz") {
		return raw, raw, nil
	}
	if wasm, err = decompress(raw); err != nil {
		return nil, nil, fmt.Errorf("decompress: %w", err)
	}
	return raw, wasm, nil
}

func decompress(raw []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	wasm, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(wasm) > MaxSize {
		return nil, fmt.Errorf("larger than %d MiB; accepted: at most that", MaxSize>>20)
	}
	return wasm, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
