package nft

import (
	"fmt"
	"strings"
)

// String gives the table as nft prints it, with one element a line. It is a
// file that "nft -f" accepts; a nil table is the empty file. What snatd never makes
// is named, and not in a syntax that nft knows.
func (t *Table) String() string {
	if t == nil {
		return ""
	}
	blocks := make([]string, 0, len(t.Other)+len(t.Counters)+len(t.Maps)+len(t.Chains))
	for _, what := range t.Other {
		blocks = append(blocks, "\t# "+what+"\n")
	}
	for _, name := range t.Counters {
		blocks = append(blocks, "\tcounter "+name+" {\n\t}\n")
	}
	for _, m := range t.Maps {
		blocks = append(blocks, m.text())
	}
	for _, c := range t.Chains {
		blocks = append(blocks, c.text())
	}
	return "table ip " + t.Name + " {\n" + strings.Join(blocks, "\n") + "}\n"
}

func (m Map) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\tmap %s {\n\t\ttype %s\n", m.Name, mapType(m.Addresses))
	if m.Other != "" {
		fmt.Fprintf(&b, "\t\t# %s\n", m.Other)
	}
	if m.Interval {
		b.WriteString("\t\tflags interval\n")
	}
	if len(m.Elements) > 0 {
		b.WriteString("\t\telements = {\n")
		writeElements(&b, "\t\t\t", m.Elements)
		b.WriteString("\t\t}\n")
	}
	b.WriteString("\t}\n")
	return b.String()
}

// mapType is what a map leads from and to.
func mapType(addresses bool) string {
	if addresses {
		return "ipv4_addr : ipv4_addr"
	}
	return "ipv4_addr : verdict"
}

func (c Chain) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\tchain %s {\n", c.Name)
	if c.Hook != nil {
		fmt.Fprintf(&b, "\t\t%s\n", c.Hook)
	}
	for _, r := range c.Rules {
		fmt.Fprintf(&b, "\t\t%s\n", r)
	}
	b.WriteString("\t}\n")
	return b.String()
}

// String gives the rule without the chain it is in.
func (r Rule) String() string {
	parts := make([]string, len(r))
	for i, e := range r {
		parts[i] = e.String()
	}
	return strings.Join(parts, " ")
}
