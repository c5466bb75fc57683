// Package author is what `snatd policy` does for the authors of modules: it
// checks a module, lets it decide and measures it, from its file alone, in the
// daemon's own sandbox and by the daemon's own checks. It needs no root, no daemon
// and none of the daemon's directories.
//
// Values come in and go out: the command line and what is printed are in the
// package main. What a module may do is for host/policy to say, and what its
// files hold for host/dropin and host/facts.
package author

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/policy"
)

// Options say which module is tried, and on what.
type Options struct {
	Module  string // path of FILE.wasm or FILE.wasm.gz
	Sidecar string // its path; empty: FILE.yaml beside the module, if it exists
	Facts   string // path of a static facts file; empty: the example facts
	// PrimaryAddress, Addresses, External and ExcludeCIDRs are facts that the file
	// does not hold: the node's primary IPv4 address, other addresses of that
	// interface, whether something else translates, and the operator's IPv4 CIDRs.
	// Without Addresses the node holds those that the sidecar grants.
	PrimaryAddress netip.Addr
	Addresses      []netip.Addr
	External       bool
	ExcludeCIDRs   []netip.Prefix
	// Deadline is how long one evaluation may take, and Memory how many MiB it may
	// use.
	Deadline time.Duration
	Memory   int
	Log      *slog.Logger // takes what the module logs; nil discards it
}

// pagesPerMiB are the pages of WebAssembly's memory in a MiB.
const pagesPerMiB = 1 << 20 / 65536

// trial is a module's file, and what the module is tried on.
type trial struct {
	file     dropin.Module
	snapshot *facts.Snapshot
	subjects []policy.Subject
	engine   *policy.Engine
}

// open reads all files and starts an engine. The error is of the first file that
// is wrong, with its line where there is one.
func open(ctx context.Context, o Options) (*trial, error) {
	file, err := dropin.ReadModule(o.Module, o.Sidecar)
	if err != nil {
		return nil, err
	}
	return newTrial(ctx, file, o)
}

// newTrial reads the facts and starts an engine for a file that is read already.
func newTrial(ctx context.Context, file dropin.Module, o Options) (*trial, error) {
	if o.Addresses == nil {
		o.Addresses = file.Sidecar.Grants.Sources
	}
	snapshot, err := readFacts(o)
	if err != nil {
		return nil, err
	}
	t := &trial{file: file, snapshot: snapshot}
	for _, s := range snapshot.Subjects() {
		t.subjects = append(t.subjects, policy.Subject{Name: s.Name, Facts: s.View})
	}
	t.engine, err = newEngine(ctx, o)
	return t, err
}

// newEngine starts an engine without a cache directory: the daemon's belongs to root and
// to the daemon.
func newEngine(ctx context.Context, o Options) (*policy.Engine, error) {
	return policy.NewEngine(ctx, policy.Options{
		Deadline:    o.Deadline,
		MemoryPages: uint32(o.Memory) * pagesPerMiB,
		Log:         o.Log,
	})
}

// load is the module as the daemon loads it. The error is the daemon's.
func (t *trial) load(ctx context.Context) (*policy.Module, error) {
	granted := t.file.Sidecar.Grants
	grants := policy.Grants{Translate: granted.Translate, Sources: granted.Sources}
	return t.engine.Load(ctx, t.file.Name, t.file.Wasm, t.file.Sidecar.Config, grants)
}

// close closes the engine with all of its modules, and adds an error of that.
func (t *trial) close(ctx context.Context, err *error) {
	*err = errors.Join(*err, t.engine.Close(context.WithoutCancel(ctx)))
}

// moduleError is a module's error as the daemon's status shows it.
func (t *trial) moduleError(err error) error {
	return fmt.Errorf("module %s: %s", t.file.Name, policy.Message(err))
}
