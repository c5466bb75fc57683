package dataplane

import (
	"errors"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// protect ends the test where the kernel has no protection to give.
func protect(t *testing.T, d *Dataplane, want Protection) {
	t.Helper()
	got, err := d.Protect(rules.TableName)
	if err != nil {
		t.Fatal(err)
	}
	if got == NoProtection {
		t.Skip("needs Linux 6.9")
	}
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func expectProtection(t *testing.T, d *Dataplane, want Protection) {
	t.Helper()
	if got, err := d.Protection(rules.TableName); got != want || err != nil {
		t.Errorf("%s, error %v, want %s", got, err, want)
	}
}

// content is the table with its handles, without what nft lists of its owner.
func content(t *testing.T, n *nstest.Namespace) string {
	t.Helper()
	nstest.Need(t, "nft", "nftables")
	var kept []string
	for line := range strings.Lines(n.Run("nft", "--handle", "list", "table", "ip", rules.TableName)) {
		text := strings.TrimSpace(line)
		if text != "" && !strings.HasPrefix(line, "table ") && text != "flags" && text != "flags owner" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

var handles = regexp.MustCompile(` # handle \d+`)

func withoutHandles(listing string) string { return handles.ReplaceAllString(listing, "") }

// openFor gives a dataplane that the test closes.
func openFor(t *testing.T, n *nstest.Namespace) *Dataplane {
	t.Helper()
	var d *Dataplane
	var err error
	n.Do(func() { d, err = Open(slog.New(slog.DiscardHandler)) })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestProtectedFromOthers(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	protect(t, d, NoTable)
	apply(t, d, create(ruleset("10.0.0.0/16")))
	expectProtection(t, d, Protected)
	before := list(t, n)
	n.Run("nft", "flush", "ruleset")
	for _, command := range []string{
		"delete table ip snatd",
		"destroy table ip snatd",
		"flush table ip snatd",
		"add table ip snatd { flags dormant; }",
		"add element ip snatd c_node { 1.0.0.0/8 : accept }",
		"delete element ip snatd c_node { 10.0.0.0/16 : accept }",
		"add chain ip snatd c",
		"flush chain ip snatd restore",
		"add rule ip snatd restore accept",
		"add map ip snatd m { type ipv4_addr : verdict; }",
		"add counter ip snatd o",
	} {
		if out, err := n.Try("nft", command); err == nil || !strings.Contains(out, "not permitted") && !strings.Contains(out, "syntax error") {
			t.Errorf("nft %q: error %v: %s", command, err, out)
		}
	}
	other := open(t, n)
	expectProtection(t, other, OwnedByOther)
	if held, err := other.Protect(rules.TableName); held != OwnedByOther || err != nil {
		t.Errorf("another process: %s, error %v", held, err)
	}
	for _, plan := range []nft.Plan{rules.Replace(ruleset()).Ops, rules.Replace(nil).Ops, create(ruleset()), {nft.AddChain{Table: rules.TableName, Name: "c"}}} {
		if err := other.Apply(plan); !errors.Is(err, ErrPermission) {
			t.Errorf("error %v, want %v", err, ErrPermission)
		}
	}
	if after := list(t, n); after != before {
		t.Errorf("others made\n%s of\n%s", after, before)
	}
}

// All changes lead to the same tables with protection and without.
func TestChangesOfProtected(t *testing.T) {
	protected, plain := nstest.New(t), nstest.New(t)
	d, other := open(t, protected), open(t, plain)
	protect(t, d, NoTable)
	var before *rules.Ruleset
	for _, name := range slices.Sorted(maps.Keys(listings)) {
		after := listings[name]
		for _, plan := range []nft.Plan{nft.Diff(before.Table(), after.Table()), rules.Replace(after).Ops, append(nft.Diff(after.Table(), nil), create(after)...)} {
			apply(t, d, plan)
			apply(t, other, plan)
			if diff := cmp.Diff(withoutHandles(content(t, plain)), withoutHandles(content(t, protected))); diff != "" {
				t.Fatalf("change to %s: they differ:\n%s\n%s", name, diff, plan)
			}
			expectProtection(t, d, Protected)
		}
		before = after
	}
	apply(t, d, rules.Replace(nil).Ops)
	expectProtection(t, d, NoTable)
	apply(t, d, rules.Replace(nil).Ops)
	expectProtection(t, d, NoTable)
	apply(t, d, create(before))
	apply(t, d, nft.Diff(before.Table(), nil))
	expectProtection(t, d, NoTable)
}

// A refused transaction neither makes a table nor takes one over.
func TestRefusedWithProtection(t *testing.T) {
	n := nstest.New(t)
	d := openFor(t, n)
	protect(t, d, NoTable)
	refused := func(d *Dataplane, plan nft.Plan) {
		t.Helper()
		plan = append(plan, nft.DeleteChain{Table: rules.TableName, Name: "gone"})
		if err := commit(d, plan); !errors.Is(err, ErrOutOfStep) {
			t.Errorf("error %v, want %v", err, ErrOutOfStep)
		}
	}
	refused(d, create(ruleset("10.0.0.0/16")))
	expectProtection(t, d, NoTable)
	apply(t, d, nft.Plan{nft.AddTable{Table: rules.TableName}})
	refused(d, create(ruleset("10.0.0.0/16")))
	expectProtection(t, d, Protected)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	next := open(t, n)
	next.flags = flagOwner | flagPersist
	refused(next, nft.Plan{nft.AddTable{Table: rules.TableName}})
	refused(next, rules.Replace(ruleset("10.0.0.0/16")).Ops)
	expectProtection(t, next, Orphaned)
}

// A table that was made without protection stays so until it is replaced, and a plan
// that believes it absent is out of step.
func TestUnprotectedTable(t *testing.T) {
	n := nstest.New(t)
	apply(t, open(t, n), create(ruleset("10.0.0.0/16")))
	before := list(t, n)
	d := open(t, n)
	protect(t, d, Unprotected)
	if after := list(t, n); after != before {
		t.Errorf("the table is\n%s, want\n%s", after, before)
	}
	apply(t, d, nft.Diff(ruleset("10.0.0.0/16").Table(), ruleset("10.2.0.0/16").Table()))
	expectProtection(t, d, Unprotected)
	err := d.Apply(create(ruleset("10.0.0.0/16")))
	want := "add table ip snatd: the kernel's table is not what the plan expects: operation not supported"
	if !errors.Is(err, ErrOutOfStep) || err.Error() != want {
		t.Errorf("error\n%v, want\n%s", err, want)
	}
	apply(t, d, rules.Replace(ruleset("10.0.0.0/16")).Ops)
	expectProtection(t, d, Protected)
}

// An orphaned table belongs to whoever takes it over, with or without protection.
func TestOrphanedTable(t *testing.T) {
	n := nstest.New(t)
	orphan := func() {
		t.Helper()
		d := openFor(t, n)
		if _, err := d.Protect(rules.TableName); err != nil {
			t.Fatal(err)
		}
		apply(t, d, rules.Replace(ruleset("10.0.0.0/16")).Ops)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	first := open(t, n)
	protect(t, first, NoTable)
	orphan()
	expectProtection(t, first, Orphaned)
	before, number := content(t, n), generation(t, n)
	protect(t, first, Protected)
	protect(t, first, Protected)
	if got := generation(t, n); got != number+1 {
		t.Errorf("%d transactions to take over", got-number)
	}
	if diff := cmp.Diff(before, content(t, n)); diff != "" {
		t.Errorf("taking over changed the table:\n%s", diff)
	}
	expectProtection(t, first, Protected)
	n.Run("nft", "flush", "ruleset")
	apply(t, first, rules.Replace(nil).Ops)

	for name, plan := range map[string]nft.Plan{
		"removed":  rules.Replace(nil).Ops,
		"drained":  rules.Replace(rules.Draining(network())).Ops,
		"replaced": rules.Replace(ruleset("10.2.0.0/16")).Ops,
		"changed":  nft.Diff(ruleset("10.0.0.0/16").Table(), ruleset("10.2.0.0/16").Table()),
	} {
		orphan()
		plain := open(t, n)
		apply(t, plain, plan)
		held := map[string]Protection{"removed": NoTable, "drained": Unprotected, "replaced": Unprotected, "changed": Orphaned}[name]
		expectProtection(t, plain, held)
		apply(t, plain, rules.Replace(nil).Ops)
	}
}

// Taking over has to be a transaction of its own, which Protect makes: in one with a
// change of base chains, the kernel refuses that change.
func TestKernelTakesOverAlone(t *testing.T) {
	n := nstest.New(t)
	d := openFor(t, n)
	protect(t, d, NoTable)
	apply(t, d, create(ruleset()))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	next := open(t, n)
	hook := nft.AddChain{Table: rules.TableName, Name: "other", Hook: &nft.Hook{Type: "filter", Point: "prerouting"}}
	next.flags = flagOwner | flagPersist
	if err := commit(next, nft.Plan{nft.AddTable{Table: rules.TableName}, hook}); !errors.Is(err, unix.EINVAL) {
		t.Errorf("error %v, want %v", err, unix.EINVAL)
	}
	protect(t, next, Protected)
	apply(t, next, nft.Plan{hook})
}

func TestNoProtection(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	d.features = Features{}
	if held, err := d.Protect(rules.TableName); held != NoProtection || err != nil {
		t.Errorf("%s, error %v", held, err)
	}
	apply(t, d, create(ruleset("10.0.0.0/16")))
	expectProtection(t, d, Unprotected)
}
