package rules

// Draining returns the ruleset that translates nothing new and lets live
// translated connections go on: their packets still get the mark that they are
// routed by, and the chain of type nat stays, empty, because without one the
// kernel forgets how to rewrite the packets of connections that it translated.
// Its Node is empty and it has no classes.
func Draining(network Network) *Ruleset {
	return &Ruleset{Network: network.canonical()}
}
