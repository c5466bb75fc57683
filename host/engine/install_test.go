package engine

import (
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/flow"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
)

// fakeKernel has the kernel's failures and remembers what was asked of it.
type fakeKernel struct {
	table        *nft.Table
	marks        map[uint32]bool // of the routing rules
	others       []uint32        // of rules of snatd's that say something else
	live         map[uint32]int  // connections by all the marks that they carry
	refuse       []error         // of the next transactions
	unread       error           // of the next reading
	unrouted     error           // of adding a routing rule
	protection   dataplane.Protection
	transactions int
	readings     int
	asked        int // for the protection
}

func (k *fakeKernel) Apply(plan nft.Plan) error {
	k.transactions++
	if len(k.refuse) > 0 {
		err := k.refuse[0]
		k.refuse = k.refuse[1:]
		return err
	}
	for _, phase := range plan.Phases() {
		table, err := nfttest.Apply(k.table, phase)
		if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EEXIST) || errors.Is(err, syscall.EBUSY) {
			return &dataplane.ApplyError{Kind: dataplane.ErrOutOfStep, Err: err}
		}
		if err != nil {
			return err
		}
		k.table = table
	}
	return nil
}

func (k *fakeKernel) Read(string) (*nft.Table, error) {
	k.readings++
	err := k.unread
	k.unread = nil
	return k.table, err
}

func (k *fakeKernel) Protect(string) (dataplane.Protection, error) {
	k.asked++
	return k.protection, nil
}

func (k *fakeKernel) LiveNAT(mark uint32, _ bool, others ...uint32) (count int, err error) {
	for carried, live := range k.live {
		if f := (flow.Flow{Mark: carried}); f.Marked(mark) && !f.Marked(others...) {
			count += live
		}
	}
	return count, nil
}

func (k *fakeKernel) AddRouting(mark uint32) error {
	if k.unrouted == nil {
		k.marks[mark] = true
	}
	return k.unrouted
}
func (k *fakeKernel) CheckRouting(marks ...uint32) (missing, others []uint32, err error) {
	others = slices.Clone(k.others)
	for mark := range k.marks {
		if !slices.Contains(marks, mark) {
			others = append(others, mark)
		}
	}
	return slices.DeleteFunc(slices.Clone(marks), func(m uint32) bool { return k.marks[m] }), others, nil
}
func (k *fakeKernel) PruneRouting(keep ...uint32) error {
	k.others = nil
	maps.DeleteFunc(k.marks, func(m uint32, _ bool) bool { return !slices.Contains(keep, m) })
	return nil
}
func (k *fakeKernel) RoutingMarks() ([]uint32, error) { return slices.Sorted(maps.Keys(k.marks)), nil }

func newInstaller() (*installer, *fakeKernel) {
	k := &fakeKernel{marks: map[uint32]bool{}, live: map[uint32]int{}}
	return &installer{kernel: k, log: slog.New(slog.DiscardHandler)}, k
}

// ruleset excludes 10.0.0.0/16 and what is given, and translates the rest.
func ruleset(t *testing.T, mark uint32, excluded ...string) *rules.Ruleset {
	t.Helper()
	exclude, translate := rules.Outcome{Action: rules.Exclude}, rules.Outcome{Action: rules.Translate}
	decision := rules.Decision{Module: "default", Entries: []rules.Entry{
		{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Outcome: translate},
		{Prefix: netip.MustParsePrefix("10.0.0.0/16"), Outcome: exclude},
	}}
	for _, cidr := range excluded {
		decision.Entries = append(decision.Entries, rules.Entry{Prefix: netip.MustParsePrefix(cidr), Outcome: exclude})
	}
	r, err := rules.Compile(rules.Network{
		PodInterfaces: []string{"eni*"}, Primary: netip.MustParseAddr("10.0.0.10"), Mark: mark, Randomize: rules.RandomizePRNG,
	}, []rules.Decision{decision}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (k *fakeKernel) holds(t *testing.T, want *rules.Ruleset, marks ...uint32) {
	t.Helper()
	if got := k.table.String(); got != want.Table().String() {
		t.Errorf("the kernel holds\n%s\nwant\n%s", got, want.Table())
	}
	if got := slices.Sorted(maps.Keys(k.marks)); !slices.Equal(got, marks) {
		t.Errorf("routing rules for marks %#x, want %#x", got, marks)
	}
}

func TestInstall(t *testing.T) {
	i, k := newInstaller()
	first := ruleset(t, 0x80)
	for n, want := range []bool{true, false, false} {
		if changed, err := i.install(first); err != nil || changed != want {
			t.Fatalf("install %d: changed %v, %v", n, changed, err)
		}
	}
	if k.transactions != 1 {
		t.Errorf("%d transactions for one ruleset", k.transactions)
	}
	k.holds(t, first, 0x80)

	second := ruleset(t, 0x80, "172.31.0.0/16")
	if changed, err := i.install(second); err != nil || !changed {
		t.Fatalf("second ruleset: changed %v, %v", changed, err)
	}
	if got := i.holds.Digest(); got != second.Digest() {
		t.Errorf("holds %s, want %s", got, second.Digest())
	}
}

// What an earlier process left is continued from, whatever it is.
func TestInstallOverUnknown(t *testing.T) {
	i, k := newInstaller()
	k.table = ruleset(t, 0x40, "192.168.0.0/16").Table()
	k.table.Other = []string{"object evil"}
	want := ruleset(t, 0x80)
	if _, err := i.install(want); err != nil {
		t.Fatal(err)
	}
	k.holds(t, want, 0x80)
	if k.readings != 1 {
		t.Errorf("read %d times", k.readings)
	}
}

// The kernel is asked who can change the table when that may have changed.
func TestProtectionIsAsked(t *testing.T) {
	i, k := newInstaller()
	i.protect, k.protection = true, dataplane.NoTable
	asked := func(want int, protection dataplane.Protection) {
		t.Helper()
		if got, err := i.protection(); got != protection || err != nil || k.asked != want {
			t.Errorf("%s, %v, asked %d times, want %s and %d times", got, err, k.asked, protection, want)
		}
	}
	asked(1, dataplane.NoTable)
	if _, err := i.install(ruleset(t, 0x80)); err != nil {
		t.Fatal(err)
	}
	k.protection = dataplane.Protected
	asked(3, dataplane.Protected) // before the table was read, and after it was made
	if _, err := i.install(ruleset(t, 0x80, "172.31.0.0/16")); err != nil {
		t.Fatal(err)
	}
	asked(3, dataplane.Protected)
	k.table = nil
	if _, err := i.verify(); err != nil {
		t.Fatal(err)
	}
	asked(5, dataplane.Protected)
	if _, err := i.remove(rules.Network{}); err != nil {
		t.Fatal(err)
	}
	k.protection = dataplane.NoTable
	asked(6, dataplane.NoTable)
	i.protect = false
	asked(6, dataplane.Unprotected)
}

// A restart with the same facts changes nothing, also if names have a history that a
// new process does not know.
func TestInstallAgain(t *testing.T) {
	i, k := newInstaller()
	if _, err := i.install(ruleset(t, 0x80, "172.16.0.0/16", "172.18.0.0/16")); err != nil {
		t.Fatal(err)
	}
	wanted := ruleset(t, 0x80, "172.16.0.0/16", "172.18.0.0/16", "172.20.0.0/16")
	if _, err := i.install(wanted); err != nil {
		t.Fatal(err)
	}
	if i.holds.Node == wanted.Node {
		t.Fatal("the class was not edited in place, the test is void")
	}
	transactions := k.transactions
	again := &installer{kernel: k, log: i.log}
	if changed, err := again.install(wanted); err != nil || changed || k.transactions != transactions {
		t.Errorf("changed %v, %v, %d transactions", changed, err, k.transactions-transactions)
	}
	if again.holds.Node != i.holds.Node {
		t.Errorf("holds %s, the kernel holds %s", again.holds.Node, i.holds.Node)
	}
}

// What others did between is read when the kernel refuses a change, and mended with it.
func TestInstallOutOfStep(t *testing.T) {
	i, k := newInstaller()
	if _, err := i.install(ruleset(t, 0x80, "172.16.0.0/16", "172.18.0.0/16")); err != nil {
		t.Fatal(err)
	}
	k.table.Maps[0].Elements = nil // somebody else was there
	readings := k.readings
	wanted := ruleset(t, 0x80, "172.16.0.0/16")
	if changed, err := i.install(wanted); err != nil || !changed {
		t.Fatalf("changed %v, error %v", changed, err)
	}
	if k.readings != readings+1 {
		t.Errorf("read %d times", k.readings-readings)
	}
	k.holds(t, i.holds, 0x80)
	if i.holds.Digest() != wanted.Digest() {
		t.Errorf("holds\n%s, want\n%s", i.holds.Table(), wanted.Table())
	}
}

// What a change replaces is what decided before, whatever others left of it: live
// connections are as that says.
func TestReplaced(t *testing.T) {
	i, k := newInstaller()
	first, second := ruleset(t, 0x80), ruleset(t, 0x80, "172.31.0.0/16")
	k.table = first.Table() // of an earlier run
	for _, c := range []struct {
		what   string
		by     func()
		wanted *rules.Ruleset
		before *rules.Ruleset // nil: nothing is replaced
	}{
		{"after a start", func() {}, second, first},
		{"nothing", func() {}, second, nil},
		{"others delete the table", func() { k.table = nil }, first, second},
		{"others delete a map's elements", func() { k.table.Maps[0].Elements = nil }, second, first},
		{"a refusal", func() {
			k.refuse = []error{errors.New("by the test")}
			if _, err := i.install(first); err == nil {
				t.Error("no error")
			}
		}, first, second},
		{"healing", func() {
			k.table = nil
			if _, err := i.verify(); err != nil {
				t.Error(err)
			}
		}, first, nil},
	} {
		c.by()
		if _, err := i.install(c.wanted); err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, r := range i.takeReplaced() {
			got = append(got, r.Digest())
		}
		if c.before != nil {
			want = append(want, c.before.Digest())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: replaced %v, want %v", c.what, got, want)
		}
	}
}

// A refused transaction leaves the old rules with the routing rule they need,
// and the next try does not trust what the kernel should hold.
func TestInstallRefused(t *testing.T) {
	i, k := newInstaller()
	first := ruleset(t, 0x80)
	if _, err := i.install(first); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	k.refuse = []error{refused}
	second := ruleset(t, 0x40, "172.31.0.0/16")
	if changed, err := i.install(second); !errors.Is(err, refused) || changed {
		t.Fatalf("changed %v, error %v", changed, err)
	}
	k.holds(t, first, 0x40, 0x80)

	k.table.Maps[0].Elements = nil // somebody else was there
	if changed, err := i.install(second); err != nil || !changed {
		t.Fatalf("changed %v, error %v", changed, err)
	}
	k.holds(t, second, 0x40)
}

// Whatever is refused, and however often, the same ruleset is installed in the end; if
// plans from what is read never fit, by replacing all.
func TestInstallRefusedAgain(t *testing.T) {
	for _, kind := range []error{
		dataplane.ErrOutOfStep, dataplane.ErrInDoubt, dataplane.ErrInterrupted, dataplane.ErrPermission,
		dataplane.ErrUnsupported, dataplane.ErrTooLarge, dataplane.ErrRefused,
	} {
		i, k := newInstaller()
		if _, err := i.install(ruleset(t, 0x80)); err != nil {
			t.Fatal(err)
		}
		refused := &dataplane.ApplyError{Kind: kind, Err: errors.New("by the test")}
		for range 9 {
			k.refuse = append(k.refuse, refused)
		}
		wanted := ruleset(t, 0x80, "172.31.0.0/16")
		tries := 1
		for ; len(k.refuse) > 0 && tries < 20; tries++ {
			if _, err := i.install(wanted); err != nil && !errors.Is(err, kind) {
				t.Fatal(err)
			}
		}
		if _, err := i.install(wanted); err != nil || tries == 20 {
			t.Fatalf("%v: %v after %d tries", kind, err, tries)
		}
		k.holds(t, i.holds, 0x80)
		if i.holds.Digest() != wanted.Digest() {
			t.Errorf("%v: holds\n%s, want\n%s", kind, i.holds.Table(), wanted.Table())
		}
	}
}

func TestInstallUnread(t *testing.T) {
	i, k := newInstaller()
	k.unread = errors.New("by the test")
	wanted := ruleset(t, 0x80)
	if changed, err := i.install(wanted); err == nil || changed || k.transactions > 0 {
		t.Fatalf("changed %v, error %v", changed, err)
	}
	if _, err := i.install(wanted); err != nil {
		t.Fatal(err)
	}
	k.holds(t, wanted, 0x80)
}

// A plan that does not fit what was read gives way to one that fits anything.
func TestInstallReplaces(t *testing.T) {
	i, k := newInstaller()
	first := ruleset(t, 0x80)
	k.table = first.Table()
	busy := &dataplane.ApplyError{Kind: dataplane.ErrOutOfStep, Err: syscall.EBUSY}
	k.refuse = []error{busy, busy}
	wanted := ruleset(t, 0x80, "172.31.0.0/16")
	for range mostMistakes {
		if _, err := i.install(wanted); !errors.Is(err, syscall.EBUSY) {
			t.Fatal(err)
		}
	}
	k.unread = errors.New("not to be read")
	if changed, err := i.install(wanted); err != nil || !changed {
		t.Fatalf("changed %v, error %v", changed, err)
	}
	k.holds(t, wanted, 0x80)
}

// Live connections keep the mark that they were translated with until they end.
func TestInstallOtherMark(t *testing.T) {
	i, k := newInstaller()
	if _, err := i.install(ruleset(t, 0x80)); err != nil {
		t.Fatal(err)
	}
	k.live[0x80] = 3
	wanted := ruleset(t, 0x40)
	if _, err := i.install(wanted); err != nil || !i.waits() || i.kept != 3 {
		t.Fatalf("%v; waits %v for %d", err, i.waits(), i.kept)
	}
	both := wanted.WithEarlierMarks([]uint32{0x80})
	k.holds(t, both, 0x40, 0x80)

	// Another process knows it by the routing rule and by the table, whichever is left.
	again := &installer{kernel: k, log: i.log}
	for what, by := range map[string]func(){
		"nothing":               func() {},
		"the routing rule":      func() { delete(k.marks, 0x80) },
		"all the routing rules": func() { clear(k.marks) },
		"the table":             func() { k.table = nil },
	} {
		by()
		again = &installer{kernel: k, log: i.log}
		if _, err := again.install(wanted); err != nil || again.kept != 3 {
			t.Fatalf("without %s: %v, %d are kept", what, err, again.kept)
		}
		k.holds(t, both, 0x40, 0x80)
	}
	k.live[0x80] = 0
	if _, err := again.install(wanted); err != nil || again.waits() || again.kept != 0 {
		t.Fatalf("%v; waits %v for %d", err, again.waits(), again.kept)
	}
	k.holds(t, wanted, 0x40)
}

// A connection that carries several marks needs one.
func TestInstallSeveralMarks(t *testing.T) {
	i, k := newInstaller()
	k.marks[0x10], k.marks[0x20], k.marks[0x80] = true, true, true
	k.live[0x40|0x80] = 1
	k.live[0x10|0x20] = 2
	wanted := ruleset(t, 0x40)
	if _, err := i.install(wanted); err != nil || i.kept != 2 {
		t.Fatalf("%v; %d are kept", err, i.kept)
	}
	k.holds(t, wanted.WithEarlierMarks([]uint32{0x10}), 0x10, 0x40)
	// Without the rules of today the mark of today is one like the others.
	if removed, err := i.remove(wanted.Network); err != nil || removed.Live != 3 {
		t.Fatalf("%+v, %v", removed, err)
	}
	network := wanted.Network
	network.Mark, network.EarlierMarks = 0x10, []uint32{0x40}
	k.holds(t, rules.Draining(network), 0x10, 0x40)
}

func TestRemove(t *testing.T) {
	i, k := newInstaller()
	installed := ruleset(t, 0x80)
	if _, err := i.install(installed); err != nil {
		t.Fatal(err)
	}
	k.live[0x80] = 2
	draining := rules.Draining(installed.Network)
	readings := k.readings
	i = &installer{kernel: k, log: i.log}
	for n, want := range []Removed{{Changed: true, Live: 2}, {Live: 2}} {
		if removed, err := i.remove(installed.Network); err != nil || removed != want {
			t.Fatalf("removal %d: %+v, %v, want %+v", n, removed, err, want)
		}
		k.holds(t, draining, 0x80)
	}
	if k.readings != readings+1 {
		t.Errorf("read %d times", k.readings-readings)
	}
	k.live[0x80] = 0
	if removed, err := i.remove(installed.Network); err != nil || removed != (Removed{Changed: true}) {
		t.Fatalf("%+v, %v", removed, err)
	}
	k.holds(t, nil)
	if removed, err := i.remove(installed.Network); err != nil || removed != (Removed{}) || !i.empty() {
		t.Fatalf("nothing to remove: %+v, %v", removed, err)
	}
	if _, err := i.install(installed); err != nil {
		t.Fatal(err)
	}
	k.holds(t, installed, 0x80)
}

// A table that another version has made in its own way decides, whether this one understands
// it or not. What decides nothing does not.
func TestLeft(t *testing.T) {
	hook := &nft.Hook{Type: "filter", Point: "prerouting"}
	for what, c := range map[string]struct {
		table *nft.Table
		want  bool
	}{
		"nothing":           {nil, false},
		"this version's":    {ruleset(t, 0x80).Table(), true},
		"what cleanup left": {rules.Draining(ruleset(t, 0x80).Network).Table(), false},
		"another version's": {&nft.Table{Name: rules.TableName, Chains: []nft.Chain{
			{Name: "decide", Hook: hook, Rules: []nft.Rule{{nft.Unknown{Text: "meta mark set 1"}}}},
		}}, true},
		"an empty one": {&nft.Table{Name: rules.TableName, Chains: []nft.Chain{
			{Name: "decide", Hook: hook}, {Name: "other", Rules: []nft.Rule{{nft.Accept()}}},
		}}, false},
	} {
		i, k := newInstaller()
		k.table = c.table
		if got, err := i.left(); got != c.want || err != nil {
			t.Errorf("%s: decides %v, %v", what, got, err)
		}
	}
}
