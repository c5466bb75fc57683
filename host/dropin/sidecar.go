package dropin

import (
	"fmt"
	"net/netip"
	"regexp"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/host/policy"
)

// Sidecar is what an operator says about one module; without the file it is the
// zero Sidecar with ModeEnforce, which grants nothing.
type Sidecar struct {
	Config map[string]string // the facts config.<key>
	Grants policy.Grants
	SHA256 string // of the module, in hexadecimal; empty: any
	Mode   Mode
}

// Mode is what becomes of a module's decisions.
type Mode string

// ModeEnforce puts decisions into the kernel.
const ModeEnforce Mode = "enforce"

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mode) UnmarshalText(text []byte) error {
	if Mode(text) != ModeEnforce {
		return fmt.Errorf("%q is not supported by this version; accepted: %s", text, ModeEnforce)
	}
	*m = ModeEnforce
	return nil
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
			Translate bool         `yaml:"translate"`
			Sources   []netip.Addr `yaml:"sources"`
		} `yaml:"grants"`
		SHA256 hash `yaml:"sha256"`
		Mode   Mode `yaml:"mode"`
	}
	file.Mode = ModeEnforce
	if err := document.Decode(path, text, &file); err != nil {
		return Sidecar{}, err
	}
	return Sidecar{
		Config: file.Config,
		Grants: policy.Grants{Translate: file.Grants.Translate, Sources: file.Grants.Sources},
		SHA256: string(file.SHA256),
		Mode:   file.Mode,
	}, nil
}
