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

// whether is for all or for none.
func whether(holds bool) extent {
	if holds {
		return all
	}
	return none
}

// not is for how many something does not hold.
func (e extent) not() extent { return all - e }
