// Package dropin reads the directory where operators put policy modules: files
// NN-name.wasm or NN-name.wasm.gz, each with an optional NN-name.yaml beside it,
// its sidecar. The order of the file names is the order of precedence.
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
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// MaxSize is how large a module may be, in bytes, after decompression too.
const MaxSize = 32 << 20

// File is one module of the directory.
type File struct {
	Name string // of the file, such as "10-peering.wasm"
	Path string
	// Wasm is the module, decompressed, and SHA256 its hash in hexadecimal.
	Wasm    []byte
	SHA256  string
	Sidecar Sidecar
	// Err is why the module cannot be used. Then only Name and Path are set.
	Err error

	identity string
}

// Identity changes whenever the module or its sidecar does. It is empty if
// there is an Err.
func (f File) Identity() string { return f.identity }

// pattern is what module files are called; the first group is what they share
// with their sidecars.
var pattern = regexp.MustCompile(`^([0-9]{2}-[a-z0-9-]+)\.wasm(\.gz)?$`)

// Read returns the modules of a directory in order of precedence. Every file
// that looks like a module is there, if only with an Err; hidden and other files
// are not. A directory that does not exist is empty. The error is about the
// directory itself.
func Read(dir string) ([]File, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []File
	taken := map[string]string{} // file by the name without extension
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || !strings.HasSuffix(name, ".wasm") && !strings.HasSuffix(name, ".wasm.gz") {
			continue
		}
		file := File{Name: name, Path: filepath.Join(dir, name)}
		match := pattern.FindStringSubmatch(name)
		switch {
		case match == nil:
			file.Err = errors.New("the file name gives no precedence; accepted: NN-name.wasm or NN-name.wasm.gz, " +
				"two digits, then lower-case letters, digits and dashes")
		case taken[match[1]] != "":
			file.Err = fmt.Errorf("%s is the same module; accepted: one of the two files", taken[match[1]])
		default:
			taken[match[1]] = name
			if err := file.read(filepath.Join(dir, match[1]+".yaml")); err != nil {
				file = File{Name: file.Name, Path: file.Path, Err: err}
			}
		}
		files = append(files, file)
	}
	return files, nil
}

// read fills the file from its path, and from its sidecar if there is one.
func (f *File) read(sidecar string) error {
	raw, err := readLimited(f.Path)
	if err != nil {
		return err
	}
	f.Wasm = raw
	if strings.HasSuffix(f.Name, ".gz") {
		if f.Wasm, err = decompress(raw); err != nil {
			return err
		}
	}
	f.SHA256 = digest(f.Wasm)
	text, err := readLimited(sidecar)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f.Sidecar, err = parseSidecar(sidecar, text); err != nil {
		return err
	}
	// The hash may be that of the module, or of the compressed file as it is.
	if want := f.Sidecar.SHA256; want != "" && want != f.SHA256 && want != digest(raw) {
		return fmt.Errorf("%s: sha256: %s is wanted, the module has %s", sidecar, want, f.SHA256)
	}
	f.identity = digest([]byte(f.SHA256 + digest(text)))
	return nil
}

// readLimited reads a file of at most MaxSize. It follows links: a mounted
// ConfigMap consists of them.
func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return limited(f)
}

func decompress(raw []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	wasm, err := limited(r)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return wasm, nil
}

func limited(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxSize {
		return nil, fmt.Errorf("larger than %d MiB; accepted: at most that", MaxSize>>20)
	}
	return data, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
