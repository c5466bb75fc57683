package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/file"
	"github.com/snatd/snatd/host/signature"
)

// held is what a directory has of a name; nil and the zero Sidecar are of what is not there.
type held struct {
	module, signatures []byte
	sidecar            dropin.Sidecar
}

// paths are those of the files that may be written.
func (d Pulled) paths() []string {
	return []string{d.Module, d.Sidecar, dropin.SignaturePath(d.Module)}
}

// hold reads the files of the name that is to be written.
func (d Pulled) hold() (h held, err error) {
	for _, path := range d.paths() {
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return held{}, fmt.Errorf("%s: a symbolic link, in whose place a file would come; accepted: a file, or the directory that it leads to", path)
		}
	}
	if h.sidecar, err = dropin.ReadSidecar(d.Sidecar); err != nil {
		return held{}, err
	}
	if h.module, err = dropin.ReadWasm(d.Module); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return held{}, err
	}
	if h.signatures, err = file.Read(dropin.SignaturePath(d.Module), signature.MaxFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return held{}, err
	}
	return h, nil
}

// accepts are the hashes of what may be in the module's place so far.
func (h held) accepts() []string {
	if len(h.sidecar.SHA256) == 0 {
		return []string{sum(h.module)}
	}
	return h.sidecar.SHA256
}

// signed is the signature for which the module that is there is loaded, if it needs one.
func (h held) signed() []byte {
	line, err := h.sidecar.PublicKey.Find(h.module, h.signatures)
	if err != nil {
		return nil
	}
	return line
}

// step is one change of the directory: the content of a file; nil removes it.
type step struct {
	path    string
	content []byte
}

func (s step) do() error {
	if s.content != nil {
		return file.Replace(s.path, s.content)
	}
	if err := os.Remove(s.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// steps are how the files come into the place of those that are there. After each of them
// a daemon that starts finds a module that it loads, if it did before: until the module is
// replaced, the sidecar accepts either, and the signatures are those of both. No step
// leaves a module without its pin.
func (d Pulled) steps(before held, pin dropin.Pin, wasm, signatures []byte) ([]step, error) {
	last, _, err := pin.Sidecar(d.Sidecar)
	if err != nil {
		return nil, err
	}
	either, both := last, signatures
	if before.module != nil {
		// The key is asked for once the module is there that is signed with it.
		meanwhile := dropin.Pin{SHA256: before.accepts(), Origin: pin.Origin}
		for _, hash := range pin.SHA256 {
			if !slices.Contains(meanwhile.SHA256, hash) {
				meanwhile.SHA256 = append(slices.Clip(meanwhile.SHA256), hash)
			}
		}
		if either, _, err = meanwhile.Sidecar(d.Sidecar); err != nil {
			return nil, err
		}
		if line := before.signed(); !bytes.Contains(signatures, line) {
			both = slices.Concat(signatures, line)
		}
	}
	var list []step
	at := dropin.SignaturePath(d.Module)
	if len(both) > 0 {
		list = append(list, step{at, both})
	}
	list = append(list, step{d.Sidecar, either}, step{d.Module, wasm})
	if !bytes.Equal(either, last) {
		list = append(list, step{d.Sidecar, last})
	}
	if !bytes.Equal(both, signatures) || signatures == nil {
		list = append(list, step{at, signatures})
	}
	return list, nil
}
