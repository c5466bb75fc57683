package author

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/file"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk/abi"
)

// AnnotateReport is a module after Annotate.
type AnnotateReport struct {
	Module   string          `json:"module"` // path of the file that was written
	SHA256   string          `json:"sha256"` // of what is in it now
	Metadata policy.Metadata `json:"metadata"`
}

// Annotate writes metadata into a module FILE.wasm, or into a copy of it at another path
// if to is not empty. What they leave empty stays as the module has it. The file is
// replaced as a whole.
func Annotate(path, to string, m policy.Metadata) (AnnotateReport, error) {
	if strings.HasSuffix(path, ".gz") || strings.HasSuffix(to, ".gz") {
		return AnnotateReport{}, errors.New("a compressed module; accepted: FILE.wasm, to be compressed after that")
	}
	wasm, err := dropin.ReadWasm(path)
	if err != nil {
		return AnnotateReport{}, err
	}
	// What cannot be read is written anew.
	if before, err := policy.ReadMetadata(wasm); err == nil && before != nil {
		m = m.Or(*before)
	}
	m.ABI = cmp.Or(m.ABI, abi.Module)
	if err := checkGlobs(m.Facts); err != nil {
		return AnnotateReport{}, err
	}
	slices.Sort(m.Facts)
	annotated, err := policy.Annotate(wasm, m)
	if err != nil {
		return AnnotateReport{}, fmt.Errorf("%s: %w", path, err)
	}
	to = cmp.Or(to, path)
	if err := file.Replace(to, annotated); err != nil {
		return AnnotateReport{}, err
	}
	sum := sha256.Sum256(annotated)
	return AnnotateReport{to, hex.EncodeToString(sum[:]), m}, nil
}

// checkGlobs refuses globs of which no fact can be: they are mistyped.
func checkGlobs(globs []string) error {
	for _, glob := range globs {
		literal, _, open := strings.Cut(glob, "*")
		if !known(literal, open) {
			return errors.New("--fact: " + suggestion(glob))
		}
	}
	return nil
}
