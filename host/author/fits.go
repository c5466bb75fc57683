package author

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/policy"
)

// patience is how long one evaluation of an Update may take. That is no node's deadline: the
// machine that pulls may be busy, and what a module lets it wait for does not get worse.
const patience = 10 * time.Second

// Update is a module that is to be written where a daemon reads it.
type Update struct {
	Name    string // of the file
	Module  []byte
	Before  []byte // the module in whose place it comes; nil if there is none
	Sidecar dropin.Sidecar
	Memory  int // MiB that one evaluation may use on the nodes
}

// Fits tells why a daemon would not take the module; nil if nothing is wrong. It has to
// fit the ABI. It also has to start, to accept the settings of the sidecar, and to decide
// for the subjects of the example facts with the sidecar's grants, each as far as the
// module before does: settings may come after their module, but an update may not cost a
// policy.
func (u Update) Fits(ctx context.Context) (err error) {
	t, err := newTrial(ctx, dropin.Module{File: dropin.File{Name: u.Name, Sidecar: u.Sidecar}},
		Options{PrimaryAddress: DefaultPrimaryAddress, Deadline: patience, Memory: u.Memory})
	if err != nil {
		return err
	}
	defer t.close(ctx, &err)
	after := t.attempt(ctx, u.Module)
	if refused(after.start) {
		return t.moduleError(after.start)
	}
	if u.Before != nil && !after.works() {
		if where, lost := t.lost(t.attempt(ctx, u.Before), after); lost != nil {
			err = fmt.Errorf("%w, %swhere the module before it does not fail", t.moduleError(lost), where)
		}
	}
	return cmp.Or(ctx.Err(), err) // who gave up is told no verdict
}

// attempt is how far a module gets.
type attempt struct {
	start  error            // why it does not
	failed map[string]error // why it does not decide, by subject
	impure error            // why what it decides cannot be relied on
}

// taken says whether a daemon takes the module, and works whether it decides for all too.
func (a attempt) taken() bool { return a.start == nil && a.impure == nil }
func (a attempt) works() bool { return a.taken() && len(a.failed) == 0 }

// attempt lets a module start and decide.
func (t *trial) attempt(ctx context.Context, wasm []byte) attempt {
	t.file.Wasm = wasm
	m, err := t.load(ctx)
	if err != nil {
		return attempt{start: err}
	}
	_, report, err := policy.Verify(ctx, m, t.subjects)
	return attempt{failed: report.Failed, impure: err}
}

// lost is what a module fails at that the one before does not, and where.
func (t *trial) lost(before, after attempt) (where string, err error) {
	if !before.taken() {
		return "", nil
	}
	if after.start != nil {
		return "", after.start
	}
	for _, subject := range t.subjects {
		if err := after.failed[subject.Name]; err != nil && before.failed[subject.Name] == nil {
			return "for " + subject.Name + " of the example facts, ", err
		}
	}
	return "", after.impure
}
