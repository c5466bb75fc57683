// Package demo is `snatd demo`: a VPC in network namespaces (package lab), the
// real daemon on its node, real connections through it, and a table of which
// source address the other side saw and why, act by act.
//
// It knows snatd from outside only: its command line, its files and its socket.
// What an act shows is in acts.go; how a network is made is in package lab.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Options are how the demo runs and tells about it.
type Options struct {
	// JSON writes the rows as one array in place of tables.
	JSON bool
	// Out gets the tables or the array.
	Out io.Writer
	// Kernel is what there is to say of this machine's, before the tables.
	Kernel fmt.Stringer
}

// limit is how long the demo takes at most; a few seconds are usual.
const limit = 55 * time.Second

// Run plays all acts. It must run inside lab.Enter. It fails if a peer saw
// another address than it should, or if the daemon says otherwise than the
// packets; what it has made is gone when it returns.
func Run(ctx context.Context, o Options) error {
	started := time.Now()
	tooLong := fmt.Errorf("not done after %s", limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, tooLong)
	defer cancel()
	err := play(ctx, o, started)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func play(ctx context.Context, o Options, started time.Time) (err error) {
	s, err := newStage(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()

	p := printer(&textPrinter{out: o.Out, kernel: o.Kernel})
	if o.JSON {
		p = &jsonPrinter{out: o.Out}
	}
	if err := p.begin(); err != nil {
		return err
	}
	total, wrong := 0, 0
	for i, a := range acts {
		rows, err := a.play(ctx, s)
		if err != nil {
			return fmt.Errorf("act %d: %w", i+1, err)
		}
		if ctx.Err() != nil {
			return ctx.Err() // questions without an answer say nothing now
		}
		for j := range rows {
			rows[j].Act = i + 1
			if !rows[j].OK {
				wrong++
			}
		}
		total += len(rows)
		if err := p.act(i+1, a, rows); err != nil {
			return err
		}
	}
	if err := p.end(total, wrong, time.Since(started)); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d exchanges were not as they should be", wrong, total)
	}
	return nil
}
