package author

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/rules"
)

// casesFile is a file with test cases of one module. Paths in it begin at its folder.
type casesFile struct {
	Module  string `yaml:"module"`  // empty: FILE.wasm for FILE_test.yaml
	Sidecar string `yaml:"sidecar"` // empty: that beside the module, if it exists
	// Facts are those of all cases, inline or in a file; without both the example's.
	Facts     facts.Document `yaml:"facts"`
	FactsFile string         `yaml:"factsFile"`
	// What is in no facts file.
	PrimaryAddress netip.Addr     `yaml:"primaryAddress"`
	Addresses      []netip.Addr   `yaml:"addresses"`
	External       bool           `yaml:"external"`
	ExcludeCIDRs   []netip.Prefix `yaml:"excludeCIDRs"`
	Cases          []testCase     `yaml:"cases"`

	path   string
	source *document.Document
	// assumed says that Module is what the file's name stands for.
	assumed bool
}

// testCase is one question to the module, and the answer that is expected.
type testCase struct {
	Name string `yaml:"name"` // empty: the question
	// In the place of those of the file.
	Facts        facts.Document    `yaml:"facts"`
	FactsFile    string            `yaml:"factsFile"`
	External     *bool             `yaml:"external"`     // nil: what the file says
	ExcludeCIDRs []netip.Prefix    `yaml:"excludeCIDRs"` // nil: those of the file
	Config       map[string]string `yaml:"config"`       // settings, in the place of the sidecar's
	From         string            `yaml:"from"`         // "node", which is the default, or "namespace/name"
	To           netip.Addr        `yaml:"to"`
	Action       action            `yaml:"action"`
	Source       netip.Addr        `yaml:"source"` // of translate; not asked if it is absent
	Reason       string            `yaml:"reason"` // not asked if it is empty
	Fails        string            `yaml:"fails"`  // a part of the message; then nothing else is expected
}

// action is what is expected for a destination.
type action string

// none is that the module says nothing about a destination: those behind it decide.
const none action = "none"

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *action) UnmarshalText(text []byte) error {
	switch *a = action(text); *a {
	case action(rules.Exclude), action(rules.Translate), none:
		return nil
	}
	return fmt.Errorf("%s is unknown, accepted: %s, %s, %s", document.Quote(string(text)), rules.Exclude, rules.Translate, none)
}

// casesSuffix is how files with cases end.
const casesSuffix = "_test.yaml"

// readCases reads a file with cases. Errors name the file, the line and the key.
func readCases(path string) (*casesFile, error) {
	source, err := document.Load(path, document.Limit)
	if err != nil {
		return nil, err
	}
	f := &casesFile{path: path, source: source}
	if err := source.Decode(f); err != nil {
		return nil, err
	}
	if f.Module == "" {
		stem, ok := strings.CutSuffix(filepath.Base(path), casesSuffix)
		if !ok {
			return nil, source.Errorf("module", "missing, accepted: the path of a module; a file FILE%s may leave out FILE.wasm", casesSuffix)
		}
		f.Module, f.assumed = stem+".wasm", true
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f, nil
}

// check refuses what asks for nothing, or for what cannot be.
func (f *casesFile) check() error {
	if len(f.Cases) == 0 {
		return f.source.Errorf("cases", "none, accepted: a list of at least one case")
	}
	if given(f.Facts) && f.FactsFile != "" {
		return f.source.Errorf("factsFile", "there are facts in the file too, accepted: one of facts and factsFile")
	}
	for i, c := range f.Cases {
		at := func(key string) string { return fmt.Sprintf("cases[%d].%s", i, key) }
		answered := c.Action != "" || c.Source.IsValid() || c.Reason != ""
		switch {
		case given(c.Facts) && c.FactsFile != "":
			return f.source.Errorf(at("factsFile"), "there are facts in the case too, accepted: one of facts and factsFile")
		case c.Fails != "" && answered:
			return f.source.Errorf(at("fails"), "what fails has no other answer, accepted: fails alone, or action with source and reason")
		case c.Fails == "" && (c.Action == "" || !c.To.Is4()):
			return f.source.Errorf(at("to"), "nothing is expected, accepted: to, an IPv4 address, and action; or fails")
		case c.To.IsValid() && !c.To.Is4():
			return f.source.Errorf(at("to"), "%s, accepted: an IPv4 address", c.To)
		case c.Source.IsValid() && c.Action != action(rules.Translate):
			return f.source.Errorf(at("source"), "accepted with action: translate")
		case c.Reason != "" && c.Action == none:
			return f.source.Errorf(at("reason"), "a module that says nothing has no reason, accepted with exclude and translate")
		}
	}
	return nil
}

// given says whether facts are there.
func given(d facts.Document) bool { return !reflect.ValueOf(d).IsZero() }

// checkModule refuses a file that names no module, and whose own name stands for none
// either. It is no error of reading the file: the module may be there in a moment.
func (f *casesFile) checkModule() error {
	if _, err := os.Stat(f.beside(f.Module)); f.assumed && errors.Is(err, fs.ErrNotExist) {
		return f.source.Errorf("module", "missing, and there is no %s, accepted: the path of a module, or that one built", f.Module)
	}
	return nil
}

// beside is a path in the file as one from here; empty stays empty.
func (f *casesFile) beside(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.path), path)
}

// paths are the files that the cases are about.
func (f *casesFile) paths() []string {
	module := f.beside(f.Module)
	list := []string{f.path, module, cmp.Or(f.beside(f.Sidecar), strings.TrimSuffix(strings.TrimSuffix(module, ".gz"), ".wasm")+".yaml")}
	for _, c := range append([]testCase{{FactsFile: f.FactsFile}}, f.Cases...) {
		if c.FactsFile != "" {
			list = append(list, f.beside(c.FactsFile))
		}
	}
	return list
}

// question is what a case asks.
func (c testCase) question() string {
	text := "from " + c.from()
	if c.To.IsValid() {
		text += " to " + c.To.String()
	}
	return text
}

func (c testCase) from() string { return cmp.Or(c.From, "node") }

// facts are those of a case, checked. Errors have their place in the file.
func (f *casesFile) facts(i int, o Options) (*facts.Snapshot, error) {
	c := f.Cases[i]
	o.Addresses, o.External, o.ExcludeCIDRs = f.Addresses, f.External, f.ExcludeCIDRs
	if c.External != nil {
		o.External = *c.External
	}
	if c.ExcludeCIDRs != nil {
		o.ExcludeCIDRs = c.ExcludeCIDRs
	}
	if f.PrimaryAddress.IsValid() {
		o.PrimaryAddress = f.PrimaryAddress
	}
	key := fmt.Sprintf("cases[%d].facts", i)
	inline, file := c.Facts, c.FactsFile
	if !given(inline) && file == "" {
		key, inline, file = "facts", f.Facts, f.FactsFile
	}
	if given(inline) {
		snapshot, err := newSnapshot(&inline, o)
		if err != nil {
			return nil, f.source.Errorf(key, "%v", err)
		}
		return snapshot, nil
	}
	o.Facts = f.beside(file)
	return readFacts(o)
}
