package page

import (
	"cmp"
	"slices"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/rules"
)

// matrix is what is done about connections of pods, its rows, to destinations, its columns.
type matrix struct {
	Columns []column
	Rows    []row
	// MoreColumns and MoreRows are how many are not shown.
	MoreColumns, MoreRows int
}

// row is a pod, or the node first, for pods that are not known.
type row struct {
	Name, Address string
	Class         string
	// Colour is the class's, from 0 to colours-1.
	Colour int
	Cells  []cell
}

// cell is what is done, and which module decides so.
type cell struct {
	rules.Outcome
	Module string
}

// How much of a node's matrix is shown.
const (
	mostRows    = 200
	mostClasses = 24
	// mostIntervals of the classes that are shown, together, bounds what making it costs.
	mostIntervals = 50_000
	mostColumns   = 12
	colours       = 12
)

// matrixOf shows the pods class by class. There is none while nothing decides.
func matrixOf(decided []engine.Decided, ruleset *rules.Ruleset) (m matrix) {
	if ruleset == nil || ruleset.Node == "" {
		return m
	}
	classes := map[string]int{} // in the order of their rows
	var shown []rules.Class
	intervals := 0
	for _, d := range decided { // the node's is first
		name := ruleset.ClassOf(d.Subject.Addr)
		if _, known := classes[name]; known || len(shown) == mostClasses {
			continue
		}
		i := slices.IndexFunc(ruleset.Classes, func(c rules.Class) bool { return c.Name == name })
		if i < 0 || len(shown) > 0 && intervals+len(ruleset.Classes[i].Intervals) > mostIntervals {
			continue
		}
		intervals += len(ruleset.Classes[i].Intervals)
		classes[name] = len(shown)
		shown = append(shown, ruleset.Classes[i])
	}
	columns, numbers := columnsOf(shown)
	m.MoreColumns = max(0, len(columns)-mostColumns)
	if m.Columns = columns; len(columns) > mostColumns { // the last has the most addresses
		m.Columns = slices.Delete(columns, mostColumns-1, len(columns)-1)
	}
	for _, d := range decided {
		name := ruleset.ClassOf(d.Subject.Addr)
		class, known := classes[name]
		if !known {
			m.MoreRows++
			continue
		}
		r := row{Name: d.Subject.Name, Class: name, Colour: class % colours}
		if d.Subject.Addr.IsValid() {
			r.Address = d.Subject.Addr.String()
		}
		for _, c := range m.Columns {
			r.Cells = append(r.Cells, numbers.cell(c, class))
		}
		m.Rows = append(m.Rows, r)
	}
	slices.SortStableFunc(m.Rows, func(a, b row) int {
		return cmp.Compare(classes[a.Class], classes[b.Class])
	})
	if more := len(m.Rows) - mostRows; more > 0 {
		m.Rows, m.MoreRows = m.Rows[:mostRows], m.MoreRows+more
	}
	return m
}
