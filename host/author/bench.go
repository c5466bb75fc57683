package author

import (
	"context"
	"fmt"
	"time"

	"github.com/snatd/snatd/host/policy"
)

// BenchReport is what a module costs on this machine.
type BenchReport struct {
	Module       string       `json:"module"` // the file's name
	SHA256       string       `json:"sha256"`
	Mode         string       `json:"mode"`         // compiler or interpreter
	Compile      Milliseconds `json:"compile"`      // with nothing cached
	Start        Milliseconds `json:"start"`        // of a fresh instance, with its validate
	Subjects     int          `json:"subjects"`     // in a pass
	Evaluations  int          `json:"evaluations"`  // that a pass needs with nothing remembered
	ColdPass     Milliseconds `json:"coldPass"`     // with nothing remembered
	MemoisedPass Milliseconds `json:"memoisedPass"` // with everything remembered
	Kinds        []Kind       `json:"kinds"`        // the largest, at most MostKinds
}

// MostKinds is how many kinds of subjects are measured one by one.
const MostKinds = 8

// Milliseconds is a time that is written as a number.
type Milliseconds float64

// String is the time with its unit, for people.
func (m Milliseconds) String() string {
	return short(time.Duration(float64(m) * float64(time.Millisecond)))
}

func milliseconds(d time.Duration) Milliseconds {
	return Milliseconds(float64(d) / float64(time.Millisecond))
}

// Bench measures a module for about that long, or as long as one cold pass takes.
// The error is that it does not load, or that it fails for a subject: what a
// failure takes says nothing.
func Bench(ctx context.Context, o Options, duration time.Duration) (report BenchReport, err error) {
	if duration <= 0 {
		return BenchReport{}, fmt.Errorf("--duration: %s, accepted: more than 0s, such as 2s", duration)
	}
	t, err := open(ctx, o)
	if err != nil {
		return BenchReport{}, err
	}
	defer t.close(ctx, &err)
	m, cost, err := t.timedLoad(ctx)
	if err != nil {
		return BenchReport{}, t.moduleError(err)
	}
	report = BenchReport{
		Module: t.file.Name, SHA256: t.file.SHA256, Mode: t.engine.Mode(),
		Compile: milliseconds(cost.compile), Start: milliseconds(cost.start), Subjects: len(t.subjects),
	}
	memo := policy.Memoize(m)
	begin := time.Now()
	if err := t.pass(ctx, memo); err != nil {
		return BenchReport{}, err
	}
	report.ColdPass = milliseconds(time.Since(begin))
	groups, err := t.groups(ctx, memo)
	if err != nil {
		return BenchReport{}, err
	}
	report.Evaluations = len(groups)
	groups = groups[:min(len(groups), MostKinds)]
	budget := duration / time.Duration(2*len(groups)+1)
	passes, err := perSecond(ctx, budget, func() error { return t.pass(ctx, memo) })
	if err != nil {
		return BenchReport{}, err
	}
	report.MemoisedPass = Milliseconds(1000 / passes)
	for _, g := range groups {
		if err := g.measure(ctx, m, memo, budget); err != nil {
			return BenchReport{}, t.failedFor(g.Subject, err)
		}
		report.Kinds = append(report.Kinds, g.Kind)
	}
	return report, nil
}
