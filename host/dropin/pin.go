package dropin

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"regexp"
	"strings"

	"github.com/snatd/snatd/host/file"
	"github.com/snatd/snatd/host/signature"
)

// Pin binds a sidecar to one module.
type Pin struct {
	SHA256  string // of the module, in hexadecimal
	Comment string // where it is from, on one line
	// PublicKey is by whom modules have to be signed from now on; none: as the sidecar
	// says already.
	PublicKey signature.PublicKey
}

// pinned is the line of a sidecar that has the hash, as people write it.
var pinned = regexp.MustCompile(`(?m)^sha256:.*$`)

// Sidecar returns the text of a sidecar with the pin in it, and who has to have signed the
// module by that. All else that the file says stays as it is written, with its comments. A
// file that does not exist is empty; nothing is written. Errors name the file.
func (p Pin) Sidecar(path string) ([]byte, signature.PublicKey, error) {
	text, err := file.Read(path, maxSidecar)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, signature.PublicKey{}, err
	}
	want, err := parseSidecar(path, text)
	if err != nil {
		return nil, signature.PublicKey{}, err
	}
	after := string(text)
	if p.PublicKey.Given() && !want.PublicKey.Equal(p.PublicKey) {
		if want.PublicKey.Given() {
			return nil, signature.PublicKey{}, fmt.Errorf("%s: publicKey is another key than the one that is given; accepted: the same, "+
				"or remove publicKey there if modules of that key are wanted no more", path)
		}
		key, err := p.PublicKey.Encode()
		if err != nil {
			return nil, signature.PublicKey{}, err
		}
		after = addLine(after, "publicKey: |\n  "+strings.ReplaceAll(strings.TrimSpace(string(key)), "\n", "\n  "))
		want.PublicKey = p.PublicKey
	}
	if want.SHA256 != p.SHA256 {
		line := "sha256: " + p.SHA256 + " # " + p.Comment
		if at := pinned.FindStringIndex(after); at != nil {
			after = after[:at[0]] + line + after[at[1]:]
		} else {
			after = addLine(after, line)
		}
		want.SHA256 = p.SHA256
	}
	// A sidecar that is written in braces, say, cannot be added to by lines.
	if got, err := parseSidecar(path, []byte(after)); err != nil || !reflect.DeepEqual(got, want) {
		return nil, signature.PublicKey{}, fmt.Errorf("%s: its form leaves no place to write the pin; accepted: each key on a line of its own, "+
			"or this in it before: sha256: %s", path, p.SHA256)
	}
	return []byte(after), want.PublicKey, nil
}

// addLine adds a line at the end of a text.
func addLine(text, line string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + line + "\n"
}
