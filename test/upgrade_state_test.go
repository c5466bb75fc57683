package test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/nstest"
)

// load puts a table as nft lists it in the place of snatd's, in one transaction. It belongs
// to nobody.
func (d *daemon) load(table string) {
	d.t.Helper()
	nstest.Need(d.t, "nft", "nftables")
	table = regexp.MustCompile(`(?m)^\tflags.*\n`).ReplaceAllString(table, "")
	if d.kernel().table {
		table = "delete table ip snatd\n" + table
	}
	if out, err := d.nft(table, "-f", "-"); err != nil {
		d.t.Fatalf("%v: %s\n%s", err, out, table)
	}
}

// sortedTable is the objects of a listed table, in no order of making.
func sortedTable(table string) []string {
	all := strings.Split(strings.TrimSpace(strings.TrimSuffix(owned.ReplaceAllString(table, ""), "}\n")), "\n\n")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	slices.Sort(all)
	return all
}

// What a version that is yet to come leaves is read as far as it is understood, each thing
// that is not is said once, and nobody's packets are decided otherwise for it. Here nothing
// but the record says what the facts are.
func TestStateOfNewerVersion(t *testing.T) {
	d := prepare(t)
	d.setConfig(guarded + "history: {directory: " + d.path("history") + "}\n")
	d.run()
	d.waitReady()
	d.waitLoaded()
	d.waitFile("record.yaml", "pod-b")
	d.waitFile("history/1/facts.yaml", "pod-b")
	open := d.openAll()
	want, err := d.rules()
	if err != nil {
		t.Fatal(err)
	}
	d.stop(os.Kill)

	// Its chains and maps have other names and places, and there are more of them.
	table := want
	for _, change := range [][2]string{
		{"map pods", "set tomorrow { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 }; }\n\tmap members"},
		{"chain prerouting", "chain first"}, {"priority dstnat + 10", "priority dstnat + 12"}, {"@pods", "@members"},
		{"chain restore", "chain again"}, {"goto restore", "goto again"},
		{"ip saddr vmap", "ip saddr @tomorrow counter return\n\t\tip saddr vmap"},
	} {
		table = replace(t, table, change[0], change[1])
	}
	d.load(table)
	for _, conn := range open {
		conn.check(t)
	}
	record, err := os.ReadFile(d.path("record.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.write("record.yaml", replace(t, string(record), "  name: pod-b\n", "  name: pod-b\n  orbit: low\n")+"moons:\n- {name: phobos}\n")
	d.write("history/1/entry.json", "[\"of another form\"]\n")
	if err := os.Remove(d.path("facts.yaml")); err != nil {
		t.Fatal(err)
	}

	now := d.launched()
	d.check(onlyOutside)
	for _, conn := range open {
		conn.check(t)
	}
	if len(now.Problems) != 1 || !strings.Contains(now.Problems[0].Message, "facts.yaml") || now.Changes != 1 {
		t.Errorf("%+v", now)
	}
	for _, line := range []string{"keys=\"pods[].orbit, moons\"", "change 1: json: cannot unmarshal array", "msg=\"rules changed\""} {
		if said := strings.Count(d.log.String(), line); said != 1 {
			t.Errorf("the log says %q %d times", line, said)
		}
	}
	got, err := d.rules()
	if diff := cmp.Diff(sortedTable(want), sortedTable(got)); diff != "" || err != nil {
		t.Errorf("%v, the table is another: %s", err, diff)
	}
	if entries := d.history(); len(entries) != 1 || entries[0].Number != 2 {
		t.Errorf("%+v", entries)
	}
	if _, err := os.Stat(d.path("history/1/facts.yaml")); err != nil {
		t.Errorf("what another version keeps is gone: %v", err)
	}
}

// A change that is held stays so when another version makes the table otherwise, however much
// of it is understood, and whether the note is.
func TestUpgradeIsNoApproval(t *testing.T) {
	for name, c := range map[string]struct {
		change  [2]string // of the table
		note    string    // empty for that of the run before
		because string
	}{
		"another priority":       {[2]string{"priority srcnat + 10", "priority srcnat + 11"}, "held: everything\n", "the run before held a change"},
		"no node is found":       {[2]string{"chain prerouting", "chain first"}, "", "vpc"},
		"no class is found":      {[2]string{"c_", "k_"}, "", "vpc"},
		"no pod is found":        {[2]string{"map pods", "map members"}, "", "vpc"},
		"pods are of a new type": {[2]string{"map pods {\n\t\ttype ipv4_addr : verdict\n", "map pods {\n\t\ttype ipv4_addr : verdict\n\t\tflags interval\n"}, "", "vpc"},
	} {
		t.Run(name, func(t *testing.T) {
			d := guardedDaemon(t)
			open := d.openAll()
			d.write("facts.yaml", wider(t, baseFacts))
			held := d.held("vpc")
			d.waitFile("record.yaml.held", held.Ruleset)
			d.stop(syscall.SIGTERM)
			if c.note != "" {
				d.write("record.yaml.held", c.note)
			}
			note, err := os.ReadFile(d.path("record.yaml.held"))
			if err != nil {
				t.Fatal(err)
			}
			table, err := d.rules()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(table, c.change[0]) {
				t.Fatalf("no %q in\n%s", c.change[0], table)
			}
			table = strings.ReplaceAll(table, c.change[0], c.change[1])
			table = strings.ReplaceAll(table, "@"+strings.TrimPrefix(c.change[0], "map "), "@"+strings.TrimPrefix(c.change[1], "map "))
			d.load(table)
			d.run()
			d.waitNotReady("waiting for approval")
			if again := d.held(c.because); again.Ruleset != held.Ruleset || !again.Unclear || again.Since.IsZero() {
				t.Errorf("held %+v, then %+v", held, again)
			}
			d.waitProblem("guard: a change is held since ")
			if plan := d.planned(true); plan.Held == nil || !plan.Held.Unclear || plan.Held.Ruleset != held.Ruleset {
				t.Errorf("the plan says %+v", plan.Held)
			}
			d.check(onlyOutside)
			if now, err := os.ReadFile(d.path("record.yaml.held")); string(now) != string(note) || err != nil {
				t.Errorf("the note is %q, %v; it was %q", now, err, note)
			}
			d.succeed("approve", held.Ruleset)
			d.check(world{internet: true})
			for _, conn := range open {
				conn.check(t)
			}
		})
	}
}

// Where the rules of the run before are gone, those that are wanted come into force, because
// a node without any is worse: that a change was held is said until the next start.
func TestHeldBehindRulesThatAreGone(t *testing.T) {
	d := guardedDaemon(t)
	d.write("facts.yaml", wider(t, baseFacts))
	held := d.held("vpc")
	d.waitFile("record.yaml.held", held.Ruleset)
	d.stop(syscall.SIGTERM)
	if err := d.damage("flush", "ruleset"); err != nil {
		t.Fatal(err)
	}
	d.run()
	d.waitReady()
	said := fmt.Sprintf("in force without approval: the rules before it are gone, behind which ruleset %.12s was held since %s, because vpc",
		held.Ruleset, held.Since.UTC().Format(time.RFC3339))
	d.waitProblem(said)
	d.waitLog("level=ERROR", said)
	d.check(world{internet: true})
	d.waitNothingHeld()
	entries := d.history()
	if last := entries[len(entries)-1]; last.Because != "start, without approval" || last.Ruleset != held.Ruleset {
		t.Errorf("%+v", last)
	}
	d.wait("the note to go", func() error {
		if _, err := os.Stat(d.path("record.yaml.held")); !errors.Is(err, os.ErrNotExist) {
			return errors.Join(errors.New("it is there"), err)
		}
		return nil
	})
	d.stop(syscall.SIGTERM)
	d.run()
	d.waitReady()
	if problems := d.status().Problems; len(problems) > 0 {
		t.Errorf("problems %v", problems)
	}
}

// What frozen versions have left is read by every later one: a table and its routing rule, the
// facts in force, and a history with configuration, sidecar and module.
// testdata/upgrade/README.md says how they were made.
func TestFrozenState(t *testing.T) {
	versions, err := filepath.Glob("testdata/upgrade/*/record.yaml")
	if err != nil || len(versions) == 0 {
		t.Fatalf("%v, %d versions", err, len(versions))
	}
	for _, record := range versions {
		frozen := filepath.Dir(record)
		t.Run(filepath.Base(frozen), func(t *testing.T) {
			d := prepare(t)
			if err := os.CopyFS(d.dir, os.DirFS(frozen)); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(d.path("facts.yaml")); err != nil { // so that the record counts
				t.Fatal(err)
			}
			d.setConfig(upgradeNetwork + "history: {directory: " + d.path("history") + "}\n")
			const changes = 2
			module := filepath.Join("history", fmt.Sprint(changes), "policies.d")
			if err := os.CopyFS(d.path("policies.d"), os.DirFS(d.path(module))); err != nil {
				t.Fatal(err)
			}
			table, err := os.ReadFile(d.path("table.nft"))
			if err != nil {
				t.Fatal(err)
			}
			d.load(string(table))
			d.ip("rule", "add", "fwmark", "0x80/0x80", "lookup", "main", "priority", "1025", "protocol", "83")
			// The module keeps what pod-a sends to the peered VPC.
			decided := func() {
				t.Helper()
				d.checkEach(world{internet: true}, onlyOutside)
			}
			decided()
			open := d.openAll()

			d.launched()
			decided()
			for _, conn := range open {
				conn.check(t)
			}
			entries := d.history()
			if len(entries) != changes+1 || entries[1].Because != "module 20-wat.wasm added" || len(entries[1].Modules) != 2 {
				t.Errorf("%+v", entries)
			}
			for _, e := range entries[:changes] {
				if facts := d.succeed("facts", "--at", fmt.Sprint(e.Number)); !strings.Contains(facts, "name: pod-b") {
					t.Errorf("at change %d:\n%s", e.Number, facts)
				}
				d.replay(d.path(filepath.Join("history", fmt.Sprint(e.Number))))
			}
			if problems := d.status().Problems; len(problems) != 1 || !strings.Contains(problems[0].String(), "facts.yaml") {
				t.Errorf("problems %v", problems)
			}
		})
	}
}
