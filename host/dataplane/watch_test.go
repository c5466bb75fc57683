package dataplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// watched is a namespace with a table of snatd's that is watched.
func watched(t *testing.T) (*nstest.Namespace, *Dataplane, <-chan Disturbance) {
	t.Helper()
	nstest.Need(t, "nft", "nftables")
	n := nstest.New(t)
	d := open(t, n)
	apply(t, d, create(ruleset("10.0.0.0/16")))
	return n, d, watch(t, n, d, rules.TableName)
}

// watch watches a table in the namespace of the Dataplane.
func watch(t testing.TB, n *nstest.Namespace, d *Dataplane, table string) <-chan Disturbance {
	t.Helper()
	var w Watching
	var err error
	n.Do(func() { w, err = d.Watch(t.Context(), table) })
	if err != nil {
		t.Fatal(err)
	}
	return w.Found
}

// listen is that of the Dataplane in its namespace.
func listen(t *testing.T, n *nstest.Namespace, d *Dataplane) (e ear) {
	t.Helper()
	var err error
	n.Do(func() { e, err = d.listen() })
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// next waits for a disturbance.
func next(t *testing.T, found <-chan Disturbance) Disturbance {
	t.Helper()
	select {
	case d := <-found:
		return d
	case <-time.After(20 * time.Second):
		t.Fatal("no disturbance")
	}
	return Disturbance{}
}

// self is how this process is named in a disturbance, up to the ID of its thread.
func self(t *testing.T) string {
	t.Helper()
	name, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s (PID ", bytes.TrimSpace(name))
}

// generation is the kernel's number of the ruleset.
func generation(t *testing.T, n *nstest.Namespace) uint32 {
	t.Helper()
	number, err := open(t, n).socket.generation()
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func TestWatch(t *testing.T) {
	nftables := func(commands ...string) func(*nstest.Namespace) {
		return func(n *nstest.Namespace) { n.Run("nft", strings.Join(commands, "; ")) }
	}
	tests := map[string]func(*nstest.Namespace){
		"table deleted":                                   nftables("flush ruleset"),
		"table deleted, table added or changed":           nftables("delete table ip snatd", "add table ip snatd"),
		"table added or changed":                          nftables("add table ip snatd { flags dormant; }"),
		"element of map c_node added":                     nftables("add element ip snatd c_node { 1.0.0.0/8 : accept }"),
		"element of map c_node deleted":                   nftables("delete element ip snatd c_node { 10.0.0.0/16 : accept }"),
		"map m added or changed":                          nftables("add map ip snatd m { type ipv4_addr : verdict; }"),
		"chain c added or changed":                        nftables("add chain ip snatd c"),
		"chain c added or changed, rule of chain c added": nftables("add chain ip snatd c", "add rule ip snatd c accept"),
		"rule of chain restore deleted":                   nftables("flush chain ip snatd restore"),
		"object o added or changed":                       nftables("add counter ip snatd o"),
		"chain a added or changed, chain b added or changed, chain c added or changed, chain d added or changed, more": nftables(
			"add chain ip snatd a", "add chain ip snatd b", "add chain ip snatd c", "add chain ip snatd d", "add chain ip snatd e"),
	}
	for want, disturb := range tests {
		t.Run(want, func(t *testing.T) {
			n, _, found := watched(t)
			disturb(n)
			got := next(t, found)
			if got.Process != "nft" || got.PID == 0 || got.String() != fmt.Sprintf("%s, by nft (PID %d)", want, got.PID) {
				t.Errorf("%s, want %s, by nft", got, want)
			}
		})
	}
}

// Nothing is said of other tables, nor of the Dataplane's own changes, nor of refused
// ones: what comes first is what comes last here.
func TestWatchIsSilent(t *testing.T) {
	n, d, found := watched(t)
	n.Run("nft", "add table ip6 snatd; add table inet snatd; add chain ip6 snatd c; add table ip other; add chain ip other c")
	apply(t, d, rules.Replace(ruleset("10.0.0.0/16", "10.2.0.0/16")).Ops)
	apply(t, d, nft.Plan{nft.AddChain{Table: rules.TableName, Name: "own"}})
	if out, err := n.Try("nft", "add chain ip snatd refused; delete chain ip snatd gone"); err == nil {
		t.Fatal(out)
	}
	apply(t, d, nft.Plan{nft.DeleteChain{Table: rules.TableName, Name: "own"}})
	n.Run("nft", "add chain ip snatd last")
	if got := next(t, found); !strings.HasPrefix(got.String(), "chain last added or changed, by nft ") {
		t.Errorf("got %s", got)
	}
}

// Another process of snatd's is somebody else.
func TestWatchAnotherDataplane(t *testing.T) {
	n, _, found := watched(t)
	apply(t, open(t, n), nft.Plan{nft.AddChain{Table: rules.TableName, Name: "c"}})
	if got, want := next(t, found).String(), "chain c added or changed, by "+self(t); !strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

// What nobody takes becomes one disturbance, however much it is.
func TestWatchWithoutReader(t *testing.T) {
	n, _, found := watched(t)
	other := open(t, n)
	for range 1_000 {
		apply(t, other, nft.Plan{nft.AddChain{Table: rules.TableName, Name: "c"}})
		apply(t, other, nft.Plan{nft.DeleteChain{Table: rules.TableName, Name: "c"}})
	}
	apply(t, other, nft.Plan{nft.AddChain{Table: rules.TableName, Name: "last"}})
	count, taken := 0, 0
	nstest.Eventually(t, "all of them", func() bool {
		count += next(t, found).Transactions
		taken++
		return count == 2_001
	})
	t.Logf("%d disturbances", taken)
	if taken > 100 {
		t.Errorf("%d disturbances for a reader that comes late", taken)
	}
}

// More than fits is lost, which is said when all that waits has been read; what comes
// then is heard again.
func TestWatchOverflow(t *testing.T) {
	n := nstest.New(t)
	d, other := open(t, n), open(t, n)
	// As if Watch were slow: it begins to read when it is too late.
	e := listen(t, n, d)
	raw, err := e.conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1) })
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		apply(t, other, rules.Replace(intervals(100)).Ops)
	}
	found := e.watch(t.Context(), rules.TableName).Found
	if got := next(t, found); !got.Lost || got.String() != "notifications lost" {
		t.Errorf("got %s", got)
	}
	n.Run("nft", "add chain ip snatd after")
	if got := next(t, found).String(); !strings.HasPrefix(got, "chain after added or changed, by nft ") {
		t.Errorf("got %s", got)
	}
}

// A large transaction of our own takes no place.
func TestWatchOwnLargeTransaction(t *testing.T) {
	n, d, found := watched(t)
	count := 20_000
	if nstest.InUserNamespace() {
		count = 5_000
	}
	apply(t, d, rules.Replace(intervals(count)).Ops)
	n.Run("nft", "add chain ip snatd last")
	if got := next(t, found); got.Lost || len(got.What) != 1 {
		t.Errorf("got %s", got)
	}
}

// What cannot be understood is passed over.
func TestHearNoise(t *testing.T) {
	h := hearing{table: rules.TableName}
	message := func(kind netlink.HeaderType, data ...byte) netlink.Message {
		return netlink.Message{Header: netlink.Header{Type: kind}, Data: data}
	}
	const ours = unix.NFNL_SUBSYS_NFTABLES << 8
	for _, m := range []netlink.Message{
		message(ours | unix.NFT_MSG_NEWGEN),
		message(ours | unix.NFT_MSG_NEWTABLE),
		message(ours|unix.NFT_MSG_NEWTABLE, unix.NFPROTO_IPV4, 0, 0, 0, 2, 0),
		message(ours|unix.NFT_MSG_NEWTABLE, unix.NFPROTO_IPV4, 0, 0, 0, 200, 0, 1, 0),
		message(ours|0xff, append([]byte{unix.NFPROTO_IPV4}, makeTable(rules.TableName, 0).Data[1:]...)...),
		message(unix.NFNL_SUBSYS_CTNETLINK<<8, makeTable(rules.TableName, 0).Data...),
		message(ours|unix.NFT_MSG_NEWGEN, 0, 0, 0, 0),
	} {
		if d, ok := h.hear(m); ok {
			t.Errorf("%+v: %s", m, d)
		}
	}
	h.hear(makeTable(rules.TableName, 0))
	if d, ok := h.hear(message(ours|unix.NFT_MSG_NEWGEN, 0, 0, 0, 0)); !ok || d.String() != "table added or changed" {
		t.Errorf("%s, %v", d, ok)
	}
}

// A subscription ends silently with its context. If it ends otherwise, that is told, and
// the next one hears again.
func TestWatchEnds(t *testing.T) {
	n, d, _ := watched(t)
	ctx, cancel := context.WithCancel(t.Context())
	e := listen(t, n, d)
	watching := e.watch(ctx, rules.TableName)
	cancel()
	nstest.Eventually(t, "the socket to be closed", func() bool { return e.conn.SetReadBuffer(1<<20) != nil })
	select {
	case err := <-watching.Ended:
		t.Errorf("the context ended: %v", err)
	default:
	}

	e = listen(t, n, d)
	watching = e.watch(t.Context(), rules.TableName)
	if err := e.conn.Close(); err != nil { // underneath it
		t.Fatal(err)
	}
	select {
	case err := <-watching.Ended:
		if want := "watch table ip snatd: "; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the end is not told")
	}
	found := watch(t, n, d, rules.TableName)
	n.Run("nft", "flush ruleset")
	if got := next(t, found).String(); !strings.HasPrefix(got, "table deleted, by nft ") {
		t.Errorf("got %s", got)
	}
}

// How long it takes until the daemon knows.
func BenchmarkWatch(b *testing.B) {
	n := nstest.New(b)
	d, other := open(b, n), open(b, n)
	apply(b, d, create(ruleset()))
	found := watch(b, n, d, rules.TableName)
	chain := nft.AddChain{Table: rules.TableName, Name: "c"}
	for b.Loop() {
		apply(b, other, nft.Plan{chain})
		<-found
		apply(b, d, nft.Plan{nft.DeleteChain{Table: rules.TableName, Name: "c"}})
	}
}
