package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/rules"
)

// healTarget is how long the table may be missing where others can flush it.
const healTarget = 10 * time.Millisecond

// measureHealing has nft flush the ruleset of a node whose table is not protected: the
// time goes from the end of nft until the kernel is seen to hold the whole table again,
// which is looked for every millisecond. Then the same while a pod opens new flows all the
// time: how many are not translated, and how long after the flush the last one is opened.
func measureHealing(ctx context.Context, o options) (rows []row, err error) {
	const (
		whole = "nft flush ruleset until the table is whole"
		flows = "flows that a flush leaves untranslated"
		last  = "nft flush ruleset until the last of these"
	)
	nft, ok := tool("nft")
	if !ok {
		return []row{{Name: whole, NotMeasured: installTools}}, nil
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
	opener, err := newOpener(s.lab)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, opener.close()) }()
	var untranslated sample
	samples, err := o.rounds(ctx, 15, []variant{
		{whole, func(ctx context.Context) (took float64, err error) {
			err = s.flushed(ctx, nft, func(flush, heal func() error) error {
				if err := flush(); err != nil {
					return err
				}
				took, err = timed(heal)
				return err
			})
			return took, err
		}},
		{last, func(ctx context.Context) (took float64, err error) {
			err = s.flushed(ctx, nft, func(flush, heal func() error) error {
				seen, err := opener.during(ctx, func() error { return errors.Join(flush(), heal()) })
				if err != nil {
					return err
				}
				count, over, err := untranslatedFlows(seen)
				untranslated, took = append(untranslated, float64(count)), float64(over)
				return err
			})
			return took, err
		}},
	})
	if err != nil {
		return nil, err
	}
	untranslated = untranslated.last(len(samples[1]))
	return []row{
		newRow(whole, inTime, samples[0], float64(healTarget)).slowest(samples[0]),
		newRow(flows, inNumber, untranslated, 0),
		newRow(last, inTime, samples[1], 0).slowest(samples[1]),
	}, nil
}

// flushed calls use with what flushes the ruleset of the node of a daemon, and what waits
// until the table is whole again. The daemon is a new one each time: it pauses for who
// goes on flushing.
func (s *starter) flushed(ctx context.Context, nft string, use func(flush, heal func() error) error) error {
	return s.with(ctx, func(ctx context.Context, daemon *lab.Process, _ time.Time) error {
		if err := until(ctx, daemon, "the daemon to be ready", s.ready); err != nil {
			return err
		}
		whole, err := s.kernel.Read(rules.TableName)
		if err != nil {
			return err
		}
		flush := func() error {
			err := s.node.Do(func() error { return exec.CommandContext(ctx, nft, "flush", "ruleset").Run() })
			if err != nil {
				return fmt.Errorf("nft flush ruleset: %w", err)
			}
			return nil
		}
		return use(flush, func() error {
			return until(ctx, daemon, "the table", func(context.Context) (bool, error) {
				held, err := s.kernel.Read(rules.TableName)
				return err == nil && held.String() == whole.String(), err
			})
		})
	})
}

// flowsAround are opened before and after what flows are opened during.
const flowsAround = 500

// during opens flows while something is done, and some before and after that.
func (o *opener) during(ctx context.Context, do func() error) (flows []openedFlow, err error) {
	group, ctx := errgroup.WithContext(ctx)
	begun, done := make(chan struct{}), atomic.Bool{}
	begin := sync.OnceFunc(func() { close(begun) })
	group.Go(func() (err error) {
		after := 0
		flows, err = o.open(ctx, func(seen int) (enough bool) {
			if seen >= flowsAround {
				begin()
			}
			if done.Load() {
				after++
			}
			return after > flowsAround
		})
		return err
	})
	group.Go(func() error {
		select {
		case <-begun:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer done.Store(true)
		return do()
	})
	err = group.Wait()
	return flows, err
}

// untranslatedFlows counts those that were not translated, and tells how long after the
// flush the last of them was opened. The flush came after the flow before the first.
func untranslatedFlows(flows []openedFlow) (count int, over time.Duration, err error) {
	var before, last time.Time
	for _, f := range flows {
		switch {
		case f.source == lab.PodA:
			count++
			last = f.at
		case f.source != lab.NodePrimary:
			return 0, 0, fmt.Errorf("a flow of %s is seen as %s, want %s or itself", lab.PodA, f.source, lab.NodePrimary)
		case count == 0:
			before = f.at
		}
	}
	if before.IsZero() || flows[len(flows)-1].source == lab.PodA {
		return 0, 0, errors.New("flows are not translated without a flush")
	}
	if count > 0 {
		over = last.Sub(before)
	}
	return count, over, nil
}
