package neighbour

import "golang.org/x/sys/unix"

// verdict is where a packet goes from a rule on.
type verdict struct {
	code  int32 // NF_ACCEPT, NFT_JUMP, ...
	chain string
}

// Verdicts of linux/netfilter.h.
const (
	verdictDrop   = 0
	verdictAccept = 1
)

// verdictOf reads one from the data of an expression or of an element; without one the
// packet goes on.
func verdictOf(data attributes) verdict {
	a := data.in(unix.NFTA_DATA_VERDICT)
	if len(a) == 0 {
		return verdict{code: unix.NFT_CONTINUE}
	}
	return verdict{int32(a.number(unix.NFTA_VERDICT_CODE)), a.text(unix.NFTA_VERDICT_CHAIN)}
}

// extent is for how much of the packets something holds that are alike in what is known.
type extent uint8

const (
	none extent = iota
	some
	all
)

// holds is for how much a comparison holds, if it is what the known part says.
func (c certainty) holds(ifKnown bool) extent {
	switch {
	case c == free:
		return some
	case c == known && ifKnown:
		return all
	}
	return none
}
