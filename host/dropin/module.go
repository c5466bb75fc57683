package dropin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Module is a module that was read by its path, wherever it is: its author tries
// it before it has a name that gives it a precedence.
type Module struct {
	File
	Wasm        []byte // decompressed
	Raw         []byte // the file as it is; the same as Wasm unless it is compressed
	SidecarPath string // path of its sidecar; empty if it has none
}

// ReadWasm reads FILE.wasm or FILE.wasm.gz, decompressed and without a sidecar. Errors
// name the file.
func ReadWasm(path string) ([]byte, error) {
	_, wasm, err := readNamed(path)
	return wasm, err
}

// readNamed is readModule for a file whose name says what it is.
func readNamed(path string) (raw, wasm []byte, err error) {
	if !strings.HasSuffix(strings.TrimSuffix(path, ".gz"), ".wasm") {
		return nil, nil, fmt.Errorf("%s: the file name gives no format; accepted: FILE.wasm or FILE.wasm.gz", path)
	}
	raw, wasm, err = readModule(path)
	if unreadable := (*fs.PathError)(nil); err != nil && !errors.As(err, &unreadable) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return raw, wasm, err
}

// ReadModule reads FILE.wasm or FILE.wasm.gz with a sidecar; an empty sidecar is
// FILE.yaml beside it, which need not exist. Errors name the file.
func ReadModule(path, sidecar string) (Module, error) {
	m := Module{File: File{Name: filepath.Base(path), path: path}}
	var err error
	if m.Raw, m.Wasm, err = readNamed(path); err != nil {
		return Module{}, err
	}
	exists := true
	if sidecar == "" {
		sidecar = strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".wasm") + ".yaml"
		_, err := os.Stat(sidecar)
		exists = !errors.Is(err, fs.ErrNotExist) // any other error is that of reading it
	}
	if err := m.fill(m.Raw, m.Wasm, sidecar, exists); err != nil {
		return Module{}, err
	}
	if exists {
		m.SidecarPath = sidecar
	}
	return m, nil
}
