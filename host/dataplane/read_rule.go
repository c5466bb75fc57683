package dataplane

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
	"github.com/snatd/snatd/rules/nft"
)

// readRules reads the rules of the chains that are in held. Interfaces are the names
// in the sets that rules have of their own.
func (s *socket) readRules(held *nft.Table, interfaces map[string][]string) error {
	chains := map[string]*nft.Chain{}
	for i := range held.Chains {
		chains[held.Chains[i].Name] = &held.Chains[i]
	}
	request := []netlink.Attribute{name(unix.NFTA_RULE_TABLE, held.Name)}
	err := s.dump(unix.NFT_MSG_GETRULE, held.Name, request, func(object attributes) {
		if c := chains[object.text(unix.NFTA_RULE_CHAIN)]; c != nil {
			c.Rules = append(c.Rules, decodeRule(object[unix.NFTA_RULE_EXPRESSIONS], interfaces))
		}
	})
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	return nil
}

func decodeRule(data []byte, interfaces map[string][]string) nft.Rule {
	var held []heldExpression
	for _, value := range attribute.All(data) {
		held = append(held, decodeExpression(value))
	}
	rule := nft.Rule{}
	for len(held) > 0 {
		e, length := recognise(held, interfaces)
		rule = append(rule, e)
		held = held[length:]
	}
	return rule
}

// recognise returns the expression that the first of the kernel's expressions make up,
// and their number. It guesses by what snatd would write, encodes the guess, and takes
// it if it comes to what the kernel holds: whatever differs in the least is Unknown.
func recognise(held []heldExpression, interfaces map[string][]string) (nft.Expr, int) {
	guess := guess(held, interfaces)
	encoded, err := encodeGuess(guess, held)
	if n := len(encoded); err == nil && n <= len(held) && slices.EqualFunc(held[:n], encoded, heldExpression.is) {
		return guess, n
	}
	return nft.Unknown{Text: held[0].String()}, 1
}

func encodeGuess(guess nft.Expr, held []heldExpression) ([]heldExpression, error) {
	var exprs []expr.Any
	var err error
	switch e := guess.(type) {
	case nft.InputInterface:
		exprs, err = encodeInterface(expr.MetaKeyIIFNAME, e, held)
	case nft.OutputInterface:
		exprs, err = encodeInterface(expr.MetaKeyOIFNAME, nft.InputInterface(e), held)
	default:
		exprs, err = expressions(e)
	}
	if err != nil {
		return nil, err
	}
	encoded := make([]heldExpression, len(exprs))
	for i, e := range exprs {
		data, err := expr.Marshal(unix.NFPROTO_IPV4, e)
		if err != nil {
			return nil, err
		}
		encoded[i] = decodeExpression(data)
	}
	return encoded, nil
}

// encodeInterface names the set of several patterns as the kernel does.
func encodeInterface(key expr.MetaKey, match nft.InputInterface, held []heldExpression) ([]expr.Any, error) {
	switch {
	case len(match.Patterns) == 0 || len(held) < 2:
		return nil, errors.New("no names of interfaces")
	case len(match.Patterns) == 1:
		return new(transaction).matchInterface(nft.AddRule{}, key, match)
	}
	return []expr.Any{
		&expr.Meta{Key: key, Register: register},
		&expr.Lookup{SourceRegister: register, SetName: held[1].set(), Invert: match.Not},
	}, nil
}
