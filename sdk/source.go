package sdk

// Source is where facts come from: the host in a module, Map in a unit test.
// The host records every call: a decision is a pure function of what it read.
type Source interface {
	// Fact returns the value of a fact, and whether it exists.
	Fact(key string) (value string, ok bool)
	// FactKeys returns the keys that begin with prefix, sorted.
	FactKeys(prefix string) []string
}
