package aws

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	p := pace{interval: 15 * time.Second}
	// Twice: a success begins anew.
	for range 2 {
		for i, want := range []time.Duration{1, 2, 4, 8, 15, 15} {
			if got := p.after(true); got != want*time.Second {
				t.Errorf("after %d failures: %s, want %s", i+1, got, want*time.Second)
			}
		}
		p.after(false)
	}
	seen := map[time.Duration]bool{}
	for range 1000 {
		wait := p.after(false)
		if wait < 13500*time.Millisecond || wait > 16500*time.Millisecond {
			t.Fatalf("waits %s, want 15s and 10 %% more or less", wait)
		}
		seen[wait] = true
	}
	if len(seen) < 100 {
		t.Errorf("only %d different waits of 1000", len(seen))
	}
}

// An interval shorter than the first retry bounds retries too.
func TestPaceOfShortInterval(t *testing.T) {
	t.Parallel()
	p := pace{interval: time.Millisecond}
	for range 3 {
		if got := p.after(true); got != time.Millisecond {
			t.Errorf("waits %s", got)
		}
	}
}

func TestRest(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]time.Duration{
		0:                     0,
		20 * time.Millisecond: 200 * time.Millisecond,
		5 * time.Second:       time.Second,
	} {
		if got := rest(took); got != want {
			t.Errorf("after a look of %s rests %s, want %s", took, got, want)
		}
	}
}
