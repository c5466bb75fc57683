package rules

// Draining returns the ruleset that translates nothing new and lets live
// connections go on, translated ones and those to node ports: their packets still
// get the mark that they are routed by, and the chain of type nat stays, empty,
// because without one the kernel forgets how to rewrite the packets of connections
// that it translated.
// Its Node is empty and it has no classes.
func Draining(network Network) *Ruleset {
	return &Ruleset{Network: network.canonical()}
}

// WithEarlierMarks returns the same ruleset for a node where live connections
// carry other marks, from before the mark was changed.
func (r *Ruleset) WithEarlierMarks(marks []uint32) *Ruleset {
	with := *r
	with.Network.EarlierMarks = marks
	with.Network = with.Network.canonical()
	return &with
}
