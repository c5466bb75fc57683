package demo

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/rules"
)

// width is how many columns tables take at most.
const width = 100

// line is a line of a table: rows that say the same.
type line struct {
	row    Row
	protos []lab.Proto
}

// linesOf joins rows that follow each other and differ in their protocol only,
// and then a host's lines if they differ in their target only.
func linesOf(rows []Row) []line {
	var lines []line
	for _, row := range rows {
		proto := row.Protocol
		row.Protocol = ""
		if n := len(lines); n > 0 && lines[n-1].row == row {
			lines[n-1].protos = append(lines[n-1].protos, proto)
			continue
		}
		lines = append(lines, line{row, []lab.Proto{proto}})
	}
	return joinTargets(lines)
}

// joinTargets makes one line of a host's lines, if they are as they should be and
// nothing depends on the target.
func joinTargets(lines []line) []line {
	var joined []line
	for len(lines) > 0 {
		first := lines[0]
		end := slices.IndexFunc(lines, func(l line) bool { return l.row.From != first.row.From })
		if end < 0 {
			end = len(lines)
		}
		ofHost := lines[:end]
		lines = lines[end:]
		differs := func(l line) bool {
			l.row.To, l.row.Address = first.row.To, first.row.Address
			return !l.row.OK || l.row != first.row || !slices.Equal(l.protos, first.protos)
		}
		if len(ofHost) > 1 && !slices.ContainsFunc(ofHost, differs) {
			first.row.To, first.row.Address = "everywhere", ""
			ofHost = []line{first}
		}
		joined = append(joined, ofHost...)
	}
	return joined
}

var header = []string{"FROM", "TO", "SEEN AS", "DECIDED BY", "WHY"}

// cells are the line's texts, one for each column of header.
func (l line) cells() []string {
	to := l.row.To
	if l.row.Opened != "" {
		to += ", open"
	}
	seen := l.row.Seen
	switch {
	case seen == "":
		seen = "no answer"
	case l.row.Action == rules.Translate:
		seen += " node's"
	default:
		seen += " own"
	}
	why := l.row.Why
	if l.row.Prefix != "" && l.row.Prefix != "0.0.0.0/0" {
		why += " (" + l.row.Prefix + ")"
	}
	return []string{l.row.From, to, seen, l.row.Module, why}
}

// table writes lines in columns; the last column is wrapped. A line that is not
// as it should be begins with "!" and has its problem below it.
func table(out io.Writer, lines []line) {
	rows := make([][]string, 0, len(lines))
	for _, l := range lines {
		rows = append(rows, l.cells())
	}
	widths, rest := columns(rows)
	print := func(mark string, cells []string) {
		last := len(cells) - 1
		var text strings.Builder
		text.WriteString(mark + " ")
		for i, cell := range cells[:last] {
			text.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		indent := strings.Repeat(" ", width-rest)
		for i, part := range wrap(cells[last], rest) {
			if i > 0 {
				text.WriteString("\n" + indent)
			}
			text.WriteString(part)
		}
		fmt.Fprintln(out, strings.TrimRight(text.String(), " "))
	}
	print(" ", header)
	for i, l := range lines {
		if l.row.OK {
			print(" ", rows[i])
			continue
		}
		print("!", rows[i])
		for _, part := range wrap(fmt.Sprintf("%s: %s", join(l.protos), l.row.Problem), width-4) {
			fmt.Fprintf(out, "    %s\n", part)
		}
	}
}

// columns returns the widths of all columns but the last, and what is left for
// that one.
func columns(rows [][]string) (widths []int, rest int) {
	last := len(header) - 1
	widths = make([]int, last)
	rest = width - 2
	for i := range last {
		for _, cells := range append([][]string{header}, rows...) {
			widths[i] = max(widths[i], utf8.RuneCountInString(cells[i]))
		}
		rest -= widths[i] + 2
	}
	return widths, max(rest, 20)
}

// wrap breaks a text between words into lines of at most so many characters, or
// of one longer word. An empty text is one empty line.
func wrap(text string, most int) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		if n := len(lines); n > 0 && utf8.RuneCountInString(lines[n-1])+1+utf8.RuneCountInString(word) <= most {
			lines[n-1] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	if lines == nil {
		lines = []string{""}
	}
	return lines
}

func join(protos []lab.Proto) string {
	texts := make([]string, 0, len(protos))
	for _, p := range slices.Compact(protos) {
		texts = append(texts, string(p))
	}
	return strings.Join(texts, ", ")
}
