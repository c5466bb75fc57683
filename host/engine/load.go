package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/host/source"
)

// verified is a version of a drop-in that has passed all checks.
type verified struct {
	sha256 string
	size   int           // bytes, decompressed
	took   time.Duration // to compile and verify it
	// metadata are what its author says of it; nil if that is nothing, or nothing legible.
	metadata *policy.Metadata
}

// loaded is what came of loading a version of a drop-in, or a module of this
// binary.
type loaded struct {
	verified
	file    dropin.File      // of the drop-in
	shipped *shipped         // the module of this binary; nil for a drop-in
	behind  *policy.Fallback // of the module of this binary
	policy  policy.Policy    // nil if err
	err     error
	// undecided is why it fails for every subject that there is; nil if it does
	// not.
	undecided error
}

// load takes a version from its file to a policy that may decide: compiled,
// validated, and evaluated on the current facts.
func (m *Modules) load(ctx context.Context, file dropin.File, snapshot *facts.Snapshot) loaded {
	start := time.Now()
	done := m.verify(ctx, file, snapshot)
	done.took = time.Since(start)
	return done
}

func (m *Modules) verify(ctx context.Context, file dropin.File, snapshot *facts.Snapshot) (done loaded) {
	done.file, done.sha256 = file, file.SHA256
	if m.engine == nil {
		done.err = errors.New("there is no Wasm engine on this machine: the log says why")
		return done
	}
	wasm, err := file.Open()
	if err != nil {
		done.err = err
		return done
	}
	done.size = len(wasm)
	// Nothing follows from these, so none that are wrong keep a module from deciding.
	done.metadata, _ = policy.ReadMetadata(wasm)
	grants := policy.Grants{Translate: file.Sidecar.Grants.Translate, Sources: file.Sidecar.Grants.Sources}
	module, err := m.engine.Load(ctx, file.Name, wasm, file.Sidecar.Config, grants)
	if err != nil {
		done.err = err
		return done
	}
	ready, report, err := policy.Verify(ctx, module, verifiedOn(snapshot))
	if err != nil {
		m.close(module)
		done.err = err
		return done
	}
	done.policy, done.undecided = ready, report.Undecided
	return done
}

// verifiedOn are the subjects that a module is verified on.
func verifiedOn(snapshot *facts.Snapshot) []policy.Subject {
	var list []policy.Subject
	for _, subject := range snapshot.Subjects() {
		list = append(list, policy.Subject{Name: subject.Name, Facts: subject.View})
	}
	return list
}

// loads are the versions that are being loaded.
type loads struct {
	changed chan struct{} // ticks when one is done

	group sync.WaitGroup
	turn  sync.Mutex // one at a time: each takes a module's memory
	mu    sync.Mutex
	done  []loaded
}

func newLoads() loads { return loads{changed: make(chan struct{}, 1)} }

// begin loads in its turn, unless ctx has ended by then.
func (l *loads) begin(ctx context.Context, load func() loaded) {
	l.group.Go(func() {
		l.turn.Lock()
		var done []loaded
		if ctx.Err() == nil {
			done = append(done, load())
		}
		l.turn.Unlock()
		l.mu.Lock()
		l.done = append(l.done, done...)
		l.mu.Unlock()
		source.Signal(l.changed)
	})
}

// take returns what is done.
func (l *loads) take() []loaded {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := l.done
	l.done = nil
	return done
}

// end waits for all.
func (l *loads) end() { l.group.Wait() }
