package main

// A host is driven by lines of JSON: one request, one answer. PROTOCOL.md says the
// same to authors of hosts.

// request is what the suite asks a host for: exactly one of the two.
type request struct {
	Load   *load   `json:"load,omitempty"`
	Decide *decide `json:"decide,omitempty"`
}

// load replaces the module of the requests that follow. The host checks the module
// and its configuration, as it does before a module may decide.
type load struct {
	Name      string            `json:"name"`
	Wasm      []byte            `json:"wasm"`      // base64
	Config    map[string]string `json:"config"`    // the facts config.<key>
	Translate bool              `json:"translate"` // granted
	Sources   []string          `json:"sources"`   // granted
}

// decide evaluates the module on these facts.
type decide struct {
	Facts map[string]string `json:"facts"`
}

// answer is what came of a request. Of a load only Error counts.
type answer struct {
	Error *failure `json:"error,omitempty"`
	// Entries are what the module decided, in the order of its calls; none is no
	// opinion.
	Entries []entry `json:"entries,omitempty"`
	// Reads are what the decision is a function of, in the order of the first read
	// of each.
	Reads []read `json:"reads,omitempty"`
	// Log are the lines that the module logged, also if it failed.
	Log []line `json:"log,omitempty"`
}

// failure is an error of the module's.
type failure struct {
	Class   string `json:"class"` // one of package abi's
	Message string `json:"message"`
}

type entry struct {
	Prefix    string `json:"prefix"`
	Translate bool   `json:"translate,omitempty"`
	Source    string `json:"source,omitempty"` // empty: the primary address
	Reason    string `json:"reason"`
}

type read struct {
	Key     string `json:"key"`
	Value   string `json:"value,omitempty"`
	Found   bool   `json:"found,omitempty"`
	Listing bool   `json:"listing,omitempty"` // the sorted keys, each ended by a NUL
}

type line struct {
	Level int    `json:"level"`
	Text  string `json:"text"`
}
