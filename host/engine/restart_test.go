package engine

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
)

func TestMain(m *testing.M) { nstest.Main(m) }

// openKernel gives an installer as a process has it that starts in the namespace.
func openKernel(t *testing.T, n *nstest.Namespace) (*installer, *linux) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	var kernel *linux
	var err error
	n.Do(func() { kernel, err = openLinux(log) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kernel.Close() })
	return &installer{kernel: kernel, log: log}, kernel
}

// The real kernel, from process to process: a start with unchanged facts changes
// nothing, what others did meanwhile is mended, and so is what they do later.
func TestRestartOnKernel(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	n := nstest.New(t)
	list := func() string { return n.Run("nft", "--handle", "list", "ruleset") }
	first, second := ruleset(t, 0x80, "172.16.0.0/16", "172.18.0.0/16"), ruleset(t, 0x80, "172.16.0.0/16", "172.20.0.0/16")
	i, _ := openKernel(t, n)
	for _, r := range []*rules.Ruleset{first, second} {
		if changed, err := i.install(r); err != nil || !changed {
			t.Fatalf("changed %v, %v", changed, err)
		}
	}
	before := list()
	again, kernel := openKernel(t, n)
	if changed, err := again.install(second); err != nil || changed {
		t.Errorf("a restart: changed %v, %v", changed, err)
	}
	if after := list(); after != before {
		t.Errorf("a restart changes the rules from\n%s to\n%s", before, after)
	}
	for what, by := range map[string]string{
		"is missing": "flush ruleset", "lacks 3 elements": "flush map ip snatd " + again.holds.Node, "": "add table ip other",
	} {
		n.Run("nft", by)
		different, err := again.verify()
		if err != nil || what == "" && len(different) > 0 || what != "" && (len(different) != 1 || !strings.HasSuffix(different[0], what)) {
			t.Errorf("%s: %q, %v", by, different, err)
		}
		held, err := kernel.Read(rules.TableName)
		if err != nil || held.String() != again.holds.Table().String() {
			t.Errorf("%s: %v, the kernel holds\n%s", by, err, held)
		}
	}
	// A change that others are in the way of.
	n.Run("nft", "flush map ip snatd "+again.holds.Node)
	if changed, err := again.install(first); err != nil || !changed || again.holds.Digest() != first.Digest() {
		t.Errorf("changed %v, %v", changed, err)
	}
	if different, err := again.verify(); len(different) > 0 || err != nil {
		t.Errorf("%q, %v", different, err)
	}
}
