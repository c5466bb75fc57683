package test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/flow"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

const nodePortConfig = "network: {primaryInterface: eth0, nodePorts: true}\n"

// others adds nftables of somebody else.
func (d *daemon) others(text string) {
	d.t.Helper()
	nstest.Need(d.t, "nft", "nftables")
	if out, err := d.nft(text, "-f", "-"); err != nil {
		d.t.Fatalf("%v: %s", err, out)
	}
}

// servePort makes a node port for pod-b, on the secondary interface, as kube-proxy does for
// both policies: Local keeps the client's address, Cluster masquerades.
func (d *daemon) servePort(masquerade bool) (nodePort netip.AddrPort) {
	d.t.Helper()
	nodePort = netip.AddrPortFrom(lab.NodePrimary, 30080)
	d.others(fmt.Sprintf(`table ip proxy {
	chain prerouting { type nat hook prerouting priority dstnat; ip daddr %s tcp dport %d dnat to %s; }
}`, nodePort.Addr(), nodePort.Port(), d.endpoint(lab.PodB)))
	if masquerade {
		d.others(fmt.Sprintf(`table ip proxy {
	chain postrouting { type nat hook postrouting priority srcnat; ct status dnat ip daddr %s masquerade; }
}`, lab.PodB))
	}
	return nodePort
}

// interfaceTo is the node's interface to an address.
func (d *daemon) interfaceTo(addr netip.Addr) string {
	d.t.Helper()
	words := strings.Fields(d.ip("route", "get", addr.String()))
	i := slices.Index(words, "dev")
	if i < 0 || i+1 == len(words) {
		d.t.Fatalf("no interface leads to %s: %q", addr, words)
	}
	return words[i+1]
}

// tracked is the node's one connection to a destination, as the kernel has it.
func (d *daemon) tracked(to netip.AddrPort) flow.Flow {
	d.t.Helper()
	var found []flow.Flow
	err := d.lab.Node.Do(func() error {
		table, err := flow.Open()
		if err != nil {
			return err
		}
		found, err = table.List(0, func(f flow.Flow) bool { return f.Destination == to })
		return errors.Join(err, table.Close())
	})
	if err != nil || len(found) != 1 {
		d.t.Fatalf("connections to %s: %v, %v", to, found, err)
	}
	return found[0]
}

// waitRule waits for a rule in the daemon's table.
func (d *daemon) waitRule(text string) {
	d.t.Helper()
	d.wait("the rule "+text, func() error {
		rules, err := d.rules()
		if err == nil && !strings.Contains(rules, text) {
			err = errors.New(rules)
		}
		return err
	})
}

// Replies to connections that somebody else on the node masquerades come to the primary
// interface too. They do not make the connections snatd's: these are neither marked nor
// listed nor ended.
func TestNodePortsLeaveOthersAlone(t *testing.T) {
	d := prepare(t)
	const address = "- {namespace: default, name: pod-a, ip: 10.0.1.5}\n"
	d.write("facts.yaml", replace(t, baseFacts, address, "")) // it is a container of Docker's
	d.others(fmt.Sprintf(`table ip docker {
	chain postrouting { type nat hook postrouting priority srcnat; iifname %q oifname "eth0" masquerade; }
}`, d.interfaceTo(lab.PodA)))
	config := fmt.Sprintf("network: {primaryInterface: eth0, nodePorts: true, podInterfaces: [%q]}\n", d.interfaceTo(lab.PodB)) +
		"snat: {onChange: flush, external: %v}\n"
	d.setConfig(fmt.Sprintf(config, false))
	d.run()
	d.waitReady()
	theirs := d.open(d.lab.PodA, lab.TCP, lab.Internet)
	if theirs.seen.Addr() != lab.NodePrimary {
		t.Fatalf("seen as %s", theirs.seen)
	}
	theirs.check(t)
	if f := d.tracked(d.endpoint(lab.Internet)); f.Mark != 0 || !f.Translated() {
		t.Errorf("%+v", f)
	}
	ours := d.open(d.lab.PodB, lab.TCP, lab.Peered)
	if flows, err := d.client.Flows(t.Context(), 100); err != nil || flows.Total != 1 || flows.Flows[0].Source.Addr() != lab.PodB {
		t.Errorf("%+v, %v", flows, err)
	}
	d.setConfig(fmt.Sprintf(config, true))
	d.wait("the connections to be ended", func() error {
		status, err := d.client.Status(t.Context())
		if err == nil && status.Ended == 0 {
			err = errors.New("none is")
		}
		return err
	})
	if ended := d.status().Ended; ended != 1 {
		t.Errorf("%d connections were ended", ended)
	}
	theirs.check(t)
	if _, err := ours.Ask(t.Context()); err == nil {
		t.Error("the pod's connection goes on")
	}
}

// Connections to a node port of a pod on the secondary interface go on whatever happens to
// the daemon and its table, in which an earlier version had another rule.
func TestNodePorts(t *testing.T) {
	d := prepare(t)
	d.setConfig(replace(t, nodePortConfig, "true", "true, protect: \"off\""))
	d.run()
	d.waitReady()
	nodePort := d.servePort(false)
	before, err := d.rules()
	if err != nil {
		t.Fatal(err)
	}
	conn := d.openAt(d.lab.Peered, lab.TCP, nodePort)
	if conn.seen.Addr() != lab.Peered {
		t.Errorf("seen as %s", conn.seen)
	}
	if f := d.tracked(nodePort); f.Mark != 0x80 || f.Translated() {
		t.Errorf("%+v", f)
	}
	d.stop(os.Kill)
	d.run()
	d.waitReady()
	if changes := d.status().Changes; changes != 0 {
		t.Errorf("a start made %d changes", changes)
	}
	conn.check(t)

	d.stop(syscall.SIGTERM)
	if err := d.damage("flush chain ip snatd nodeports; add rule ip snatd nodeports iifname eth0 fib daddr type local ct mark set ct mark | 0x80"); err != nil {
		t.Fatal(err)
	}
	d.run()
	d.waitReady()
	if after, err := d.rules(); err != nil || after != before {
		t.Errorf("%v, the table is\n%s, was\n%s", err, after, before)
	}
	conn.check(t)
	d.openAt(d.lab.Internet, lab.TCP, nodePort).check(t)
}

// Cleanup breaks no connection to a node port, whether its source is kept or not, and
// removes the rest when it has ended.
func TestCleanupWithNodePorts(t *testing.T) {
	for _, masquerade := range []bool{false, true} {
		for _, wait := range []bool{false, true} {
			t.Run(fmt.Sprintf("masquerade %v wait %v", masquerade, wait), func(t *testing.T) {
				d := prepare(t)
				d.setConfig(nodePortConfig)
				d.run()
				d.waitReady()
				nodePort := d.servePort(masquerade)
				conn := d.openAt(d.lab.Peered, lab.TCP, nodePort)
				if translated := d.tracked(nodePort).Translated(); translated != masquerade {
					t.Fatalf("translated: %v", translated)
				}
				d.stop(syscall.SIGTERM)
				if wait {
					d.cleanupWaits(conn)
				} else {
					d.cleanupTwice(conn)
				}
				if held := d.kernel(); held != (kernel{}) {
					t.Errorf("after cleanup the kernel holds %+v", held)
				}
			})
		}
	}
}

// What the AWS plugin marks, with the same bit, for node ports of its own needs nothing of
// snatd's.
func TestCleanupBesideOthersNodePorts(t *testing.T) {
	d := start(t)
	nodePort := d.servePort(false)
	d.others(`table ip plugin {
	chain prerouting { type filter hook prerouting priority mangle
		iifname "eth0" fib daddr type local ct mark set ct mark | 0x80
		iifname != "eth0" ct mark & 0x80 == 0x80 meta mark set meta mark | 0x80; }
}`)
	d.ip("rule", "add", "fwmark", "0x80/0x80", "lookup", "main", "priority", "1024")
	conn := d.openAt(d.lab.Peered, lab.TCP, nodePort)
	if f := d.tracked(nodePort); f.Mark != 0x80 || f.Translated() {
		t.Errorf("%+v", f)
	}
	d.stop(syscall.SIGTERM)
	if out := strings.TrimSpace(d.succeed("cleanup")); out != "removed" {
		t.Error(out)
	}
	conn.check(t)
}

// A connection to a node port keeps what it needs when the mark is another one, and status
// counts it; so does one that carries both marks, which needs only the one of today.
func TestNodePortKeepsMark(t *testing.T) {
	const before, now = 0x80, 0x10000
	d := prepare(t)
	d.setConfig(nodePortConfig)
	d.run()
	d.waitReady()
	conn := d.openAt(d.lab.Peered, lab.TCP, d.servePort(false))
	conn.check(t)
	d.setConfig(strings.Replace(nodePortConfig, ", nodePorts: true", "", 1) + fmt.Sprintf("snat: {mark: %#x}\n", now))
	d.waitMarks(1, before, now)
	conn.check(t)
	// Now its next packet gets the other mark too.
	d.setConfig(nodePortConfig + fmt.Sprintf("snat: {mark: %#x}\n", now))
	d.waitRule("chain nodeports")
	conn.check(t)
	d.waitMarks(0, now)
	conn.check(t)
}

// A connection that carries several marks is listed once: here somebody else sets one that
// is snatd's later.
func TestFlowsWithSeveralMarks(t *testing.T) {
	const config = "network: {primaryInterface: eth0}\nsnat: {mark: %#x}\n"
	d := prepare(t)
	d.setConfig(fmt.Sprintf(config, 0x80))
	d.run()
	d.waitReady()
	earlier := d.open(d.lab.PodB, lab.TCP, lab.Peered)
	d.others(`table ip other {
	chain prerouting { type filter hook prerouting priority mangle; ip saddr ` + lab.PodB.String() + ` ip daddr ` + lab.Internet.String() + ` ct mark set ct mark | 0x10000; }
}`)
	both := d.open(d.lab.PodB, lab.TCP, lab.Internet)
	if mark := d.tracked(d.endpoint(lab.Internet)).Mark; mark != 0x10080 {
		t.Fatalf("the mark is %#x", mark)
	}
	d.setConfig(fmt.Sprintf(config, 0x10000))
	d.waitMarks(1, 0x80, 0x10000)
	flows, err := d.client.Flows(t.Context(), 100)
	if err != nil || flows.Total != 2 || len(flows.Flows) != 2 {
		t.Errorf("%+v, %v", flows, err)
	}
	earlier.check(t)
	both.check(t)
}
