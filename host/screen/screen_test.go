package screen

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/host/neighbour"
	"github.com/snatd/snatd/rules"
)

var now = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

const sum = "e637887de3bd0000000000000000000000000000000000000000000000000000"

// well is a status with which nothing is wrong.
func well() api.Status {
	applied := ago(90 * time.Minute)
	return api.Status{
		Version: "v1", Healthy: true, Ready: true, Why: []string{}, Ruleset: sum, Wasm: "compiler", Changes: 7, Applied: &applied,
		Sources: []facts.Provenance{{Source: "netlink", Success: now}},
		Modules: []engine.ModuleStatus{{Name: "default", State: "active", SHA256: sum, Size: 2048, Milliseconds: 3}},
		Classes: []api.Class{
			{Name: "c_1", Node: true, Pods: 1, Prefixes: 2, Ranges: 1, Default: rules.Translate, Source: "10.0.0.10"},
			{Name: "c_2", Pods: 30, Prefixes: 1, Ranges: 0, Default: rules.Exclude},
		},
		Subjects: 32, Pods: 30, Primary: "10.0.0.10", Interface: "eth0",
		Protection: dataplane.Protected, Kernel: dataplane.Features{Release: "6.18"},
	}
}

// ill is one with which all is wrong that can be.
func ill() api.Status {
	s := well()
	s.Healthy, s.Why = false, []string{"imds: no answer", "module 10-x.wasm: load: not WebAssembly"}
	s.Sources = []facts.Provenance{
		{Source: "imds", Success: ago(73 * time.Hour), Failure: ago(2 * time.Second), Since: ago(time.Minute), Error: "no answer", Next: now.Add(13 * time.Second)},
		{Source: "ec2"},
	}
	s.Modules = append([]engine.ModuleStatus{{Name: "10-x.wasm", State: "failed", Error: "not WebAssembly", FileSHA256: strings.Repeat("a", 64)}}, s.Modules...)
	s.Neighbours = []neighbour.Finding{{Message: "chain x translates", Detail: "rule 1", Fix: "remove it"}}
	s.Repairs, s.Repaired = 2, &engine.Repair{At: ago(3 * time.Second), What: []string{"map pods is gone"}, By: "nft"}
	s.LastChanges = []api.LastChange{
		{Number: 12, Time: ago(3 * time.Second), Result: history.Held, Because: "module 10-x.wasm changed"},
		{Number: 11, Time: ago(90 * time.Minute), Result: history.Applied, Because: "start"},
	}
	s.Wasm, s.Draining, s.Kept, s.Ended = "interpreter", 1, 2, 3
	s.PodsWaiting = slices.Repeat([]string{"a/b"}, 12)
	s.Interfaces = []engine.Interface{{Name: "eth0", MAC: "02:00:00:00:00:01", Primary: true}, {MAC: "02:00:00:00:00:02", Device: 1}}
	return s
}

// text is a screen with the levels of its lines.
func text(s Screen) string {
	var text strings.Builder
	line := func(title string, l Line) { fmt.Fprintf(&text, "%s|%s|%s\n", title, l.Level, l.Text) }
	line("", s.Verdict)
	for _, section := range s.Sections {
		for _, l := range section.Lines {
			line(section.Title, l)
		}
	}
	return text.String()
}

func TestScreen(t *testing.T) {
	for _, test := range []struct {
		status api.Status
		want   string
	}{
		{well(), `
|good|healthy: the kernel holds what facts and modules demand
facts||netlink, read 0s ago
modules||default active e637887de3bd, 2 KiB, loaded in 3 ms
modules||run compiled
classes||c_1: 1 pod, 2 prefixes in 1 range; elsewhere translate to 10.0.0.10; also for pods that are not known
classes||c_2: 30 pods, 1 prefix in 0 ranges; elsewhere exclude
pods||31 decided, of which 30 differ from the node
changes||7 since the start, the last 1h30m ago; ruleset e637887de3bd
node||primary address 10.0.0.10 on eth0
node||table: protected
node||Linux 6.18
snatd||v1
`}, {ill(), `
|bad|not healthy: imds: no answer, and 1 more
wrong|bad|imds: no answer
wrong|bad|module 10-x.wasm: load: not WebAssembly
warning|warn|chain x translates (rule 1)
warning||fix: remove it
repairs|warn|2 since the start, the last 3s ago: map pods is gone, by nft
facts|bad|imds, read 3 days ago; fails for 1m0s, failed 2s ago, next try in 13s
facts|warn|ec2, never read
modules|bad|10-x.wasm failed aaaaaaaaaaaa; no version decides
modules||default active e637887de3bd, 2 KiB, loaded in 3 ms
modules|warn|run by an interpreter, several times slower
classes||c_1: 1 pod, 2 prefixes in 1 range; elsewhere translate to 10.0.0.10; also for pods that are not known
classes||c_2: 30 pods, 1 prefix in 0 ranges; elsewhere exclude
pods||31 decided, of which 30 differ from the node
pods||without an address yet: a/b, a/b, a/b, a/b, a/b, a/b, a/b, a/b, a/b, a/b and 2 more
changes||7 since the start, the last 1h30m ago; ruleset e637887de3bd
changes|warn|number 12, 3s ago: held, module 10-x.wasm changed
changes||number 11, 1h30m ago: start
connections||1 live ones go on as earlier rules decided
connections||2 live ones keep what they need of earlier rules
connections||3 were ended by changes since the start
node||primary address 10.0.0.10 on eth0
node||interface eth0, MAC 02:00:00:00:00:01, device 0 of card 0, primary
node||interface not on this node yet, MAC 02:00:00:00:00:02, device 1 of card 0
node||table: protected
node||Linux 6.18
snatd||v1
`},
	} {
		if got := "\n" + text(Of(test.status, now)); got != test.want {
			t.Errorf("%s\nwant:%s", got, test.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	warned, waits, ipv6 := well(), well(), well()
	warned.Neighbours = ill().Neighbours
	waits.Healthy, waits.Ready, waits.Why = false, false, []string{"waiting for facts"}
	ipv6.Ruleset = ""
	for want, screen := range map[string]Screen{
		"warn healthy, with 1 warning about other programs":            Of(warned, now),
		"bad not healthy: waiting for facts":                           Of(waits, now),
		"good healthy: nothing is to be in the kernel":                 Of(ipv6, now),
		"bad not healthy: no snatd answers":                            Silent(errors.New("no snatd answers")),
		"bad not healthy: imds: no answer, and 1 more":                 Of(ill(), now),
		"good healthy: the kernel holds what facts and modules demand": Of(well(), now),
	} {
		if got := string(screen.Verdict.Level) + " " + screen.Verdict.Text; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestModuleLine(t *testing.T) {
	file := strings.Repeat("a", 64)
	shadow := &engine.Shadow{Subjects: 3, Changes: []engine.Change{{Subject: "node", Addresses: 1, Share: 0.5}}}
	for want, m := range map[string]engine.ModuleStatus{
		"|m loading, the same policy decides natively until then":                                                       {State: "loading", Native: true},
		"warn|m loading aaaaaaaaaaaa: not whole; no version decides":                                                    {State: "loading", FileSHA256: file, Error: "not whole"},
		"warn|m loading aaaaaaaaaaaa; the version before decides, e637887de3bd, 1 KiB, loaded in 3 ms":                  {State: "loading", FileSHA256: file, SHA256: sum, Size: 1, Milliseconds: 3},
		"bad|m active e637887de3bd, 1 KiB, loaded in 3 ms; fails for 2 subjects":                                        {State: "active", SHA256: sum, Size: 1, Milliseconds: 3, Failing: 2},
		"|m shadow e637887de3bd, 1 KiB, loaded in 3 ms; would change 3 subjects, up to 50% of the address space (node)": {State: "shadow", SHA256: sum, Size: 1, Milliseconds: 3, Shadow: shadow},
		"bad|m failed aaaaaaaaaaaa; in shadow mode is the version before, e637887de3bd, 1 KiB, loaded in 3 ms; would change 3 subjects, up to 50% of the address space (node)": {
			State: "failed", FileSHA256: file, SHA256: sum, Size: 1, Milliseconds: 3, Shadow: shadow},
	} {
		m.Name = "m"
		if line := moduleLine(m); string(line.Level)+"|"+line.Text != want {
			t.Errorf("%s|%s, want %s", line.Level, line.Text, want)
		}
	}
}
