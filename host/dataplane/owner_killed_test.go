package dataplane

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// owning is the environment variable that makes the tests' program a process that owns
// the table, and sleeps.
const owning = "SNATD_TEST_OWNING"

func own() {
	d, err := Open(slog.New(slog.DiscardHandler))
	if err == nil {
		_, err = d.Protect(rules.TableName)
	}
	if err == nil {
		err = d.Apply(rules.Replace(ruleset("192.168.0.0/16")).Ops)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("owning")
	select {}
}

// The owner's death costs neither the table nor a connection; the next process takes
// it over.
func TestOwnerKilled(t *testing.T) {
	l := newLab(t, "eth0")
	if !l.dataplane.Features().Has(Protecting) {
		t.Skip("needs Linux 6.9")
	}
	owner := exec.Command("/proc/self/exe")
	owner.Env = append(os.Environ(), owning+"=1")
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	l.node.Do(func() { err = owner.Start() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Process.Kill() })
	said := make([]byte, 80)
	if n, err := out.Read(said); string(said[:n]) != "owning\n" {
		t.Fatalf("%q, error %v", said[:n], err)
	}
	expectProtection(t, l.dataplane, OwnedByOther)
	live := l.connect(outside)
	live.expect(primaryAddr)
	before := content(t, l.node)

	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	expectProtection(t, l.dataplane, Orphaned)
	live.expect(primaryAddr)
	l.connect(outside).expect(primaryAddr)
	l.connect(excluded).expect(podAddr)

	protect(t, l.dataplane, Protected)
	if diff := cmp.Diff(before, content(t, l.node)); diff != "" {
		t.Errorf("the table changed:\n%s", diff)
	}
	live.expect(primaryAddr)
	l.node.Run("nft", "flush", "ruleset")
	l.connect(outside).expect(primaryAddr)
	apply(t, l.dataplane, nft.Diff(ruleset("192.168.0.0/16").Table(), ruleset().Table()))
	l.connect(excluded).expect(primaryAddr)
	live.expect(primaryAddr)
}
