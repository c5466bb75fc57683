package engine

import (
	"errors"
	"log/slog"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/rules"
)

// Removed says what Cleanup did.
type Removed struct {
	// Changed is false if the kernel held nothing of snatd's.
	Changed bool
	// Live is the number of translated connections that still need the marks
	// and the NAT hook.
	Live int
	// Left is what stays for them; nil if nothing does.
	Left *rules.Ruleset
}

// Cleanup removes what snatd put into the kernel. While translated connections
// live, what they need stays and translates nothing new: deleting the last nat
// chain would break them, and so would losing their route.
func Cleanup(log *slog.Logger, network rules.Network) (Removed, error) {
	dp, err := dataplane.Open(log)
	if err != nil {
		return Removed{}, err
	}
	removed, err := remove(dp, network)
	return removed, errors.Join(err, dp.Close())
}

func remove(dp *dataplane.Dataplane, network rules.Network) (Removed, error) {
	exists, err := dp.Exists(rules.TableName)
	if err != nil {
		return Removed{}, err
	}
	if !exists {
		return Removed{}, dp.Routing().Remove()
	}
	live, err := dp.LiveTranslations(network.Mark)
	if err != nil {
		return Removed{}, err
	}
	if live > 0 {
		left := rules.Draining(network)
		return Removed{true, live, left}, dp.Apply(rules.Replace(left).Ops)
	}
	if err := dp.Apply(rules.Diff(&rules.Ruleset{Network: network}, nil).Ops); err != nil {
		return Removed{}, err
	}
	return Removed{Changed: true}, dp.Routing().Remove()
}
