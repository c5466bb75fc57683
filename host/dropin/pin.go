package dropin

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/file"
	"github.com/snatd/snatd/host/signature"
)

// Pin binds a sidecar to modules.
type Pin struct {
	SHA256 []string // of the modules that are accepted, in hexadecimal
	Origin string   // where the last of them is from: oci://REGISTRY/REPOSITORY@sha256:DIGEST
	// PublicKey is by whom modules have to be signed from now on; none: as the sidecar
	// says already.
	PublicKey signature.PublicKey
}

// pinned is the line of a sidecar that has the hash, as people write it: the key with its
// value, and a comment. The comment may begin with an origin that Pin wrote.
var pinned = regexp.MustCompile(`(?m)^(sha256:[^#\n]*?)[ \t\r]*(?:#(?: oci://\S+@sha256:[0-9a-f]+)?(.*))?$`)

// ReadSidecar reads the sidecar at a path; one that does not exist is the zero Sidecar.
// Errors name the file.
func ReadSidecar(path string) (Sidecar, error) {
	_, says, err := readSidecar(path)
	return says, err
}

func readSidecar(path string) ([]byte, Sidecar, error) {
	text, err := file.Read(path, maxSidecar)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, Sidecar{}, err
	}
	says, err := parseSidecar(path, text)
	return text, says, err
}

// Sidecar returns the text of a sidecar with the pin in it, and what that says. All else in
// the file stays as it is written, with its comments; only the origin of a pin before gives
// way to this one's. A file that does not exist is empty; nothing is written. Errors name
// the file.
func (p Pin) Sidecar(path string) ([]byte, Sidecar, error) {
	text, want, err := readSidecar(path)
	if err != nil {
		return nil, Sidecar{}, err
	}
	after := string(text)
	same := slices.Equal(want.SHA256, p.SHA256)
	line := "sha256: " + strings.Join(p.SHA256, " ")
	if at := pinned.FindStringSubmatchIndex(after); at != nil {
		if same {
			line = after[at[2]:at[3]]
		}
		line += " # " + p.Origin
		if at[4] >= 0 {
			line += strings.TrimRight(after[at[4]:at[5]], "\r")
		}
		after = after[:at[0]] + line + after[at[1]:]
	} else if !same {
		after = addLine(after, line+" # "+p.Origin)
	}
	want.SHA256 = p.SHA256
	if p.PublicKey.Given() && !want.PublicKey.Equal(p.PublicKey) {
		if want.PublicKey.Given() {
			return nil, Sidecar{}, fmt.Errorf("%s: publicKey is another key than the one that is given; accepted: the same, "+
				"or remove publicKey there if modules of that key are wanted no more", path)
		}
		key, err := p.PublicKey.Encode()
		if err != nil {
			return nil, Sidecar{}, err
		}
		after = addLine(after, "publicKey: |\n  "+strings.ReplaceAll(strings.TrimSpace(string(key)), "\n", "\n  "))
		want.PublicKey = p.PublicKey
	}
	// A sidecar that is written in braces, say, cannot be added to by lines.
	if got, err := parseSidecar(path, []byte(after)); err != nil || !reflect.DeepEqual(got, want) {
		return nil, Sidecar{}, fmt.Errorf("%s: its form leaves no place to write the pin; accepted: each key on a line of its own, "+
			"or this in it before: sha256: %s", path, strings.Join(p.SHA256, " "))
	}
	return []byte(after), want, nil
}

// addLine adds a line at the end of a text.
func addLine(text, line string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + line + "\n"
}
