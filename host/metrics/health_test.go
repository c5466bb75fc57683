package metrics

import (
	"net/http"
	"testing"
	"time"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/health"
)

func TestHealth(t *testing.T) {
	const waiting = "waiting for facts: the VPC's CIDRs, without which nothing is translated"
	now := time.Now()
	fresh := facts.Provenance{Source: "netlink", Success: now}
	failing := func(since time.Duration) health.Health {
		h := well()
		bad := facts.Provenance{Source: "imds", Success: now.Add(-time.Hour), Failure: now, Since: now.Add(-since), Error: "imds: no answer"}
		h.Sources = []facts.Provenance{fresh, bad}
		return h
	}
	standing := func(since time.Duration) health.Health {
		h := well()
		h.Progress = now.Add(-since)
		return h
	}
	for name, test := range map[string]struct {
		health          health.Health
		alive, ready    int
		aliveIs, isRead string
	}{
		"well":                    {well(), 200, 200, "ok", "ok"},
		"waits":                   {health.Health{Progress: now, Waiting: waiting}, 200, 503, "ok", waiting},
		"not ready":               {health.Health{Progress: now}, 200, 503, "ok", "not ready"},
		"fresh":                   {health.Health{Progress: now, Ready: true, Sources: []facts.Provenance{fresh}}, 200, 200, "ok", "ok"},
		"a source fails":          {failing(time.Minute), 200, 200, "ok", "ok"},
		"a source fails for long": {failing(6 * time.Minute), 200, 503, "ok", "facts of imds are old: reading it fails for 6m0s: imds: no answer"},
		"a source was never read": {health.Health{Progress: now, Ready: true, Sources: []facts.Provenance{{Source: "ec2"}}}, 200, 503, "ok", "facts of ec2 have not been read yet"},
		"a pass takes long":       {standing(time.Minute), 200, 200, "ok", "ok"},
		"the loop hangs":          {standing(3 * time.Minute), 503, 200, "the daemon's loop hangs: it went on last 3m0s ago", "ok"},
	} {
		if got, want := test.health.Hangs(now), test.aliveIs; got != want && (got != "" || want != "ok") {
			t.Errorf("%s: alive says %q, want %q", name, got, want)
		}
		if got, want := test.health.Unready(now), test.isRead; got != want && (got != "" || want != "ok") {
			t.Errorf("%s: ready says %q, want %q", name, got, want)
		}
		_, url := serveHealth(t, func() State {
			t.Errorf("%s: a probe asks for the state, which costs the kernel", name)
			return State{}
		}, func() health.Health { return test.health })
		for path, want := range map[string]int{"/healthz": test.alive, "/readyz": test.ready} {
			code, body := get(t, url+path)
			if code != want || (body == "ok\n") != (want == http.StatusOK) {
				t.Errorf("%s: %s: %d %q, want %d", name, path, code, body, want)
			}
		}
	}
	_, url := serve(t, full)
	for _, path := range []string{"/", "/debug/pprof/"} {
		if code, body := get(t, url+path); code != http.StatusNotFound {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
}
