package neighbour

import (
	"golang.org/x/sys/unix"
)

// walk is the way of a packet through the chains of a hook.
type walk struct {
	rules  *ruleset
	packet packet
	// found is called for each rule that translates the packet's source.
	found func(*rule)
	err   error
}

// chain follows a packet through a chain, of which share meet it. It returns whether all
// of that share end there and not go back to where they came from.
func (w *walk) chain(c *chain, share extent) (ends bool) {
	for _, r := range c.rules {
		switch v, met := w.rule(r); {
		case met == none || v.code == unix.NFT_CONTINUE || v.code == unix.NFT_BREAK:
		case v.code == unix.NFT_JUMP || v.code == unix.NFT_GOTO:
			next := w.rules.byID[chainID{c.table, v.chain}]
			if next == nil {
				continue
			}
			if w.chain(next, min(share, met)) && met == all {
				return true
			}
			if v.code == unix.NFT_GOTO && met == all {
				return false
			}
		case met == all:
			return v.code != unix.NFT_RETURN
		}
	}
	return false
}

// rule returns the verdict of a rule, and which share of the packets it is for.
func (w *walk) rule(r *rule) (verdict, extent) {
	m := &machine{walk: w, table: r.chain.table, share: all}
	for _, e := range r.expressions {
		v, decided := m.step(e)
		if m.share == none {
			break
		}
		if m.translates {
			w.found(r)
			return verdict{code: verdictAccept}, m.share
		}
		if decided {
			return v, m.share
		}
	}
	return verdict{code: unix.NFT_CONTINUE}, m.share
}
