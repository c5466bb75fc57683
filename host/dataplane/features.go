package dataplane

import (
	"fmt"
	"strings"
)

// Feature is something that a kernel has or lacks.
type Feature struct {
	// Name says what it is.
	Name string `json:"name"`
	// Needed says that snatd cannot work without.
	Needed bool `json:"needed"`
	// Minimum is the first Linux that has it, such as "4.10", where it is built in or
	// its module can be loaded: Module names the build option.
	Minimum string `json:"minimum"`
	Module  string `json:"module"`
	// Found says that the kernel has it.
	Found bool `json:"found"`
	// Answer is what the kernel said when it was tried, if it is not found.
	Answer string `json:"answer,omitempty"`
}

// Names of features.
const (
	Tables          = "nf_tables"
	Translation     = "address translation"
	IntervalMaps    = "interval maps"
	ConnectionState = "ct status and mark"
	LocalAddresses  = "fib address type"
	InputInPost     = "iif in postrouting"
	Counting        = "named counters"
	Protecting      = "tables with owner and persist"
)

// Features is what was found of a kernel.
type Features struct {
	Release string `json:"release"` // as "uname -r" tells it
	// List is what it has, and has not.
	List []Feature `json:"features"`
}

// Has tells whether the kernel has a feature.
func (f Features) Has(name string) bool {
	for _, feature := range f.List {
		if feature.Name == name {
			return feature.Found
		}
	}
	return false
}

// String is a line per feature, each with its end.
func (f Features) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "Linux %s\n", f.Release)
	for _, feature := range f.List {
		fmt.Fprintf(&text, "  %s\n", feature)
	}
	return text.String()
}

func (f Feature) String() string {
	if f.Found {
		return fmt.Sprintf("%-30s found, since Linux %s", f.Name, f.Minimum)
	}
	needed := "not needed"
	if f.Needed {
		needed = "needed"
	}
	return fmt.Sprintf("%-30s missing, %s: %s", f.Name, needed, f.minimum())
}

// minimum says how to get the feature.
func (f Feature) minimum() string { return fmt.Sprintf("Linux %s with %s", f.Minimum, f.Module) }

// missing is the error that names what the kernel lacks and snatd needs; nil if nothing.
func (f Features) missing() error {
	var names []string
	for _, feature := range f.List {
		if feature.Needed && !feature.Found {
			names = append(names, fmt.Sprintf("%s (%s)", feature.Name, feature.minimum()))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%w: Linux %s lacks %s: %s", ErrUnsupported, f.Release, strings.Join(names, ", "), needKernel)
}
