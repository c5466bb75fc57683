package dropin

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/host/signature"
)

// Sidecar is what an operator says about one module; without the file it is the
// zero Sidecar, which grants nothing.
type Sidecar struct {
	Config map[string]string // the facts config.<key>; shared, do not change it
	Grants Grants
	SHA256 []string // the module has one of these, in hexadecimal; empty: any
	// PublicKey is by whom the module has to be signed; none: by nobody.
	PublicKey signature.PublicKey
	Shadow    bool // its decisions are told and never enforced
}

// Grants are what a module may do beyond excluding.
type Grants struct {
	Translate bool         // to the node's primary address
	Sources   []netip.Addr // to these addresses, as far as the primary interface holds them
}

// maxSidecar is how large a sidecar may be, in bytes.
const maxSidecar = 1 << 20

// mode is what becomes of a module's decisions.
type mode string

// The two modes; empty is enforce.
const (
	enforce mode = "enforce"
	shadow  mode = "shadow" // evaluated and told, never enforced
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *mode) UnmarshalText(text []byte) error {
	if *m = mode(text); *m != enforce && *m != shadow {
		return fmt.Errorf("%q is unknown, accepted: %s, %s", text, enforce, shadow)
	}
	return nil
}

// source is an address to translate to.
type source netip.Addr

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *source) UnmarshalText(text []byte) error {
	addr, err := document.ParseAddr(string(text))
	if err != nil {
		return err
	}
	if !addr.Is4() || !addr.IsGlobalUnicast() {
		return fmt.Errorf("%q cannot be a source, accepted: a unicast IPv4 address of the node, such as 10.0.0.11", text)
	}
	*s = source(addr)
	return nil
}

// hashes are SHA-256 in hexadecimal, with spaces between.
type hashes []string

var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *hashes) UnmarshalText(text []byte) error {
	*h = strings.Fields(string(text))
	for _, hash := range *h {
		if !hashPattern.MatchString(hash) {
			return fmt.Errorf("%q is not a SHA-256; accepted: 64 lower-case hexadecimal digits, or several of these with spaces between", hash)
		}
	}
	return nil
}

// Encode writes a sidecar that says the same of the module with a hash, and no more: that
// needs no signature. It is enforced.
func (s Sidecar) Encode(sha256 string) ([]byte, error) {
	var file struct {
		Config map[string]string `yaml:"config"`
		Grants struct {
			Translate bool         `yaml:"translate"`
			Sources   []netip.Addr `yaml:"sources"`
		} `yaml:"grants"`
		SHA256 string `yaml:"sha256"`
	}
	file.Config, file.Grants.Translate, file.Grants.Sources, file.SHA256 = s.Config, s.Grants.Translate, s.Grants.Sources, sha256
	return document.Encode(file)
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
		SHA256    hashes              `yaml:"sha256"`
		PublicKey signature.PublicKey `yaml:"publicKey"`
		Mode      mode                `yaml:"mode"`
	}
	doc, err := document.Parse(path, text, document.Limit)
	if err == nil {
		err = doc.Decode(&file)
	}
	if err != nil {
		return Sidecar{}, err
	}
	// What somebody meant to ask for is not to be taken for nothing.
	if doc.Line("sha256") > 0 && len(file.SHA256) == 0 {
		return Sidecar{}, doc.Errorf("sha256", "no value, accepted: 64 lower-case hexadecimal digits, or no such key")
	}
	if doc.Line("publicKey") > 0 && !file.PublicKey.Given() {
		return Sidecar{}, doc.Errorf("publicKey", "no value, accepted: a public key in PEM, or no such key")
	}
	sidecar := Sidecar{
		Config:    file.Config,
		Grants:    Grants{Translate: file.Grants.Translate},
		SHA256:    file.SHA256,
		PublicKey: file.PublicKey,
		Shadow:    file.Mode == shadow,
	}
	for _, addr := range file.Grants.Sources {
		sidecar.Grants.Sources = append(sidecar.Grants.Sources, netip.Addr(addr))
	}
	return sidecar, nil
}
