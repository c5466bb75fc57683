package dataplane

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/rules/nft"
)

// chainFlags is NFTA_CHAIN_FLAGS, and chainBinding is NFT_CHAIN_BINDING, of
// linux/netfilter/nf_tables.h: such a chain belongs to a rule, and is gone with it.
const (
	chainFlags   = 10
	chainBinding = 1 << 2
)

// hookPoints are the hooks of family ip, by their numbers.
var hookPoints = [...]string{"prerouting", "input", "forward", "output", "postrouting"}

// readChains reads the chains, without their rules.
func (s *socket) readChains(held *nft.Table) error {
	err := s.dump(unix.NFT_MSG_GETCHAIN, held.Name, nil, func(object attributes) {
		if object.number(chainFlags)&chainBinding != 0 {
			return
		}
		c := nft.Chain{Name: object.text(unix.NFTA_CHAIN_NAME)}
		if object[unix.NFTA_CHAIN_HOOK] != nil {
			c.Hook = decodeHook(object)
		}
		held.Chains = append(held.Chains, c)
	})
	if err != nil {
		return fmt.Errorf("chains: %w", err)
	}
	return nil
}

func decodeHook(chain attributes) *nft.Hook {
	at := chain.nested(unix.NFTA_CHAIN_HOOK)
	hook := &nft.Hook{
		Type:     chain.text(unix.NFTA_CHAIN_TYPE),
		Point:    fmt.Sprint(at.number(unix.NFTA_HOOK_HOOKNUM)),
		Priority: int(int32(at.number(unix.NFTA_HOOK_PRIORITY))),
	}
	if n := at.number(unix.NFTA_HOOK_HOOKNUM); int(n) < len(hookPoints) {
		hook.Point = hookPoints[n]
	}
	if chain.number(unix.NFTA_CHAIN_POLICY) != verdictAccept {
		hook.Policy = "drop"
	}
	return hook
}
