package engine

import (
	"testing"
	"time"
)

func TestRetries(t *testing.T) {
	start := time.Unix(1000, 0)
	r := retries{}
	for i, c := range []struct {
		at      time.Duration
		failing []string
		want    time.Duration // from the start; negative for never
	}{
		{0, nil, -1},
		{0, []string{"kernel"}, 100 * time.Millisecond},
		{50 * time.Millisecond, []string{"kernel"}, 100 * time.Millisecond}, // a change came between
		{100 * time.Millisecond, []string{"kernel"}, 300 * time.Millisecond},
		{300 * time.Millisecond, []string{"kernel", "files"}, 400 * time.Millisecond}, // the new one does not wait for the old
		{400 * time.Millisecond, []string{"kernel"}, 700 * time.Millisecond},
		{700 * time.Millisecond, nil, -1},
		{800 * time.Millisecond, []string{"kernel"}, 900 * time.Millisecond}, // from the beginning
		{time.Hour, []string{"kernel"}, time.Hour + 200*time.Millisecond},
	} {
		next := r.plan(start.Add(c.at), c.failing)
		want := start.Add(c.want)
		if c.want < 0 {
			want = time.Time{}
		}
		if !next.Equal(want) {
			t.Errorf("step %d: next try %s after the start, want %s", i, next.Sub(start), c.want)
		}
	}
}
