package registry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/file"
)

// maxManifest is how large a manifest may be, in bytes.
const maxManifest = 1 << 20

// Pull says what to pull, and where to.
type Pull struct {
	Reference string // oci://REGISTRY/REPOSITORY:TAG, or @sha256:DIGEST
	Directory string // that of the drop-ins
	Name      string // NN-name; empty: what the artifact calls itself
	Key       string // path of the public key that the sidecar shall ask for; empty: what it asks for already
	PlainHTTP bool
	Waiting   func() // is called if another process works on the directory, which anybody may say who may read it; nil: nobody wants to know
	// Check tells why a daemon would not take a module with the sidecar that it gets, by
	// the name of its file. The module in whose place it comes is nil if there is none.
	Check func(ctx context.Context, name string, wasm, before []byte, sidecar dropin.Sidecar) error
}

// Pulled is what came of a Pull.
type Pulled struct {
	Reference string `json:"reference"`           // with the digest
	Module    string `json:"module"`              // path of the file that was written
	Sidecar   string `json:"sidecar"`             // path of the file that pins it
	Signature string `json:"signature,omitempty"` // path of its signatures, if it has any
	SHA256    string `json:"sha256"`              // of the module
	Verified  bool   `json:"verified"`            // signed with the key that the sidecar asks for
	Warning   string `json:"warning,omitempty"`   // what may be missing, and why
}

// Do pulls a module into a drop-in directory. Nothing is written before all is there,
// checked and verified, and each file is replaced as a whole, in an order that leaves the
// version before or this one working, whenever it ends. One Do at a time works on a
// directory; others wait.
func (p Pull) Do(ctx context.Context) (Pulled, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if info, err := os.Stat(p.Directory); err != nil {
		return Pulled{}, err
	} else if !info.IsDir() {
		return Pulled{}, fmt.Errorf("%s: not a directory, accepted: the one of the drop-ins", p.Directory)
	}
	from, err := connect(p.Reference, p.PlainHTTP)
	if err != nil {
		return Pulled{}, err
	}
	release, err := file.Lock(ctx, p.Directory, p.Waiting)
	if err != nil {
		return Pulled{}, err
	}
	defer release()
	done, steps, err := p.prepare(ctx, from)
	if err != nil {
		return Pulled{}, err
	}
	for _, path := range done.paths() {
		if err := file.Sweep(path); err != nil {
			return Pulled{}, err
		}
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			return Pulled{}, err
		}
	}
	return done, nil
}

// prepare does all of a pull but to write.
func (p Pull) prepare(ctx context.Context, from *remote.Repository) (Pulled, []step, error) {
	at := from.Reference
	if at.Reference == "" {
		return Pulled{}, nil, fmt.Errorf("%q has no tag and no digest, accepted: oci://REGISTRY/REPOSITORY:TAG or oci://REGISTRY/REPOSITORY@sha256:DIGEST", p.Reference)
	}
	artifact, layer, err := fetchManifest(ctx, from)
	if err != nil {
		return Pulled{}, nil, err
	}
	at.Reference = artifact.Digest.String()
	stem, err := p.stem(at, layer)
	if err != nil {
		return Pulled{}, nil, err
	}
	done := Pulled{Reference: full(at), Module: stem + ".wasm", Sidecar: stem + ".yaml", SHA256: layer.Digest.Encoded()}
	pin, err := p.pin(done)
	if err != nil {
		return Pulled{}, nil, err
	}
	_, sidecar, err := pin.Sidecar(done.Sidecar)
	if err != nil {
		return Pulled{}, nil, err
	}
	before, err := done.hold()
	if err != nil {
		return Pulled{}, nil, err
	}
	wasm, err := content.FetchAll(ctx, from.Blobs(), layer)
	if err != nil {
		return Pulled{}, nil, explain(at, err)
	}
	if err := checkModule(wasm); err != nil {
		return Pulled{}, nil, fmt.Errorf("%s: %w", full(at), err)
	}
	signatures, unlisted, err := fetchSignatures(ctx, from, artifact, wasm, sidecar.PublicKey)
	if unsigned := (*unsignedError)(nil); errors.As(err, &unsigned) {
		return Pulled{}, nil, fmt.Errorf("%s: %w; %s asks for one by its publicKey; nothing was written. Accepted: an artifact "+
			"that was pushed with --key FILE and the private key of it, or another publicKey there", full(at), err, done.Sidecar)
	} else if err != nil {
		return Pulled{}, nil, err
	}
	// What is not signed as it has to be is not even tried.
	if err := p.Check(ctx, filepath.Base(done.Module), wasm, before.module, sidecar); err != nil {
		return Pulled{}, nil, fmt.Errorf("%s: %w; nothing was written", full(at), err)
	}
	done.Verified = sidecar.PublicKey.Given()
	if unlisted != nil {
		done.Warning = "signatures that it has may be missing: " + unlisted.Error()
	}
	if signatures != nil {
		done.Signature = dropin.SignaturePath(done.Module)
	}
	steps, err := done.steps(before, pin, wasm, signatures)
	return done, steps, err
}

// fetchManifest finds the artifact that is pulled, and the module in it.
func fetchManifest(ctx context.Context, from *remote.Repository) (artifact, layer v1.Descriptor, err error) {
	at := from.Reference
	artifact, text, err := oras.FetchBytes(ctx, from, at.Reference, oras.FetchBytesOptions{MaxBytes: maxManifest})
	if err != nil {
		return artifact, layer, explain(at, err)
	}
	var manifest v1.Manifest
	if artifact.MediaType != v1.MediaTypeImageManifest {
		return artifact, layer, fmt.Errorf("%s: not a Wasm artifact, but %q; accepted: what snatd policy push pushes", full(at), artifact.MediaType)
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return artifact, layer, fmt.Errorf("%s: the manifest: %w", full(at), err)
	}
	if manifest.Config.MediaType != configType {
		return artifact, layer, fmt.Errorf("%s: not a Wasm artifact: its config is %q; accepted: %s", full(at), manifest.Config.MediaType, configType)
	}
	if len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != moduleType {
		return artifact, layer, fmt.Errorf("%s: a Wasm artifact of other layers than one module; accepted: one layer %s", full(at), moduleType)
	}
	layer = manifest.Layers[0]
	if layer.Size < 0 || layer.Size > dropin.MaxSize {
		return artifact, layer, fmt.Errorf("%s: the module has %d bytes; accepted: at most %d MiB", full(at), layer.Size, dropin.MaxSize>>20)
	}
	if err := layer.Digest.Validate(); err != nil || layer.Digest.Algorithm() != "sha256" {
		return artifact, layer, fmt.Errorf("%s: the module's digest is %q; accepted: sha256", full(at), layer.Digest)
	}
	return artifact, layer, nil
}

// stem is the path of the files to write, without the ending.
func (p Pull) stem(at registry.Reference, layer v1.Descriptor) (string, error) {
	title := layer.Annotations[v1.AnnotationTitle]
	name := cmp.Or(p.Name, dropin.Stem(title))
	switch {
	case name == "":
		return "", fmt.Errorf("%s: the artifact calls the module %q, which gives no precedence; accepted: --name NN-name, "+
			"two digits, then lower-case letters, digits and dashes", full(at), title)
	case dropin.Stem(name+".wasm") != name:
		return "", fmt.Errorf("--name: %q gives no precedence, accepted: NN-name, two digits, then lower-case letters, digits and dashes", name)
	}
	stem := filepath.Join(p.Directory, name)
	if p.Name == "" && !p.ours(at, stem) {
		return "", fmt.Errorf("%s: the artifact calls the module %s, of which the directory has files that are not from there: whoever may push could choose "+
			"whose grants and key count; accepted: --name %s if that is meant, or another --name", full(at), title, name)
	}
	if _, err := os.Lstat(stem + ".wasm.gz"); err == nil {
		return "", fmt.Errorf("%s.wasm.gz is the same module as the one to be written; accepted: remove it, or another --name", stem)
	}
	return stem, nil
}

// ours says whether nothing of a name is there, or what was pulled from the same repository.
func (p Pull) ours(at registry.Reference, stem string) bool {
	text, err := file.Read(stem+".yaml", maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Lstat(stem + ".wasm")
		return errors.Is(err, fs.ErrNotExist)
	}
	return err == nil && bytes.Contains(text, []byte("# "+scheme+at.Registry+"/"+at.Repository+"@"))
}

// pin is what binds the sidecar to the module.
func (p Pull) pin(done Pulled) (dropin.Pin, error) {
	pin := dropin.Pin{SHA256: []string{done.SHA256}, Origin: done.Reference}
	if p.Key == "" {
		return pin, nil
	}
	text, err := file.Read(p.Key, maxKey)
	if err != nil {
		return pin, err
	}
	if err := pin.PublicKey.UnmarshalText(text); err != nil {
		return pin, fmt.Errorf("%s: %w", p.Key, err)
	}
	return pin, nil
}
