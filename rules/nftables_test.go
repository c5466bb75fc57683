package rules_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/rules"
)

// namespace starts a shell in a network namespace of its own, as the root of a
// user namespace of its own: nothing of this machine is changed, and no
// privileges are needed.
func namespace(t *testing.T, script string) string {
	t.Helper()
	shell := []string{"--user", "--map-root-user", "--net", "sh", "-e", "-c"}
	for _, tool := range []string{"unshare", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			unavailable(t, fmt.Sprintf("%v: apt-get install util-linux nftables", err))
		}
	}
	if out, err := exec.Command("unshare", append(shell, "true")...).CombinedOutput(); err != nil {
		unavailable(t, fmt.Sprintf("no user namespaces here: sysctl kernel.unprivileged_userns_clone=1: %s", out))
	}
	out, err := exec.Command("unshare", append(shell, script)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// unavailable fails where tests must be complete, and skips elsewhere.
func unavailable(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// TestNftLoadsText loads every ruleset's text with nft and compares the kernel's
// listing with it.
func TestNftLoadsText(t *testing.T) {
	for name, r := range golden(t) {
		t.Run(name, func(t *testing.T) {
			file := write(t, t.TempDir(), "table.nft", r.Table().String())
			got := namespace(t, "nft -f "+file+"; nft list ruleset")
			if d := cmp.Diff(sorted(r.Table().String()), sorted(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestNftAppliesPlans takes the kernel through random histories, so that the
// order of a plan's changes is checked by the kernel itself.
func TestNftAppliesPlans(t *testing.T) {
	const mark = "# snatd test: next listing\n"
	r := random(t)
	for range 4 {
		w, dir := newWorld(r), t.TempDir()
		var held *rules.Ruleset
		var want []string
		script := ""
		for i := range 25 {
			w.change()
			node, pods := w.subjects()
			plan := step(r, held, mustCompile(t, w.network, node, pods...))
			held = plan.After
			want = append(want, sorted(held.Table().String()))
			file := write(t, dir, fmt.Sprintf("%d.nft", i), plan.Ops.String())
			script += fmt.Sprintf("nft -f %s; nft list ruleset; printf '%s'\n", file, mark)
		}
		got := strings.SplitAfter(namespace(t, script), mark)
		for i := range want {
			if d := cmp.Diff(want[i], sorted(strings.TrimSuffix(got[i], mark))); d != "" {
				t.Fatalf("after plan %d: %s", i+1, d)
			}
		}
	}
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var elements = regexp.MustCompile(`elements = \{([^}]*)\}`)

// sorted brings a listing into one order: nft lists objects in the order in
// which they were made, and a hash table's elements in any.
func sorted(listing string) string {
	listing = strings.ReplaceAll(listing, "\t\tpackets 0 bytes 0\n", "")
	listing = elements.ReplaceAllStringFunc(listing, func(text string) string {
		var lines []string
		for _, e := range strings.Split(elements.FindStringSubmatch(text)[1], ",") {
			lines = append(lines, "\t\t\t"+strings.TrimSpace(e))
		}
		slices.Sort(lines)
		return "elements = {\n" + strings.Join(lines, "\n") + "\n\t\t}"
	})
	body := strings.TrimSuffix(strings.TrimPrefix(listing, "table ip snatd {\n"), "}\n")
	blocks := strings.Split(strings.TrimSuffix(body, "\n"), "\n\n")
	slices.Sort(blocks)
	return strings.Join(blocks, "\n\n") + "\n"
}
