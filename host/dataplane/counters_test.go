package dataplane

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// counts sums the packets of the node's counters by module and action.
func (l *lab) counts() map[rules.Decider]uint64 {
	l.t.Helper()
	read, err := l.dataplane.Counters().Read(rules.TableName)
	if err != nil {
		l.t.Fatal(err)
	}
	var tally rules.Tally
	tally.Add(read)
	packets := map[rules.Decider]uint64{}
	for d, count := range tally.Totals() {
		if (count.Packets == 0) != (count.Bytes == 0) {
			l.t.Errorf("%+v: %+v", d, count)
		}
		if count.Packets > 0 {
			packets[d] = count.Packets
		}
	}
	return packets
}

func (l *lab) wantCounts(when string, want map[rules.Decider]uint64) {
	l.t.Helper()
	if diff := cmp.Diff(want, l.counts()); diff != "" {
		l.t.Errorf("%s: %s", when, diff)
	}
}

// changeTo leads to a ruleset by the smallest plan, as the daemon does.
func (l *lab) changeTo(before, after *rules.Ruleset) *rules.Ruleset {
	l.t.Helper()
	plan := rules.Diff(before, after)
	apply(l.t, l.dataplane, plan.Ops)
	return plan.After
}

// What is counted is exactly the first packets of connections from pods: no later ones
// and no replies, over an edit of the class, and a restart.
func TestCounters(t *testing.T) {
	l := newLab(t, "eth0")
	decided := func(excluded ...string) *rules.Ruleset {
		node := rules.Decision{Entries: []rules.Entry{entry(rules.Translate, "0.0.0.0/0", "")}}
		for _, prefix := range append([]string{excluded0, "172.16.0.0/12", "100.64.0.0/10"}, excluded...) {
			node.Entries = append(node.Entries, entry(rules.Exclude, prefix, ""))
		}
		return compile(network(), node, map[string]rules.Decision{
			podAddr: {Entries: []rules.Entry{entry(rules.Exclude, service+"/32", ""), entry(rules.Translate, "192.168.1.0/24", "")}},
		})
	}
	l.server.Addresses("lo", service+"/32", "192.168.1.1/32", outside2+"/32")
	by := func(module string, action rules.Action) rules.Decider {
		return rules.Decider{Module: module, Action: action}
	}
	want := map[rules.Decider]uint64{}
	connect := func(d rules.Decider, to, source string, times int) {
		for range times {
			c := l.connect(to)
			c.expect(source)
			c.expect(source) // later packets, and replies
		}
		want[d] += uint64(times)
	}
	held := l.changeTo(nil, decided())
	l.wantCounts("before any connection", map[rules.Decider]uint64{})
	connect(by("default", rules.Translate), outside, primaryAddr, 3)
	connect(by("default", rules.Exclude), excluded, podAddr, 2)
	connect(by("10-egress", rules.Exclude), service, podAddr, 4)
	connect(by("10-egress", rules.Translate), "192.168.1.1", primaryAddr, 5)
	l.wantCounts("four ways to decide", want)

	// Connections to the pod, and from the node, are nobody's to decide.
	l.answer()
	l.server.Route(netip.MustParsePrefix(podAddr+"/32"), netip.MustParseAddr(primaryAddr))
	l.server.Do(func() { l.ask(podAddr) })
	l.node.Do(func() { l.ask("10.0.0.20") })
	l.wantCounts("connections that are not a pod's", want)

	// The class is edited in place: what it has counted stays.
	edited := l.changeTo(held, decided(outside2+"/32"))
	if edited.Pods[0].Class != held.Pods[0].Class {
		t.Fatal("the class is not edited in place, the test is void")
	}
	l.wantCounts("an edit", want)
	connect(by("default", rules.Exclude), outside2, podAddr, 2)
	connect(by("default", rules.Translate), outside, primaryAddr, 1)
	l.wantCounts("after an edit", want)

	// A new process changes nothing.
	d := open(t, l.node)
	plan := rules.Continue(read(t, d), decided(outside2+"/32"))
	if len(plan.Ops) > 0 {
		t.Errorf("a restart changes\n%s", plan.Ops)
	}
	l.dataplane = d
	l.wantCounts("a restart", want)
	connect(by("10-egress", rules.Exclude), service, podAddr, 1)
	l.wantCounts("after a restart", want)
	if diff := diffTables(plan.After.Table(), read(t, d)); diff != "" {
		t.Errorf("what was counted makes a difference: %s", diff)
	}
}

// excluded0 is what the node's decision excludes around excluded.
const excluded0 = "192.168.0.0/16"

// answer has the pod answer, too.
func (l *lab) answer() {
	l.t.Helper()
	l.pod.Do(func() {
		listener, err := net.Listen("tcp4", ":80")
		if err != nil {
			l.t.Fatal(err)
		}
		l.t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = c.Write([]byte("pod\n"))
				_ = c.Close()
			}
		}()
	})
}

// ask connects to an address.
func (l *lab) ask(to string) {
	l.t.Helper()
	c, err := net.DialTimeout("tcp4", to+":80", 10*time.Second)
	if err != nil {
		l.t.Error(err)
		return
	}
	_ = c.Close()
}

// A datagram each is a connection each; those that are not tracked are none, although
// they are decided about.
func TestCountersOfDatagrams(t *testing.T) {
	l := newLab(t, "eth0")
	l.changeTo(nil, compile(network(), rules.Decision{Entries: []rules.Entry{entry(rules.Exclude, "0.0.0.0/0", "")}}, nil))
	nftFile(t, l.server, "table ip silent { chain input { type filter hook input priority 0; meta l4proto udp drop; }; }")
	send := func(packets int) {
		l.pod.Do(func() {
			c, err := net.Dial("udp4", outside+":9")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for range packets {
				if _, err := c.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	want := map[rules.Decider]uint64{{Module: "default", Action: rules.Exclude}: 5}
	for range 5 {
		send(3)
	}
	l.waitCounts(want)
	nftFile(t, l.node, "table ip raw { chain prerouting { type filter hook prerouting priority raw; meta l4proto udp notrack; }; }")
	send(3)
	l.node.Run("nft", "flush", "table", "ip", "raw")
	send(1)
	want[rules.Decider{Module: "default", Action: rules.Exclude}]++
	l.waitCounts(want)
}

// waitCounts waits for packets that are on their way.
func (l *lab) waitCounts(want map[rules.Decider]uint64) {
	l.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if cmp.Equal(want, l.counts()) {
			break
		}
	}
	l.wantCounts("at last", want)
}

func TestCountersOfNoTable(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	read := func() map[string]nft.Count {
		t.Helper()
		counts, err := d.Counters().Read(rules.TableName)
		if err != nil {
			t.Fatal(err)
		}
		return counts
	}
	if got := read(); len(got) != 0 {
		t.Errorf("counters %v", got)
	}
	n.Run("nft", "add table ip other { counter theirs { }; }")
	n.Run("nft", "add table inet snatd { counter theirs { }; }")
	nftFile(t, n, "table ip snatd {\n\tcounter n {\n\t\tpackets 5 bytes 4294967296\n\t}\n\tquota q { over 1 mbytes }\n}")
	want := map[string]nft.Count{"n": {Packets: 5, Bytes: 1 << 32}}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Error(diff)
	}
}

// Scrapes come from several goroutines, while rules change.
func TestCountersWhileRulesChange(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	rulesets := []*rules.Ruleset{listings["counted"], many(200), listings["other sources"]}
	apply(t, d, create(rulesets[0]))
	var group sync.WaitGroup
	stop := make(chan bool)
	for range 3 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				// Whole tables follow each other here, faster than they ever do.
				if _, err := d.Counters().Read(rules.TableName); err != nil && !errors.Is(err, ErrInterrupted) {
					t.Error(err)
					return
				}
			}
		})
	}
	held := rulesets[0]
	for i := range 60 {
		plan := rules.Diff(held, rulesets[i%3])
		apply(t, d, plan.Ops)
		held = plan.After
	}
	close(stop)
	group.Wait()
	counts, err := d.Counters().Read(rules.TableName)
	if err != nil || len(counts) != len(held.Table().Counters) {
		t.Errorf("%d counters, %v, want %d", len(counts), err, len(held.Table().Counters))
	}
}

// many is a ruleset of so many classes, and counters that are read in several pieces.
func many(classes int) *rules.Ruleset {
	pods := map[string]rules.Decision{}
	for i := range classes {
		a := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String()
		pods[a] = rules.Decision{Entries: []rules.Entry{entry(rules.Exclude, a+"/32", "")}}
	}
	return compile(network(), rules.Decision{Entries: []rules.Entry{entry(rules.Translate, "0.0.0.0/0", "")}}, pods)
}

// A table that is another socket's alone is read, too.
func TestManyCounters(t *testing.T) {
	d := open(t, nstest.New(t))
	if _, err := d.Protect(rules.TableName); err != nil {
		t.Fatal(err)
	}
	r := many(500)
	apply(t, d, create(r))
	counts, err := d.Counters().Read(rules.TableName)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range r.Table().Counters {
		if _, ok := counts[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
	if len(counts) != 1001 {
		t.Errorf("%d counters", len(counts))
	}
	if diff := diffTables(r.Table(), read(t, d)); diff != "" {
		t.Error(diff)
	}
}
