package engine

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/neighbour"
)

// A neighbour is logged when it comes and when it goes, not when its rules have moved.
func TestNeighboursLoggedOnce(t *testing.T) {
	var log strings.Builder
	told := 0
	n := newNeighbours(slog.New(slog.NewTextHandler(&log, nil)), nil, func(neighbour.Finding) { told++ })
	finding := neighbour.Finding{Kind: neighbour.Translates, Message: "chain ip nat POSTROUTING translates", Detail: "rule 1"}
	moved := finding
	moved.Detail = "rule 2"
	for _, step := range []struct {
		now  []neighbour.Finding
		want string
	}{
		{[]neighbour.Finding{finding}, "another program gets in the way"},
		{[]neighbour.Finding{moved}, ""},
		{nil, "no longer in the way"},
		{nil, ""},
	} {
		log.Reset()
		n.report(step.now)
		n.found.Store(&step.now)
		if said := log.String(); !strings.Contains(said, step.want) || (step.want == "") != (said == "") {
			t.Errorf("%v: said %q, want %q", step.now, said, step.want)
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// What cannot be seen is logged once, and again when it could be seen in between or when
// the reason is another one.
func TestUnseenLoggedOnce(t *testing.T) {
	var log strings.Builder
	n := newNeighbours(slog.New(slog.NewTextHandler(&log, nil)), nil, nil)
	denied, other := errors.New("permission denied"), errors.New("no buffer space")
	for i, step := range []struct {
		why    error
		logged bool
	}{{denied, true}, {denied, false}, {other, true}, {nil, false}, {other, true}} {
		log.Reset()
		n.miss(step.why)
		if said := log.String(); (said != "") != step.logged {
			t.Errorf("look %d, %v: said %q", i, step.why, said)
		}
	}
}
