package metrics

import (
	"flag"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/snatd/snatd/host/facts"
)

var update = flag.Bool("update", false, "write the files in testdata")

var at = time.Date(2026, 5, 1, 12, 0, 0, 250e6, time.UTC)

// full is a state with a value for everything.
func full() State {
	return State{
		Version: "1.2.0", Ready: true, Problems: 3, Held: true, Changes: 1 << 40, Subjects: 201, Pods: 17, Classes: 2,
		Connections: []Connections{{"default", "translate", 7}, {"10-a.wasm", "exclude", 1 << 33}},
		Accepted:    1 << 41, Failed: 2, Progress: at, Elements: map[string]int{"pods": 17, "destinations": 5000, "sources": 0},
		Translated: map[netip.Addr]int{netip.MustParseAddr("10.0.0.10"): 7, netip.MustParseAddr("10.0.0.11"): 1},
		Ports: []PortUse{
			{"tcp", netip.MustParseAddr("10.0.0.10"), netip.MustParseAddrPort("198.51.100.10:443"), 48384},
			{"udp", netip.MustParseAddr("10.0.0.11"), netip.MustParseAddrPort("198.51.100.10:53"), 700},
			{"tcp", netip.MustParseAddr("10.0.0.10"), netip.MustParseAddrPort("198.51.100.10:80"), 12},
		},
		Repairs: 4, Draining: 5, Ended: 6, Neighbours: map[string]int{"aws-snat": 1, "rp-filter": 0},
		Sources: []facts.Provenance{
			{Source: "imds", Success: at, Next: at.Add(15 * time.Second)},
			{Source: "ec2", Success: at, Failure: at.Add(time.Minute), Error: "RequestLimitExceeded", Next: at.Add(2 * time.Minute)},
			{Source: "kubernetes", Success: at.Add(time.Minute), Failure: at},
			{Source: "/etc/\"snatd\"/\xff.yaml"},
		},
		Modules: []Module{
			{Name: "10-a.wasm", State: "shadow", Shadow: &Shadow{Subjects: 3, Share: 0.25}, Taken: 2, Refused: 1},
			{Name: "default", State: "active", Taken: 1, Evaluations: 5, Recalled: 1000, GuestCalls: 7},
		},
	}
}

// own are the lines of a scrape that are about snatd itself.
func own(scrape string) string {
	var lines strings.Builder
	for line := range strings.Lines(scrape) {
		name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE ")
		if strings.HasPrefix(name, "snatd_") {
			lines.WriteString(line)
		}
	}
	text := strings.ReplaceAll(lines.String(), runtime.Version(), "GOVERSION")
	return age.ReplaceAllString(text, "${1}AGE")
}

// age is a sample that grows.
var age = regexp.MustCompile(`(?m)^(snatd_source_age_seconds\{.*\} )\S+`)

func TestScrape(t *testing.T) {
	for file, state := range map[string]State{"full": full(), "empty": {}} {
		t.Run(file, func(t *testing.T) {
			server, url := serve(t, func() State { return state })
			if file == "full" {
				server.ObservePodChange(700 * time.Microsecond)
				server.ObservePodChange(3 * time.Millisecond)
				server.ObservePodChange(time.Minute)
				server.ObserveApply(250 * time.Microsecond)
				server.ObserveCompile(2 * time.Millisecond)
			}
			code, scrape := get(t, url+"/metrics")
			path := "testdata/" + file + ".txt"
			if *update {
				if err := os.WriteFile(path, []byte(own(scrape)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), own(scrape)); code != http.StatusOK || diff != "" {
				t.Errorf("status %d, not the text of %s (-want +got):\n%s", code, path, diff)
			}
			for _, other := range []string{"go_goroutines", "process_resident_memory_bytes", "promhttp_metric_handler_errors_total"} {
				if !strings.Contains(scrape, "\n"+other) {
					t.Errorf("there is no %s", other)
				}
			}
		})
	}
}

func TestLint(t *testing.T) {
	server, url := serve(t, full)
	server.ObservePodChange(time.Millisecond)
	server.ObserveApply(time.Millisecond)
	_, scrape := get(t, url+"/metrics")
	problems, err := promlint.New(strings.NewReader(scrape)).Lint()
	if len(problems) > 0 || err != nil {
		t.Errorf("%v, error %v", problems, err)
	}
}

// Sources of one name, or of names that look the same, are told apart.
func TestSourceTwice(t *testing.T) {
	_, url := serve(t, func() State {
		return State{Sources: []facts.Provenance{
			{Source: "imds", Success: at}, {Source: "imds"}, {Source: "imds (2)", Success: at}, {Source: "imds"},
			{Source: "\xff", Success: at}, {Source: "\xfe"},
		}}
	})
	code, scrape := get(t, url+"/metrics")
	for _, line := range []string{
		`{source="imds"} 1`, `{source="imds (2)"} 0`, `{source="imds (2) (2)"} 1`, `{source="imds (3)"} 0`, `{source="\uFFFD"} 1`, `{source="\uFFFD (2)"} 0`,
	} {
		if !strings.Contains(scrape, "\nsnatd_source_up"+strings.ReplaceAll(line, `\uFFFD`, "\uFFFD")+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
	if code != http.StatusOK || t.Failed() {
		t.Errorf("status %d:\n%s", code, own(scrape))
	}
}

func TestStateReadOnce(t *testing.T) {
	var reads atomic.Int64
	_, url := serve(t, func() State {
		reads.Add(1)
		return full()
	})
	if get(t, url+"/metrics"); reads.Load() != 1 {
		t.Errorf("the state was read %d times for a scrape, want 1", reads.Load())
	}
}
