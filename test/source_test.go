package test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
)

// An address that the node loses while it is in force stays the last good decision
// of those who had it; others get none. The error names it, until it is back.
func TestSourceComesAndGoes(t *testing.T) {
	d := start(t)
	egress := netip.MustParseAddr("10.0.0.11")
	if err := d.lab.AddNodeAddress(egress); err != nil {
		t.Fatal(err)
	}
	d.dropInExample("egress-address", "20-egress", "config: {source: 10.0.0.11, namespaces: default}\ngrants: {sources: [10.0.0.11]}\n")
	d.waitSource(lab.PodA, lab.Internet, egress)
	open := d.open(d.lab.PodB, lab.TCP, lab.Internet)
	check := func(source netip.Addr) {
		t.Helper()
		for _, pod := range []*lab.Host{d.lab.PodA, d.lab.PodB} {
			for _, proto := range []lab.Proto{lab.TCP, lab.UDP, lab.ICMP} {
				d.see(pod, proto, lab.Internet, source)
				d.see(pod, proto, lab.VPC, pod.Addr)
			}
		}
		open.check(t)
	}
	check(egress)
	const lost = "the node's primary interface does not hold the source 10.0.0.11"
	const late = "10.0.1.99"
	d.ip("route", "add", late, "dev", d.interfaceTo(lab.PodA))
	for range 2 {
		d.ip("address", "delete", "10.0.0.11/32", "dev", "eth0")
		d.waitProblem(lost)
		d.waitSource(lab.PodA, lab.Internet, egress)
		if m := moduleIn(d.status(), "20-egress.wasm"); m.State != "active" || m.Failing != 2 || !strings.Contains(m.Error, lost) {
			t.Errorf("the module is %+v", m)
		}
		// EC2 still has it assigned to the interface here.
		check(egress)

		// A pod that comes now never had a good decision.
		d.write("facts.yaml", baseFacts+"- {namespace: default, name: late, ip: "+late+"}\n")
		d.waitSource(netip.MustParseAddr(late), lab.Internet, lab.NodePrimary)
		d.write("facts.yaml", baseFacts)

		d.ip("address", "add", "10.0.0.11/32", "dev", "eth0")
		d.wait("the problem to be mended", func() error {
			if s := d.status(); len(s.Problems) > 0 || moduleIn(s, "20-egress.wasm").State != "active" {
				return fmt.Errorf("%v, %+v", s.Problems, s.Modules)
			}
			return nil
		})
		check(egress)
	}
}

// Any address may be named; what counts is that the primary interface holds it.
func TestOddSources(t *testing.T) {
	d := start(t)
	sidecar := func(source string) string {
		return fmt.Sprintf("config: {source: %s, namespaces: default}\ngrants: {sources: [%[1]s]}\n", source)
	}
	// That of another interface of the node: the packet leaves by the primary one,
	// where EC2 drops it.
	other := lab.NodeSecondary.String()
	d.dropInExample("egress-address", "20-egress", sidecar(other))
	d.waitProblem("the node's primary interface does not hold the source " + other)
	d.waitModule("20-egress.wasm", "failing", func(m engine.ModuleStatus) bool { return m.Failing == 2 })
	d.check(onlyOutside)

	// The primary address needs no other grant than that of the source.
	d.write("policies.d/20-egress.yaml", sidecar(lab.NodePrimary.String()))
	d.wait("the module to decide for the primary address", func() error {
		e, err := d.client.Explain(t.Context(), lab.PodA.String(), lab.Internet.String())
		if err == nil && (e.Module != "20-egress.wasm" || e.Source != lab.NodePrimary.String()) {
			err = fmt.Errorf("seen as %s, by %s", e.Source, e.Module)
		}
		return err
	})
	d.check(onlyOutside)
	// Two pods have a class of their own, because another module says what the node's does.
	if s := d.status(); len(s.Problems) > 0 || s.Pods != 2 {
		t.Errorf("problems %v, %d pods differ from the node", s.Problems, s.Pods)
	}
}
