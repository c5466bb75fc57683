package dataplane

import (
	"fmt"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
	"github.com/snatd/snatd/rules/nft"
)

// verdictAccept is NF_ACCEPT of linux/netfilter.h.
const verdictAccept = 1

// verdictNames are the verdicts in nft's words. verdict encodes only those that snatd
// uses.
var verdictNames = map[expr.VerdictKind]string{
	unix.NFT_RETURN: "return", unix.NFT_GOTO: "goto", unix.NFT_JUMP: "jump", unix.NFT_BREAK: "break", unix.NFT_CONTINUE: "continue",
	0: "drop", verdictAccept: "accept",
}

// decodeVerdict is the inverse of verdict, and takes any other verdict too.
func decodeVerdict(data []byte) (v nft.Verdict) {
	for kind, value := range attribute.All(data) {
		switch kind {
		case unix.NFTA_VERDICT_CODE:
			code := expr.VerdictKind(int32(bigEndian(value)))
			if v.Kind = verdictNames[code]; v.Kind == "" {
				v.Kind = fmt.Sprintf("verdict %d", code)
			}
		case unix.NFTA_VERDICT_CHAIN:
			v.Goto = unix.ByteSliceToString(value)
		}
	}
	return v
}
