// Package registry carries policy modules between files and OCI registries, in the
// layout of artifacts that the CNCF's TAG Runtime specifies for WebAssembly, with
// signatures that refer to them. It puts files where the daemon reads them and
// believes no registry: what is pulled is pinned by its hash.
//
// Nothing here compiles or runs a module, and the daemon does nothing of this.
package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go/v1"
)

// The media types of an artifact, and of the signatures that refer to one.
const (
	configType    = "application/vnd.wasm.config.v0+json"
	moduleType    = "application/wasm"
	signatureType = "application/vnd.snatd.module.signature.v1"
)

// epoch is when artifacts say that they were made: the same module is the same
// artifact, whoever pushes it, so that its digest can be told beforehand.
const epoch = "1970-01-01T00:00:00Z"

// configuration is the config of an artifact. Every module is for wasip1, which stands
// for core modules that import nothing of WASI too.
type configuration struct {
	Created      string          `json:"created"`
	Architecture string          `json:"architecture"`
	OS           string          `json:"os"`
	LayerDigests []digest.Digest `json:"layerDigests"`
}

// sum is the hash of a module as sidecars have it.
func sum(wasm []byte) string {
	hash := sha256.Sum256(wasm)
	return hex.EncodeToString(hash[:])
}

func encodeConfiguration(layer v1.Descriptor) ([]byte, error) {
	return json.Marshal(configuration{epoch, "wasm", "wasip1", []digest.Digest{layer.Digest}})
}
