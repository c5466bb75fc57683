package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/snatd/snatd/examples"
	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/lab"
)

// measureDelay writes a pod with a decision of its own into the facts file of a
// running daemon, and takes it out again: the time goes from the file being in
// place until the daemon says that the kernel has changed. As long has such a
// pod the node's decision.
func measureDelay(ctx context.Context, o options) (rows []row, err error) {
	s, end, err := newStarter(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	err = errors.Join(
		os.WriteFile(s.file("policies.d/10-keep.yaml"), []byte("config: {cidrs: 198.51.100.0/24, namespace: keep}\n"), 0o600),
		os.WriteFile(s.file("policies.d/10-keep.wasm"), examples.ExcludeCIDRs(), 0o600),
	)
	if err != nil {
		return nil, err
	}
	var samples []sample
	err = s.with(ctx, func(ctx context.Context, daemon *lab.Process, _ time.Time) error {
		if err := until(ctx, daemon, "the daemon to be ready", s.ready); err != nil {
			return err
		}
		delay := variant{"pod in the facts file until the kernel has it", func(ctx context.Context) (float64, error) {
			took, err := s.change(ctx, daemon, "  - {namespace: keep, name: pod-new, ip: 10.0.1.77}\n")
			if err != nil {
				return 0, err
			}
			_, err = s.change(ctx, daemon, "")
			return float64(took), err
		}}
		samples, err = o.rounds(ctx, 50, []variant{delay})
		return err
	})
	if err != nil {
		return nil, err
	}
	return []row{newRow("pod in the facts file until the kernel has it", inTime, samples[0], 0)}, nil
}

// change puts the facts file with more pods in place and returns how long the
// kernel took to change. The daemon is asked every millisecond.
func (s *starter) change(ctx context.Context, daemon *lab.Process, pods string) (time.Duration, error) {
	client := api.NewClient(s.file("snatd.sock"))
	before, err := client.Status(ctx)
	if err != nil {
		return 0, err
	}
	facts := fmt.Sprintf(factsText, lab.PodA, lab.PodB) + pods
	if err := os.WriteFile(s.file("facts.new"), []byte(facts), 0o600); err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := os.Rename(s.file("facts.new"), s.file("facts.yaml")); err != nil {
		return 0, err
	}
	err = until(ctx, daemon, "the change in the kernel", func(ctx context.Context) (bool, error) {
		status, err := client.Status(ctx)
		return status.Changes > before.Changes, err
	})
	return time.Since(begun), err
}
