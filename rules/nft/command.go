package nft

import (
	"fmt"
	"strings"
)

// String gives the plan as a file for "nft -f", which leads to the same table in one
// transaction; the dataplane applies it in phases. The empty plan is the empty file.
func (p Plan) String() string {
	var b strings.Builder
	for _, op := range p {
		b.WriteString(op.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// String gives a comment: a file for nft is one transaction.
func (o Then) String() string {
	if o.Settle {
		return "# then, when the packets on their way have passed"
	}
	return "# then"
}

func (o AddTable) String() string    { return "add table ip " + o.Table }
func (o DeleteTable) String() string { return "delete table ip " + o.Table }

func (o AddCounter) String() string { return fmt.Sprintf("add counter ip %s %s", o.Table, o.Name) }

func (o DeleteCounter) String() string {
	return fmt.Sprintf("delete counter ip %s %s", o.Table, o.Name)
}

func (o AddChain) String() string {
	text := fmt.Sprintf("add chain ip %s %s", o.Table, o.Name)
	if o.Hook != nil {
		text += fmt.Sprintf(" { %s }", o.Hook)
	}
	return text
}

func (o FlushChain) String() string  { return fmt.Sprintf("flush chain ip %s %s", o.Table, o.Name) }
func (o DeleteChain) String() string { return fmt.Sprintf("delete chain ip %s %s", o.Table, o.Name) }

func (o AddRule) String() string {
	return fmt.Sprintf("add rule ip %s %s %s", o.Table, o.Chain, o.Rule)
}

func (o AddMap) String() string {
	flags := ""
	if o.Interval {
		flags = " flags interval;"
	}
	return fmt.Sprintf("add map ip %s %s { type %s;%s }", o.Table, o.Name, mapType(o.Addresses), flags)
}

func (o DeleteMap) String() string { return fmt.Sprintf("delete map ip %s %s", o.Table, o.Name) }

func (o AddElements) String() string {
	return elementsCommand("add", o.Table, o.Map, o.Elements)
}

func (o DeleteElements) String() string {
	return elementsCommand("delete", o.Table, o.Map, o.Elements)
}

// elementsCommand keeps the most frequent change, one pod, on one line.
func elementsCommand(verb, table, name string, elements []Element) string {
	head := fmt.Sprintf("%s element ip %s %s {", verb, table, name)
	if len(elements) == 1 {
		return head + " " + elements[0].String() + " }"
	}
	var b strings.Builder
	b.WriteString(head + "\n")
	writeElements(&b, "\t", elements)
	b.WriteString("}")
	return b.String()
}
