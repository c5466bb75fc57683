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
