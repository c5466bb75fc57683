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
	"github.com/snatd/snatd/host/signature"
)

// maxManifest is how large a manifest may be, in bytes, and maxReferrers how many of the
// artifacts that refer to a module are looked at.
const (
	maxManifest  = 1 << 20
	maxReferrers = 16
)

// Pull says what to pull, and where to.
type Pull struct {
	Reference string // oci://REGISTRY/REPOSITORY:TAG, or @sha256:DIGEST
	Directory string // that of the drop-ins
	Name      string // NN-name; empty: what the artifact calls itself
	Key       string // path of the public key that the sidecar shall ask for; empty: what it asks for already
	PlainHTTP bool
}

// Pulled is what came of a Pull.
type Pulled struct {
	Reference string `json:"reference"`           // with the digest
	Module    string `json:"module"`              // path of the file that was written
	Sidecar   string `json:"sidecar"`             // path of the file that pins it
	Signature string `json:"signature,omitempty"` // path of its signatures, if it has any
	SHA256    string `json:"sha256"`              // of the module
	Verified  bool   `json:"verified"`            // signed with the key that the sidecar asks for
}

// Do pulls a module into a drop-in directory. Nothing is written before all is there and
// verified, and each file is replaced as a whole, the sidecar first: at no time does a
// daemon that follows the directory find the module without its pin.
func (p Pull) Do(ctx context.Context) (Pulled, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	repository, err := connect(p.Reference, p.PlainHTTP)
	if err != nil {
		return Pulled{}, err
	}
	at := repository.Reference
	if at.Reference == "" {
		return Pulled{}, fmt.Errorf("%q has no tag and no digest, accepted: oci://REGISTRY/REPOSITORY:TAG or oci://REGISTRY/REPOSITORY@sha256:DIGEST", p.Reference)
	}
	if info, err := os.Stat(p.Directory); err != nil {
		return Pulled{}, err
	} else if !info.IsDir() {
		return Pulled{}, fmt.Errorf("%s: not a directory, accepted: the one of the drop-ins", p.Directory)
	}
	artifact, layer, err := fetchManifest(ctx, repository)
	if err != nil {
		return Pulled{}, err
	}
	at.Reference = artifact.Digest.String()
	stem, err := p.stem(at, layer)
	if err != nil {
		return Pulled{}, err
	}
	wasm, err := content.FetchAll(ctx, repository.Blobs(), layer)
	if err != nil {
		return Pulled{}, explain(at, err)
	}
	if err := checkModule(wasm); err != nil {
		return Pulled{}, fmt.Errorf("%s: %w", full(at), err)
	}
	signatures, err := fetchSignatures(ctx, repository, artifact)
	if err != nil {
		return Pulled{}, explain(at, err)
	}
	done := Pulled{Reference: full(at), Module: stem + ".wasm", Sidecar: stem + ".yaml", SHA256: layer.Digest.Encoded()}
	sidecar, key, err := p.sidecar(done)
	if err != nil {
		return Pulled{}, err
	}
	if key.Given() {
		if err := verify(key, wasm, signatures); err != nil {
			return Pulled{}, fmt.Errorf("%s: %w; %s asks for one by its publicKey; nothing was written. Accepted: an artifact "+
				"that was pushed with --key FILE and the private key of it, or another publicKey there", full(at), err, done.Sidecar)
		}
		done.Verified = true
	}
	if signatures != nil {
		done.Signature = dropin.SignaturePath(done.Module)
	}
	return done, done.write(sidecar, signatures, wasm)
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
		return artifact, layer, fmt.Errorf("%s: not a Wasm artifact, but %s; accepted: what snatd policy push pushes", full(at), artifact.MediaType)
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return artifact, layer, fmt.Errorf("%s: the manifest: %w", full(at), err)
	}
	if manifest.Config.MediaType != configType {
		return artifact, layer, fmt.Errorf("%s: not a Wasm artifact: its config is %s; accepted: %s", full(at), manifest.Config.MediaType, configType)
	}
	if len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != moduleType {
		return artifact, layer, fmt.Errorf("%s: a Wasm artifact of other layers than one module; accepted: one layer %s", full(at), moduleType)
	}
	layer = manifest.Layers[0]
	if layer.Size > dropin.MaxSize {
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

// sidecar returns the text of the sidecar to write, and whose signature it asks for.
func (p Pull) sidecar(done Pulled) ([]byte, signature.PublicKey, error) {
	pin := dropin.Pin{SHA256: done.SHA256, Comment: done.Reference}
	if p.Key != "" {
		text, err := file.Read(p.Key, maxKey)
		if err == nil {
			if err = pin.PublicKey.UnmarshalText(text); err != nil {
				err = fmt.Errorf("%s: %w", p.Key, err)
			}
		}
		if err != nil {
			return nil, signature.PublicKey{}, err
		}
	}
	return pin.Sidecar(done.Sidecar)
}

func verify(key signature.PublicKey, wasm, signatures []byte) error {
	if signatures == nil {
		return errors.New("it has no signature")
	}
	if err := key.Verify(wasm, signatures); err != nil {
		return fmt.Errorf("its signatures: %w", err)
	}
	return nil
}

// fetchSignatures returns the signatures that refer to an artifact, as one file; nil if
// there are none. Anybody who may push can add some: those that are illegible are left.
func fetchSignatures(ctx context.Context, from *remote.Repository, artifact v1.Descriptor) ([]byte, error) {
	referrers, err := registry.Referrers(ctx, from, artifact, signatureType)
	if err != nil {
		return nil, err
	}
	var list []byte
	for _, referrer := range referrers[:min(len(referrers), maxReferrers)] {
		if referrer.Size > maxManifest {
			continue
		}
		text, err := content.FetchAll(ctx, from.Manifests(), referrer)
		if err != nil {
			return nil, err
		}
		var manifest v1.Manifest
		if json.Unmarshal(text, &manifest) != nil {
			continue
		}
		for _, layer := range manifest.Layers {
			if layer.MediaType != signatureType || len(list)+int(min(layer.Size, signature.MaxFile)) >= signature.MaxFile {
				continue
			}
			lines, err := content.FetchAll(ctx, from.Blobs(), layer)
			if err != nil {
				return nil, err
			}
			if _, err := signature.Parse(lines); err == nil {
				list = append(append(list, bytes.TrimSpace(lines)...), '\n')
			}
		}
	}
	return list, nil
}

// write puts the files into the directory, the module last.
func (d Pulled) write(sidecar, signatures, wasm []byte) error {
	if err := file.Replace(d.Sidecar, sidecar); err != nil {
		return err
	}
	var err error
	if signatures != nil {
		err = file.Replace(d.Signature, signatures)
	} else if err = os.Remove(dropin.SignaturePath(d.Module)); errors.Is(err, fs.ErrNotExist) {
		err = nil // else those of the version before, of no use to this one, are gone
	}
	if err != nil {
		return err
	}
	return file.Replace(d.Module, wasm)
}
