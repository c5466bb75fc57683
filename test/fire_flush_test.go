package test

import (
	"bytes"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/rules"
)

// fireFlushesAtOnce is how many flushes in a row the daemon heals without a pause. A
// daemon that was just started has seen none.
const fireFlushesAtOnce = 5

// TestFireFlush: somebody flushes the ruleset of a node again and again. No flow is
// decided otherwise that is opened before, or when the kernel holds the rules again;
// where nobody else can touch them, none at all.
func TestFireFlush(t *testing.T) {
	for _, protect := range []string{"off", "auto"} {
		t.Run("protect "+protect, func(t *testing.T) {
			f := prepareFire(t, fireAddresses, fireDestinations)
			f.become(f.randomWorld())
			f.setConfig(replace(t, f.world.config(t), "network: {", `network: {protect: "`+protect+`", `))
			f.light()
			if protected := f.status().Protection == dataplane.Protected; protected != (protect == "auto") {
				f.needProtection()
				t.Fatalf("the table is %s", f.status().Protection)
			}
			f.flushes(protect == "off")
		})
	}
}

// flushes flushes, where that ends the rules for a while or not.
func (f *fire) flushes(ends bool) {
	f.t.Helper()
	decided := f.world.view(f.net)
	all := func(action rules.Action) view {
		return f.net.view(func(_, _ netip.Addr) rules.Outcome { return rules.Outcome{Action: action} })
	}
	none, primary := all(rules.Exclude), all(rules.Translate)
	flush := "flush ruleset\n" + f.servicesText()
	told := f.hear()
	flushes, otherwise, longest := fireSize(50, 500), 0, time.Duration(0)
	for n := range flushes {
		if ends && n%fireFlushesAtOnce == 0 {
			f.stop(syscall.SIGTERM)
			f.launch()
			f.waitRuleset(f.ruleset)
		}
		began := f.flows.now()
		if out, err := f.nft(flush, "-f", "-"); err != nil {
			f.t.Fatalf("%v: %s", err, out)
		}
		if ends {
			// What is on its way when the rules go finds some of them.
			f.history.begin(began, "the flush", decided, none, primary)
			f.history.begin(told(unix.NFT_MSG_DELTABLE, rules.TableName), "no rules", decided, none)
			f.history.begin(told(unix.NFT_MSG_NEWCHAIN, "postrouting"), "the rules again", decided)
		}
		f.flows.await(500)
		records := f.flows.take()
		f.history.check(records)
		count, over := differing(records, decided)
		otherwise, longest = otherwise+count, max(longest, over)
	}
	f.endFlushes()
	f.t.Logf("%d flushes, %d flows were decided otherwise, opened during %s at most after one flush", flushes, otherwise, longest)
}

// endFlushes is end where packets may leave by the wrong interface: those that were on
// their way to be translated when the rules went.
func (f *fire) endFlushes() {
	f.t.Helper()
	lost, _ := f.flows.pause()
	f.history.check(f.flows.take())
	dropped, err := f.lab.Dropped()
	if err != nil {
		f.t.Fatal(err)
	}
	f.history.lost(lost, f.flows.unlucky()-f.unlucky+int(dropped))
	f.history.end()
}

// differing counts flows that were not decided as a view says, and tells how long after
// the first of them the last one was opened.
func differing(flows []flowRecord, v view) (count int, over time.Duration) {
	var first, last time.Duration
	for _, r := range flows {
		if v[r.from][r.to] == r.source {
			continue
		}
		if count++; count == 1 || r.sent < first {
			first = r.sent
		}
		last = max(last, r.sent)
	}
	return count, last - first
}

// hear listens to the node's kernel from now on. What it returns waits for the next
// transaction that says something of a kind about something of a name, and returns when
// the kernel told of it: by then it has come to pass.
func (f *fire) hear() (told func(kind netlink.HeaderType, name string) time.Duration) {
	f.t.Helper()
	type transaction struct {
		at       time.Duration
		messages []netlink.Message
	}
	conn := f.transactions()
	f.t.Cleanup(func() { _ = conn.Close() })
	heard := make(chan transaction, 100)
	go func() {
		var now transaction
		for {
			messages, err := conn.Receive()
			if err != nil {
				return // which who waits will notice
			}
			now.at = f.flows.now()
			for _, m := range messages {
				if now.messages = append(now.messages, m); m.Header.Type == ofTables|unix.NFT_MSG_NEWGEN {
					heard <- now
					now.messages = nil
				}
			}
		}
	}()
	return func(kind netlink.HeaderType, name string) time.Duration {
		f.t.Helper()
		late := time.After(patience)
		for {
			select {
			case t := <-heard:
				for _, m := range t.messages {
					if m.Header.Type == ofTables|kind && bytes.Contains(m.Data, []byte(name+"\x00")) {
						return t.at
					}
				}
			case <-late:
				f.t.Fatalf("the kernel does not tell of %s", name)
			}
		}
	}
}

// ofTables are the messages of nf_tables.
const ofTables = netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES << 8)
