package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

//go:embed cases
var cases embed.FS

// policyCase is one evaluation, and what must come of it.
type policyCase struct {
	Name      string            `json:"name"`
	Config    map[string]string `json:"config"`
	Translate bool              `json:"translate"`
	Sources   []string          `json:"sources"`
	Facts     map[string]string `json:"facts"`
	// Large is how many characters of three bytes the fact "large" has; 0: there is
	// none.
	Large int `json:"large"`

	// Class and Message are those of the error that must come, if Class is set; at
	// AtLoad already. Message is a regular expression, and empty for any.
	Class   string `json:"class"`
	AtLoad  bool   `json:"atLoad"`
	Message string `json:"message"`
	// Else Entries, Reads and Log must be these; where one is not given in the file,
	// anything may be.
	Entries *[]entry `json:"entries"`
	Reads   *[]read  `json:"reads"`
	Log     *[]line  `json:"log"`
	// Count is how many entries there must be, if they are not given.
	Count int `json:"count"`
}

// readCases returns the cases for a kind of modules: sample, probe, raw, or the name
// of a misfit.
func readCases(kind string) ([]policyCase, error) {
	name := path.Join("cases", kind+".json")
	text, err := cases.ReadFile(name)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var all []policyCase
	if err := decoder.Decode(&all); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

// run tries a module on a case and says what is wrong; empty if nothing is. The
// error is the host's.
func (c policyCase) run(h *host, m module) (problem string, err error) {
	failed, err := h.load(load{m.name, m.wasm, c.Config, c.Translate, c.Sources})
	if err != nil {
		return "", err
	}
	if c.AtLoad {
		return c.checkFailure(failed), nil
	}
	if failed != nil {
		return fmt.Sprintf("not loaded: %s: %s", failed.Class, failed.Message), nil
	}
	facts := map[string]string{}
	maps.Copy(facts, c.Facts)
	if c.Large > 0 {
		facts["large"] = strings.Repeat("€", c.Large)
	}
	var first []byte
	for range 2 {
		a, err := h.ask(request{Decide: &decide{facts}})
		if err != nil {
			return "", err
		}
		if problem := c.check(a); problem != "" {
			return problem, nil
		}
		a.Log = nil // may be dropped where there is much of it
		again, err := json.Marshal(a)
		if err != nil {
			return "", err
		}
		if first != nil && !bytes.Equal(first, again) {
			return fmt.Sprintf("another answer the second time:\nfirst  %s\nsecond %s", first, again), nil
		}
		first = again
	}
	return "", nil
}

func (c policyCase) check(a answer) string {
	switch {
	case c.Class != "":
		return c.checkFailure(a.Error)
	case a.Error != nil:
		return fmt.Sprintf("failed: %s: %s", a.Error.Class, a.Error.Message)
	case c.Entries != nil && !slices.Equal(a.Entries, *c.Entries):
		return fmt.Sprintf("entries: got  %+v\nwant %+v", a.Entries, *c.Entries)
	case c.Count != 0 && len(a.Entries) != c.Count:
		return fmt.Sprintf("%d entries, want %d", len(a.Entries), c.Count)
	case c.Reads != nil && !slices.Equal(a.Reads, *c.Reads):
		return fmt.Sprintf("reads: got  %+v\nwant %+v", a.Reads, *c.Reads)
	case c.Log != nil && !slices.Equal(a.Log, *c.Log):
		return fmt.Sprintf("log: got  %+v\nwant %+v", a.Log, *c.Log)
	}
	return ""
}

func (c policyCase) checkFailure(f *failure) string {
	switch {
	case f == nil:
		return "no error, want " + c.Class
	case f.Class != c.Class:
		return fmt.Sprintf("error %s: %s\nwant  %s", f.Class, f.Message, c.Class)
	}
	if matched, err := regexp.MatchString(c.Message, f.Message); err != nil || !matched {
		return fmt.Sprintf("error %q\nwant  %s", f.Message, c.Message)
	}
	return ""
}
