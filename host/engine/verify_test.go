package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

func TestVerify(t *testing.T) {
	const name = rules.TableName
	wanted := ruleset(t, 0x80)
	class := wanted.Node
	some := wanted.Table().Maps[0].Elements
	other := nft.Rule{nft.Unknown{Text: "log"}}
	for _, c := range []struct {
		what string
		by   func(*fakeKernel)
		want []string
	}{
		{"nothing", func(*fakeKernel) {}, nil},
		{"the table is gone", func(k *fakeKernel) { k.table = nil }, []string{"the table is missing"}},
		{"another object", func(k *fakeKernel) { k.table.Other = []string{"object evil"} }, []string{"the table is of another form"}},
		{"the routing rule is gone", func(k *fakeKernel) { clear(k.marks) }, []string{"the routing rule for mark 0x80 is missing"}},
		{"the routing rule is another", func(k *fakeKernel) { clear(k.marks); k.others = []uint32{0x80} },
			[]string{"the routing rule for mark 0x80 is missing", "a routing rule for mark 0x80 is not snatd's"}},
		{"a routing rule of an unknown mark", func(k *fakeKernel) { k.marks[0x20] = true },
			[]string{"a routing rule for mark 0x20 is not snatd's"}},
		{"an element is gone", func(k *fakeKernel) {
			k.by(t, nft.DeleteElements{Table: name, Map: class, Interval: true, Elements: some})
		}, []string{"map " + class + " lacks 1 elements"}},
		{"others' counter", func(k *fakeKernel) { k.by(t, nft.AddCounter{Table: name, Name: "theirs"}) },
			[]string{"counter theirs is not snatd's"}},
		{"others' things", func(k *fakeKernel) {
			k.by(t, nft.AddMap{Table: name, Name: "theirs"}, nft.AddChain{Table: name, Name: "theirs"},
				nft.AddRule{Table: name, Chain: "theirs", Rule: other}, nft.AddRule{Table: name, Chain: "translate", Rule: other})
		}, []string{"chain translate has other rules", "map theirs is not snatd's", "chain theirs is not snatd's"}},
		{"all is gone", func(k *fakeKernel) { k.table.Maps, k.table.Chains = nil, nil }, []string{
			"chain " + class + " is missing", "chain " + strings.Replace(class, "c_", "e_", 1) + "/default is missing",
			"chain postrouting is missing", "chain prerouting is missing", "chain restore is missing", "chain translate is missing",
			"map " + class + " is missing", "map pods is missing", "1 more",
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			i, k := newInstaller()
			if _, err := i.install(wanted); err != nil {
				t.Fatal(err)
			}
			c.by(k)
			transactions := k.transactions
			different, err := i.verify()
			if d := cmp.Diff(c.want, different); d != "" || err != nil {
				t.Errorf("%v, %s", err, d)
			}
			k.holds(t, wanted, 0x80)
			if different, err := i.verify(); len(different) > 0 || err != nil {
				t.Errorf("once more: %q, %v", different, err)
			}
			if k.transactions > transactions+1 {
				t.Errorf("%d transactions", k.transactions-transactions)
			}
			if i.changes != uint64(k.transactions) {
				t.Errorf("%d changes are counted, there were %d transactions", i.changes, k.transactions)
			}
		})
	}
}

// What connections need that carry an earlier mark is put right like the rest.
func TestVerifyEarlierMarks(t *testing.T) {
	i, k := newInstaller()
	k.live[0x80], k.live[0x20] = 1, 1
	k.marks[0x80], k.marks[0x20] = true, true
	wanted := ruleset(t, 0x40)
	if _, err := i.install(wanted); err != nil {
		t.Fatal(err)
	}
	all := wanted.WithEarlierMarks([]uint32{0x20, 0x80})
	k.holds(t, all, 0x20, 0x40, 0x80)
	if !i.routed() {
		t.Error("the routing rules are as they should be")
	}
	delete(k.marks, 0x80)
	if i.routed() {
		t.Error("a routing rule is missing")
	}
	clear(k.marks)
	k.table = nil
	want := []string{"the routing rule for mark 0x40 is missing", "the routing rule for mark 0x20 is missing",
		"the routing rule for mark 0x80 is missing", "the table is missing"}
	different, err := i.verify()
	if d := cmp.Diff(want, different); d != "" || err != nil {
		t.Errorf("%v, %s", err, d)
	}
	k.holds(t, all, 0x20, 0x40, 0x80)
}

// Where a routing rule cannot be put back, the table is nevertheless.
func TestVerifyUnrouted(t *testing.T) {
	i, k := newInstaller()
	wanted := ruleset(t, 0x80)
	if _, err := i.install(wanted); err != nil {
		t.Fatal(err)
	}
	clear(k.marks)
	k.table = nil
	k.unrouted = errors.New("by the test")
	different, err := i.verify()
	if len(different) != 2 || !errors.Is(err, k.unrouted) {
		t.Errorf("%q, %v", different, err)
	}
	k.holds(t, wanted)
}

// What verify cannot put right is different still, and the next install does it.
func TestVerifyRefused(t *testing.T) {
	i, k := newInstaller()
	if different, err := i.verify(); different != nil || err != nil {
		t.Errorf("before anything is installed: %q, %v", different, err)
	}
	wanted := ruleset(t, 0x80)
	if _, err := i.install(wanted); err != nil {
		t.Fatal(err)
	}
	k.unread = errors.New("by the test")
	if different, err := i.verify(); different != nil || err == nil {
		t.Errorf("what is not read: %q, %v", different, err)
	}
	k.table = nil
	k.refuse = []error{errors.New("by the test")}
	if different, err := i.verify(); len(different) != 1 || err == nil {
		t.Errorf("what is refused: %q, %v", different, err)
	}
	if changed, err := i.install(wanted); !changed || err != nil {
		t.Errorf("changed %v, %v", changed, err)
	}
	k.holds(t, wanted, 0x80)
	if _, err := i.remove(wanted.Network); err != nil {
		t.Fatal(err)
	}
	k.table = wanted.Table() // somebody else's by now
	if different, err := i.verify(); different != nil || err != nil {
		t.Errorf("after removal: %q, %v", different, err)
	}
}

// by changes the table as another program.
func (k *fakeKernel) by(t *testing.T, plan ...nft.Op) {
	t.Helper()
	if err := k.Apply(plan); err != nil {
		t.Fatal(err)
	}
	k.transactions--
}
