package rules

// Elements are how many elements the maps of a table have, by what they are looked up by.
type Elements struct {
	Pods         int // the pods' addresses, to their classes and to their sources
	Destinations int // intervals of destinations, to what is done
	Sources      int // intervals of destinations, to the source where it is not the primary address
}

// Elements counts those of the table that the kernel gets.
func (r *Ruleset) Elements() (e Elements) {
	table := r.Table()
	if table == nil {
		return e
	}
	for _, m := range table.Maps {
		switch {
		case !m.Interval:
			e.Pods += len(m.Elements)
		case m.Addresses:
			e.Sources += len(m.Elements)
		default:
			e.Destinations += len(m.Elements)
		}
	}
	return e
}
