package demo

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/rules"
)

func rowsOver(row Row, protos ...lab.Proto) []Row {
	var rows []Row
	for _, proto := range protos {
		row.Protocol = proto
		rows = append(rows, row)
	}
	return rows
}

func TestTable(t *testing.T) {
	var rows []Row
	rows = append(rows, rowsOver(Row{From: "pod-a", To: "vpc", Seen: "10.0.1.5", Action: rules.Exclude,
		Module: "default", Prefix: "10.0.0.0/16", Why: "vpc cidr", OK: true}, lab.TCP, lab.UDP)...)
	rows = append(rows, rowsOver(Row{From: "pod-b", To: "internet", Opened: "before", Seen: "10.0.0.10", Action: rules.Translate,
		Module: "default", Prefix: "0.0.0.0/0", Why: "outside the vpc", OK: true}, lab.TCP)...)
	for _, to := range []string{"vpc", "internet"} {
		rows = append(rows, rowsOver(Row{From: "host-network", To: to, Seen: "10.0.0.10", Action: rules.Exclude,
			Module: "none", Why: "host-network pod: its packets are the node's own and never translated", OK: true}, lab.TCP)...)
	}
	rows = append(rows, rowsOver(Row{From: "pod-b", To: "peered vpc", Action: rules.Exclude, Module: "10-peering",
		Prefix: "172.31.0.0/16", Why: "peered vpc", Problem: "no answer: context deadline exceeded"}, lab.TCP, lab.UDP)...)
	var out strings.Builder
	table(&out, linesOf(rows))
	want := `  FROM          TO              SEEN AS           DECIDED BY  WHY
  pod-a         vpc             10.0.1.5 own      default     vpc cidr (10.0.0.0/16)
  pod-b         internet, open  10.0.0.10 node's  default     outside the vpc
  host-network  everywhere      10.0.0.10 own     none        host-network pod: its packets are the
                                                              node's own and never translated
! pod-b         peered vpc      no answer         10-peering  peered vpc (172.31.0.0/16)
    tcp, udp: no answer: context deadline exceeded
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A line stands for several targets only if it is true of each.
func TestTargetsStayApart(t *testing.T) {
	vpc := Row{From: "pod-a", To: "vpc", Seen: "10.0.1.5", OK: true}
	peered := vpc
	peered.To = "peered vpc"
	for name, change := range map[string]func(*Row){
		"another source":      func(r *Row) { r.Seen = "10.0.0.10" },
		"another reason":      func(r *Row) { r.Why = "outside the vpc" },
		"another prefix":      func(r *Row) { r.Prefix = "172.31.0.0/16" },
		"one was open":        func(r *Row) { r.Opened = "before the change" },
		"another host":        func(r *Row) { r.From = "pod-b" },
		"another protocol":    func(r *Row) { r.Protocol = lab.UDP },
		"not as it should be": func(r *Row) { r.OK = false },
	} {
		other := peered
		change(&other)
		if lines := linesOf([]Row{vpc, other}); len(lines) != 2 {
			t.Errorf("%s: %d lines, want 2", name, len(lines))
		}
	}
	bad := func(r Row) Row {
		r.OK = false
		return r
	}
	if lines := linesOf([]Row{bad(vpc), bad(peered)}); len(lines) != 2 {
		t.Errorf("two problems: %d lines, want 2", len(lines))
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"one two three", []string{"one two", "three"}},
		{"exactly 8", []string{"exactly", "8"}},
		{"unbreakable a b", []string{"unbreakable", "a b"}},
	} {
		if diff := cmp.Diff(test.want, wrap(test.text, 8)); diff != "" {
			t.Errorf("%q: -want +got:\n%s", test.text, diff)
		}
	}
}

func TestPictureFits(t *testing.T) {
	for text := range strings.Lines(picture) {
		if n := utf8.RuneCountInString(strings.TrimRight(text, "\n")); n > width {
			t.Errorf("%d columns, more than %d: %s", n, width, text)
		}
	}
}
