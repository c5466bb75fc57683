package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/rules"
)

// healTarget is how long the table may be missing where others can flush it.
const healTarget = 10 * time.Millisecond

// betweenFlushes is longer than the daemon's pause for a program that fights with it.
const betweenFlushes = 1100 * time.Millisecond

// measureHealing has nft flush the ruleset of a node whose table is not protected: the
// time goes from the end of nft until the kernel is seen to hold
// the whole table again, which is looked for every millisecond.
func measureHealing(ctx context.Context, o options) (rows []row, err error) {
	const name = "nft flush ruleset until the table is whole"
	nft, ok := tool("nft")
	if !ok {
		return []row{{Name: name, NotMeasured: installTools}}, nil
	}
	s, end, err := newStarter(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	config := strings.Replace(fmt.Sprintf(configText, s.directory), "network:\n", "network:\n  protect: \"off\"\n", 1)
	if err := os.WriteFile(s.file("config.yaml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	var samples []sample
	err = s.with(ctx, func(ctx context.Context, daemon *lab.Process, _ time.Time) error {
		if err := until(ctx, daemon, "the daemon to be ready", s.ready); err != nil {
			return err
		}
		whole, err := s.kernel.Read(rules.TableName)
		if err != nil {
			return err
		}
		heal := variant{name, func(ctx context.Context) (float64, error) {
			time.Sleep(betweenFlushes)
			err := s.node.Do(func() error { return exec.CommandContext(ctx, nft, "flush", "ruleset").Run() })
			if err != nil {
				return 0, fmt.Errorf("nft flush ruleset: %w", err)
			}
			return timed(func() error {
				return until(ctx, daemon, "the table", func(context.Context) (bool, error) {
					held, err := s.kernel.Read(rules.TableName)
					return err == nil && held.String() == whole.String(), err
				})
			})
		}}
		samples, err = o.rounds(ctx, 15, []variant{heal})
		return err
	})
	if err != nil {
		return nil, err
	}
	return []row{newRow(name, inTime, samples[0], float64(healTarget)).slowest(samples[0])}, nil
}
