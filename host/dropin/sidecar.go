package dropin

import (
	"fmt"
	"regexp"

	"github.com/snatd/snatd/host/document"
)

// Sidecar is what an operator says about one module; without the file it is the
// zero Sidecar, which grants nothing.
type Sidecar struct {
	Config map[string]string // the facts config.<key>; shared, do not change it
	Grants Grants
	SHA256 string // of the module, in hexadecimal; empty: any
}

// Grants are what a module may do beyond excluding.
type Grants struct {
	Translate bool // to the node's primary address
}

// maxSidecar is how large a sidecar may be, in bytes.
const maxSidecar = 1 << 20

// mode is what becomes of a module's decisions. There is one.
type mode string

const enforce mode = "enforce"

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *mode) UnmarshalText(text []byte) error {
	if mode(text) != enforce {
		return fmt.Errorf("%q is not supported by this version; accepted: %s", text, enforce)
	}
	*m = enforce
	return nil
}

// source is an address to translate to, which nothing compiles yet: a module
// that used it would stop every other's decisions.
type source string

// UnmarshalText implements encoding.TextUnmarshaler.
func (*source) UnmarshalText(text []byte) error {
	return fmt.Errorf("%q: translating to an address other than the primary one is not available in this version; accepted: translate: true", text)
}

// hash is a SHA-256 in hexadecimal.
type hash string

var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *hash) UnmarshalText(text []byte) error {
	if !hashPattern.Match(text) {
		return fmt.Errorf("%q is not a SHA-256; accepted: 64 lower-case hexadecimal digits", text)
	}
	*h = hash(text)
	return nil
}

// parseSidecar decodes a sidecar file; its errors name the file, the line and
// the key.
func parseSidecar(path string, text []byte) (Sidecar, error) {
	var file struct {
		Config map[string]string `yaml:"config"`
		Grants struct {
			Translate bool     `yaml:"translate"`
			Sources   []source `yaml:"sources"`
		} `yaml:"grants"`
		SHA256 hash `yaml:"sha256"`
		Mode   mode `yaml:"mode"`
	}
	if err := document.Decode(path, text, &file); err != nil {
		return Sidecar{}, err
	}
	return Sidecar{
		Config: file.Config,
		Grants: Grants{Translate: file.Grants.Translate},
		SHA256: string(file.SHA256),
	}, nil
}
