package nft

import "fmt"

// Plan is the list of changes that turns one table into another, in an order in
// which the kernel accepts them in one transaction. Packets can see a mix then;
// Phases prevents that.
type Plan []Op

// Op is one change. String gives it as an nft command, of one line or, for many
// elements, one line per element; the commands of a plan are a file for "nft -f".
type Op interface {
	fmt.Stringer
	op()
}

type (
	// Then parts changes that must not be one transaction. Settle also waits until every
	// packet has left that those in front of it have overtaken on its way through the hooks.
	Then struct{ Settle bool }
	// AddTable creates a table; it is no error if the table exists.
	AddTable struct{ Table string }
	// DeleteTable removes a table with all that is in it.
	DeleteTable struct{ Table string }
	// AddCounter creates a counter that has counted nothing; it is no error if the
	// counter exists, and changes nothing.
	AddCounter struct{ Table, Name string }
	// DeleteCounter removes a counter that no rule refers to.
	DeleteCounter struct{ Table, Name string }
	// AddChain creates a chain without rules.
	AddChain struct {
		Table string
		Name  string
		Hook  *Hook
	}
	// FlushChain removes all rules of a chain.
	FlushChain struct{ Table, Name string }
	// DeleteChain removes a chain that nothing refers to.
	DeleteChain struct{ Table, Name string }
	// AddRule appends a rule to a chain.
	AddRule struct {
		Table string
		Chain string
		Rule  Rule
	}
	// AddMap creates a map without elements.
	AddMap struct {
		Table     string
		Name      string
		Interval  bool
		Addresses bool
	}
	// DeleteMap removes a map that no rule refers to.
	DeleteMap struct{ Table, Name string }
	// AddElements adds elements to a map that holds nothing that overlaps.
	AddElements struct {
		Table    string
		Map      string
		Interval bool
		Elements []Element
	}
	// DeleteElements removes elements, each given as it was added.
	DeleteElements struct {
		Table    string
		Map      string
		Interval bool
		Elements []Element
	}
)

func (Then) op()           {}
func (AddTable) op()       {}
func (DeleteTable) op()    {}
func (AddCounter) op()     {}
func (DeleteCounter) op()  {}
func (AddChain) op()       {}
func (FlushChain) op()     {}
func (DeleteChain) op()    {}
func (AddRule) op()        {}
func (AddMap) op()         {}
func (DeleteMap) op()      {}
func (AddElements) op()    {}
func (DeleteElements) op() {}
