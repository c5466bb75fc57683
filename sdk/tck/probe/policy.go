// Package probe is the other policy that every SDK has: its setting "do" says which
// part of an SDK it uses, or in which way it goes wrong.
package probe

import (
	"errors"
	"net/netip"
	"strconv"

	"github.com/snatd/snatd/sdk"
)

var ten = netip.MustParsePrefix("10.0.0.0/8")

// Decide is the policy, an sdk.Policy.
func Decide(facts sdk.Facts, decision *sdk.Decision) error {
	do, _ := facts.Config("do")
	text, _ := facts.Config("text")
	switch do {
	case "nothing":
	case "facts":
		return types(facts, decision)
	case "keys":
		for _, key := range facts.PodLabelKeys() {
			value, _ := facts.PodLabel(key)
			decision.Log(sdk.LevelInfo, key+"="+value)
		}
	case "source":
		source, err := sdk.ParseAddress(text)
		if err != nil {
			return errors.New("config text: " + err.Error())
		}
		decision.Exclude(ten, "kept")
		decision.TranslateTo(sdk.Everywhere, source, "source")
	case "split":
		list, err := sdk.ParsePrefixes(text)
		if err != nil {
			return errors.New("config text: " + err.Error())
		}
		exclude(decision, list, "listed")
	case "text":
		decision.Exclude(sdk.Everywhere, text)
		decision.Log(sdk.LevelWarn, text)
	case "large":
		value, _ := facts.Fact("large")
		decision.Exclude(sdk.Everywhere, value)
	case "levels":
		decision.Log(sdk.LevelDebug, "debug")
		decision.Log(sdk.LevelInfo, "info")
		decision.Log(sdk.LevelWarn, "warn")
		decision.Log(sdk.LevelError, "error")
	case "most":
		many(decision, 10_000)
	case "more":
		many(decision, 10_001)
	case "twice":
		decision.Exclude(ten, "first")
		decision.Exclude(ten, "second")
	case "conflict":
		decision.Exclude(ten, "first")
		decision.Translate(ten, "second")
	case "host-bits":
		decision.Exclude(netip.MustParsePrefix("10.0.0.1/8"), "wrong")
	case "panic":
		panic("on purpose")
	case "memory":
		for all := "x"; ; all += all {
			decision.Log(sdk.LevelInfo, all)
		}
	case "fail":
		return errors.New(text)
	default:
		return errors.New("config do: " + strconv.Quote(do) + " is unknown")
	}
	return nil
}

// types reads a fact of each type.
func types(facts sdk.Facts, decision *sdk.Decision) error {
	external, err := facts.SNATExternal()
	if err != nil {
		return err
	}
	if external {
		decision.Log(sdk.LevelDebug, "external")
	}
	cidrs, _, err := facts.VPCCIDRs()
	if err != nil {
		return err
	}
	exclude(decision, cidrs, "vpc")
	list, known, err := facts.VPCPrefixList("partners")
	if err != nil {
		return err
	}
	if !known {
		decision.Log(sdk.LevelDebug, "no list")
	}
	exclude(decision, list, "listed")
	address, known, err := facts.PodIP()
	if known {
		decision.Exclude(netip.PrefixFrom(address, 32), "pod")
	}
	return err
}

func many(decision *sdk.Decision, n int) {
	for i := range n {
		decision.Exclude(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24), "many")
	}
}

func exclude(decision *sdk.Decision, list []netip.Prefix, why string) {
	for _, prefix := range list {
		decision.Exclude(prefix, why)
	}
}
