package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/file"
	"github.com/snatd/snatd/host/signature"
)

// Push says what to push, and where.
type Push struct {
	Module    string // path of FILE.wasm or FILE.wasm.gz
	Reference string // oci://REGISTRY/REPOSITORY:TAG
	Key       string // path of the private key to sign it with; empty: it is not signed
	Signature string // path of signatures that were made elsewhere; empty: there are none
	PlainHTTP bool
}

// Pushed is what came of a Push.
type Pushed struct {
	Reference string `json:"reference"` // with the digest, by which to pull the same
	SHA256    string `json:"sha256"`    // of the module
	Signed    bool   `json:"signed"`    // with Key, by a signature that was pushed too
	Attached  bool   `json:"attached"`  // the signatures of Signature were pushed too; nobody verified them
}

// Do pushes a module, decompressed. The tag is set last: whoever pulls by it gets all of
// the artifact, with its signatures.
func (p Push) Do(ctx context.Context) (Pushed, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	wasm, err := dropin.ReadWasm(p.Module)
	if err != nil {
		return Pushed{}, err
	}
	if err := checkModule(wasm); err != nil {
		return Pushed{}, fmt.Errorf("%s: %w", p.Module, err)
	}
	signatures, err := p.signatures(wasm)
	if err != nil {
		return Pushed{}, err
	}
	repository, err := connect(p.Reference, p.PlainHTTP)
	if err != nil {
		return Pushed{}, err
	}
	at := repository.Reference
	if at.Reference == "" || at.ValidateReferenceAsTag() != nil || strings.Contains(p.Reference, "@") {
		return Pushed{}, fmt.Errorf("%q: a module is pushed by a tag, accepted: oci://REGISTRY/REPOSITORY:TAG", p.Reference)
	}
	name := strings.TrimSuffix(filepath.Base(p.Module), ".gz")
	artifact, err := pushModule(ctx, repository, name, wasm)
	if err == nil && signatures != nil {
		err = pushSignatures(ctx, repository, strings.TrimSuffix(name, ".wasm")+".sig", signatures, artifact)
	}
	if err == nil {
		err = repository.Tag(ctx, artifact, at.Reference)
	}
	if err != nil {
		return Pushed{}, explain(at, err)
	}
	at.Reference = artifact.Digest.String()
	return Pushed{full(at), sum(wasm), p.Key != "", p.Signature != ""}, nil
}

// signatures are those to push, as the content of one file; nil if there are none.
func (p Push) signatures(wasm []byte) ([]byte, error) {
	var list []byte
	if p.Signature != "" {
		text, err := file.Read(p.Signature, signature.MaxFile)
		if err != nil {
			return nil, err
		}
		if _, err := signature.Parse(text); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Signature, err)
		}
		list = append(bytes.TrimSpace(text), '\n')
	}
	if p.Key != "" {
		key, err := readPrivateKey(p.Key)
		if err != nil {
			return nil, err
		}
		line, err := signature.Sign(key, wasm)
		if err != nil {
			return nil, fmt.Errorf("%s: %w, accepted: an ECDSA P-256 or Ed25519 key", p.Key, err)
		}
		list = append(list, line...)
	}
	return list, nil
}

// checkModule tells a core module from anything else, which no host of policies runs.
func checkModule(wasm []byte) error {
	if !bytes.HasPrefix(wasm, []byte("\x00asm\x01\x00\x00\x00")) {
		return errors.New(`not a WebAssembly module, accepted: a core module, which begins with "\x00asm" and version 1; snatd policy check says more`)
	}
	return nil
}

// pushModule pushes a module as an artifact, without a tag.
func pushModule(ctx context.Context, to *remote.Repository, name string, wasm []byte) (v1.Descriptor, error) {
	layer, err := pushBlob(ctx, to, moduleType, wasm)
	if err != nil {
		return v1.Descriptor{}, err
	}
	text, err := encodeConfiguration(layer)
	if err != nil {
		return v1.Descriptor{}, err
	}
	config, err := pushBlob(ctx, to, configType, text)
	if err != nil {
		return v1.Descriptor{}, err
	}
	layer.Annotations = map[string]string{v1.AnnotationTitle: name}
	return oras.PackManifest(ctx, to, oras.PackManifestVersion1_1, "", oras.PackManifestOptions{
		Layers: []v1.Descriptor{layer}, ConfigDescriptor: &config,
		ManifestAnnotations: map[string]string{v1.AnnotationCreated: epoch},
	})
}

// pushSignatures pushes signatures as an artifact that refers to the module's.
func pushSignatures(ctx context.Context, to *remote.Repository, name string, signatures []byte, of v1.Descriptor) error {
	layer, err := pushBlob(ctx, to, signatureType, signatures)
	if err != nil {
		return err
	}
	layer.Annotations = map[string]string{v1.AnnotationTitle: name}
	// Some registries list artifacts by the type of their config alone.
	config, err := pushBlob(ctx, to, signatureType, v1.DescriptorEmptyJSON.Data)
	if err != nil {
		return err
	}
	of.Annotations = nil
	_, err = oras.PackManifest(ctx, to, oras.PackManifestVersion1_1, signatureType, oras.PackManifestOptions{
		Subject: &of, Layers: []v1.Descriptor{layer}, ConfigDescriptor: &config,
		ManifestAnnotations: map[string]string{v1.AnnotationCreated: epoch},
	})
	return err
}

// pushBlob pushes what the repository does not have yet.
func pushBlob(ctx context.Context, to *remote.Repository, mediaType string, data []byte) (v1.Descriptor, error) {
	blob := content.NewDescriptorFromBytes(mediaType, data)
	has, err := to.Blobs().Exists(ctx, blob)
	if err != nil || has {
		return blob, err
	}
	return blob, to.Blobs().Push(ctx, blob, bytes.NewReader(data))
}
