package nft

import "fmt"

// String gives the line that makes a chain a base chain.
func (h Hook) String() string {
	policy := "accept"
	if h.Policy != "" {
		policy = h.Policy
	}
	return fmt.Sprintf("type %s hook %s priority %s; policy %s;", h.Type, h.Point, h.priority(), policy)
}

// anchors are the priorities that nft has names for, where snatd uses them.
// nft knows dstnat only at prerouting and srcnat only at postrouting.
var anchors = []struct {
	point    string // "" is every hook
	priority int
	name     string
}{
	{"", PriorityMangle, "mangle"},
	{"prerouting", PriorityDNAT, "dstnat"},
	{"postrouting", PrioritySNAT, "srcnat"},
}

// priority writes a priority the way nft lists it: relative to a named one that
// is at most 10 away.
func (h Hook) priority() string {
	for _, a := range anchors {
		if a.point != "" && a.point != h.Point {
			continue
		}
		switch d := h.Priority - a.priority; {
		case d == 0:
			return a.name
		case d > 0 && d <= 10:
			return fmt.Sprintf("%s + %d", a.name, d)
		case d < 0 && d >= -10:
			return fmt.Sprintf("%s - %d", a.name, -d)
		}
	}
	return fmt.Sprint(h.Priority)
}
