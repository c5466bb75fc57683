package facts

import (
	"encoding/json"
	"testing"
	"time"
)

func TestProvenanceJSON(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		provenance Provenance
		want       string
	}{
		{Provenance{Source: "imds"}, `{"source":"imds"}`},
		{Provenance{Source: "imds", Success: at, Failure: at, Error: "imds: mac: empty", Next: at},
			`{"source":"imds","success":"2026-01-02T03:04:05Z","failure":"2026-01-02T03:04:05Z","error":"imds: mac: empty","next":"2026-01-02T03:04:05Z"}`},
	} {
		got, err := json.Marshal(c.provenance)
		if err != nil || string(got) != c.want {
			t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
		}
	}
}

func TestFailingSince(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var p Provenance
	for range 2 { // a second time anew
		p.Fail(at, "first")
		p.Fail(at.Add(time.Second), "second")
		if p.Since != at || p.Failure != at.Add(time.Second) || p.Error != "second" {
			t.Errorf("%+v", p)
		}
		if p.Mend(); !p.Since.IsZero() || p.Error != "" || p.Failure.IsZero() {
			t.Errorf("%+v", p)
		}
		at = at.Add(time.Hour)
	}
}
