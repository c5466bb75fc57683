package source_test

import (
	"testing"
	"time"

	"github.com/snatd/snatd/host/source"
)

// about tells that a wait is one within 10 %.
func about(got, want time.Duration) bool {
	return got >= want-want/10 && got <= want+want/10
}

func TestPace(t *testing.T) {
	t.Parallel()
	p := source.NewPace(15*time.Second, time.Second)
	// Twice: a success begins anew.
	for range 2 {
		for i, want := range []time.Duration{1, 2, 4, 8, 15, 15} {
			if got := p.After(true); !about(got, want*time.Second) {
				t.Errorf("after %d failures: %s, want %s and 10 %% more or less", i+1, got, want*time.Second)
			}
		}
		p.After(false)
	}
}

func TestPaceIsJittered(t *testing.T) {
	t.Parallel()
	for _, failed := range []bool{false, true} {
		p := source.NewPace(15*time.Second, 15*time.Second)
		seen := map[time.Duration]bool{}
		for range 1000 {
			wait := p.After(failed)
			if !about(wait, 15*time.Second) {
				t.Fatalf("failed %v: waits %s, want 15s and 10 %% more or less", failed, wait)
			}
			seen[wait] = true
		}
		if len(seen) < 100 {
			t.Errorf("failed %v: only %d different waits of 1000", failed, len(seen))
		}
	}
}

// An interval shorter than the first retry bounds retries too.
func TestPaceOfShortInterval(t *testing.T) {
	t.Parallel()
	p := source.NewPace(time.Millisecond, time.Second)
	for range 3 {
		if got := p.After(true); !about(got, time.Millisecond) {
			t.Errorf("waits %s", got)
		}
	}
}

func TestRest(t *testing.T) {
	t.Parallel()
	p := source.NewPace(15*time.Second, time.Second)
	for took, want := range map[time.Duration]time.Duration{
		0:                     0,
		20 * time.Millisecond: 200 * time.Millisecond,
		5 * time.Second:       time.Second,
	} {
		if got := p.Rest(took); got != want {
			t.Errorf("after a look of %s rests %s, want %s", took, got, want)
		}
	}
}
