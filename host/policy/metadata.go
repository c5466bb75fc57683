package policy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/snatd/snatd/sdk/abi"
)

// Metadata is what a module's author says of it, in the custom section
// abi.MetadataSection. It is told and never acted on: whoever can write a module can
// write anything there.
type Metadata struct {
	// Name, Version and Author are as the author gave them.
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Author  string `json:"author,omitempty"`
	// ABI is the least that a host must have.
	ABI string `json:"abi"`
	// Facts are globs of the keys that it reads, where * stands for anything; nil if it
	// does not say.
	Facts []string `json:"facts,omitzero"`
}

// String is the name and the version.
func (m Metadata) String() string { return strings.TrimSpace(m.Name + " " + m.Version) }

// Or is these metadata, with what they leave empty from others.
func (m Metadata) Or(others Metadata) Metadata {
	m.Name, m.Version = cmp.Or(m.Name, others.Name), cmp.Or(m.Version, others.Version)
	m.Author, m.ABI = cmp.Or(m.Author, others.Author), cmp.Or(m.ABI, others.ABI)
	if m.Facts == nil {
		m.Facts = others.Facts
	}
	return m
}

// What metadata may have.
const (
	maxMetadata = 16 << 10 // bytes of the section
	maxAuthor   = 128      // bytes
	maxGlobs    = 256
)

var (
	metadataWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`)
	metadataABI  = regexp.MustCompile(`^snat_v[1-9][0-9]{0,3}$`)
)

// Check says what is wrong with metadata.
func (m Metadata) Check() error {
	const word = "a letter or digit, then at most 63 letters, digits and . _ + -"
	switch {
	case !metadataWord.MatchString(m.Name):
		return fmt.Errorf("name: %q; accepted: %s", m.Name, word)
	case m.Version != "" && !metadataWord.MatchString(m.Version):
		return fmt.Errorf("version: %q; accepted: %s", m.Version, word)
	case len(m.Author) > maxAuthor || !printable(m.Author):
		return fmt.Errorf("author: %q; accepted: at most %d bytes of printable text", m.Author, maxAuthor)
	case !metadataABI.MatchString(m.ABI):
		return fmt.Errorf("abi: %q; accepted: the name of an ABI, such as %s", m.ABI, abi.Module)
	case len(m.Facts) > maxGlobs:
		return fmt.Errorf("facts: %d globs; accepted: at most %d", len(m.Facts), maxGlobs)
	}
	for _, glob := range m.Facts {
		if glob == "" || len(glob) > abi.MaxKey || !printable(glob) {
			return fmt.Errorf("facts: %q; accepted: a key of a fact, in which * stands for anything", glob)
		}
	}
	return nil
}

// printable is true of UTF-8 that a terminal shows and does not obey.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) })
}

// Declares says whether metadata that declare facts have a glob for a read.
func (m Metadata) Declares(r Read) bool {
	for _, glob := range m.Facts {
		if Covers(glob, r) {
			return true
		}
	}
	return false
}

// Covers says whether a glob is of a fact that was read, or of all keys that could have
// been in a list.
func Covers(glob string, r Read) bool {
	key := r.Key
	if r.Listing {
		key += "*" // only a glob that ends in * goes on after this
	}
	parts := strings.Split(glob, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^(?s:" + strings.Join(parts, ".*") + ")$").MatchString(key)
}

// ReadMetadata finds the metadata in a module, without running it; nil if it has none.
func ReadMetadata(wasm []byte) (*Metadata, error) {
	sections, err := metadataSections(wasm)
	switch {
	case err != nil:
		return nil, err
	case len(sections) == 0:
		return nil, nil
	case len(sections) > 1:
		return nil, fmt.Errorf("%d sections %s; accepted: one", len(sections), abi.MetadataSection)
	}
	content := sections[0].content
	if len(content) > maxMetadata {
		return nil, fmt.Errorf("section %s: %d bytes; accepted: at most %d", abi.MetadataSection, len(content), maxMetadata)
	}
	m := &Metadata{}
	if err := json.Unmarshal(content, m); err != nil {
		return nil, fmt.Errorf("section %s: not the JSON of metadata: %w", abi.MetadataSection, err)
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("section %s: %w", abi.MetadataSection, err)
	}
	return m, nil
}

// Annotate returns a module with these metadata, in the place of any that it has. The
// rest of it stays as it is.
func Annotate(wasm []byte, m Metadata) ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	sections, err := metadataSections(wasm)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false) // of an address in <>
	if err := encoder.Encode(m); err != nil {
		return nil, err
	}
	if content.Len() > maxMetadata {
		return nil, fmt.Errorf("%d bytes of metadata; accepted: at most %d", content.Len(), maxMetadata)
	}
	edits := make([]edit, len(sections))
	for i, s := range sections {
		edits[i] = edit{from: s.from, to: s.to}
	}
	named := append(sized([]byte(abi.MetadataSection)), bytes.TrimSpace(content.Bytes())...)
	return append(append(bytes.Clone(apply(wasm, edits)), sectionCustom), sized(named)...), nil
}

// customSection is where a custom section stands, and what it holds behind its name.
type customSection struct {
	from, to int
	content  []byte
}

// metadataSections finds the sections that hold metadata.
func metadataSections(wasm []byte) (found []customSection, err error) {
	if err := checkHeader(wasm); err != nil {
		return nil, err
	}
	s := &scanner{data: wasm, at: len(coreHeader), end: len(wasm)}
	for s.at < len(wasm) && s.err == nil {
		from := s.at
		id := s.byte()
		size := s.count()
		end := s.at + size
		if id == sectionCustom {
			s.end = end
			name := s.text()
			s.end = len(wasm)
			if s.err == nil && name == abi.MetadataSection {
				found = append(found, customSection{from, end, wasm[s.at:end]})
			}
		}
		if s.err == nil {
			s.at = end
		}
	}
	if s.err != nil {
		return nil, errors.New("the module is " + s.err.Error())
	}
	return found, nil
}
