package test

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

// dropIn puts the example exclude-cidrs into the drop-in directory.
func (d *daemon) dropIn(name, sidecar string) {
	d.t.Helper()
	d.dropInExample("exclude-cidrs", name, sidecar)
}

// dropInExample puts an example into the drop-in directory.
func (d *daemon) dropInExample(example, name, sidecar string) {
	d.t.Helper()
	wasm, err := os.ReadFile("../examples/built/" + example + ".wasm")
	if err != nil {
		d.t.Fatalf("%v: run make build first", err)
	}
	d.write("policies.d/"+name+".yaml", sidecar)
	d.write("policies.d/"+name+".wasm", string(wasm))
}

func (d *daemon) removeDropIn(name string) {
	d.t.Helper()
	for _, suffix := range []string{".wasm", ".yaml"} {
		if err := os.Remove(d.path("policies.d/" + name + suffix)); err != nil {
			d.t.Fatal(err)
		}
	}
}

func TestDropIn(t *testing.T) {
	d := start(t)
	open := d.openAll()
	check := func() {
		t.Helper()
		for _, conn := range open {
			conn.check(t)
		}
	}

	d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16, why: peered VPC}\n")
	d.waitAction(lab.PodB, lab.Peered, "exclude")
	d.check(world{internet: true})
	check()
	explanation, err := d.client.Explain(t.Context(), "default/pod-b", lab.Peered.String())
	if err != nil {
		t.Fatal(err)
	}
	if explanation.Module != "10-peering" && !strings.HasPrefix(explanation.Module, "10-peering.") {
		t.Errorf("decided by %q, want 10-peering", explanation.Module)
	}
	if !strings.Contains(explanation.Reason, "peered VPC") {
		t.Errorf("reason %q does not quote the sidecar's", explanation.Reason)
	}

	// A sidecar's change is a change of the module.
	d.write("policies.d/10-peering.yaml", "config: {cidrs: 198.51.100.0/24}\n")
	d.waitAction(lab.PodB, lab.Internet, "exclude")
	d.check(world{peered: true})
	check()

	// A broken version leaves the running one deciding.
	d.write("policies.d/10-peering.wasm", "this is not wasm")
	d.waitProblem("10-peering")
	d.check(world{peered: true})

	d.removeDropIn("10-peering")
	d.waitAction(lab.PodB, lab.Internet, "translate")
	d.check(onlyOutside)
	check()
}

// Modules that never end, or that ask for what they are not granted, cost nobody
// anything but themselves.
func TestBadModules(t *testing.T) {
	d := prepare(t)
	var pods strings.Builder
	for i := range 250 {
		fmt.Fprintf(&pods, "- {namespace: default, name: web-%d, ip: 10.0.2.%d}\n", i, i)
	}
	d.write("facts.yaml", baseFacts+pods.String())
	loop := wasmtest.New()
	loop.Func(abi.Decide, wasmtest.Sig(0, 1), wasmtest.Forever(), wasmtest.Const(0))
	d.write("policies.d/05-loop.wasm", string(loop.Bytes()))
	hang := wasmtest.New()
	hang.Func(abi.Initialize, wasmtest.Sig(0, 0), wasmtest.Forever())
	hang.Func(abi.Decide, wasmtest.Sig(0, 1), wasmtest.Const(1))
	d.write("policies.d/06-hang.wasm", string(hang.Bytes()))
	d.run()
	d.waitReady()
	d.waitProblem("05-loop.wasm")
	d.waitProblem("06-hang.wasm")
	d.check(onlyOutside)

	// A change gets through beside it.
	d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16}\n")
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	d.check(world{internet: true})

	d.write("policies.d/10-peering.yaml", "config: {cidrs: 172.31.0.0/16}\ngrants: {sources: [10.0.64]}\n")
	d.waitProblem("grants.sources[0]")
	d.check(world{internet: true})
}

// A module in shadow mode is evaluated, told, and decides nothing.
func TestShadow(t *testing.T) {
	d := start(t)
	d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16}\nmode: shadow\n")
	var shadow *engine.Shadow
	d.wait("what the module would change", func() error {
		for _, m := range d.status().Modules {
			if m.Name == "10-peering.wasm" && m.State == "shadow" && m.Shadow != nil && m.Shadow.Subjects > 0 {
				shadow = m.Shadow
				return nil
			}
		}
		return fmt.Errorf("modules %+v", d.status().Modules)
	})
	// The node and both pods, each towards 65,536 addresses.
	if shadow.Subjects != 3 || shadow.Changes[0].Subject != "node" || shadow.Changes[1].Addresses != 1<<16 {
		t.Errorf("shadow %+v", shadow)
	}
	d.check(onlyOutside)
	if text := d.screen(); !strings.Contains(text, "would change 3 subjects") {
		t.Errorf("status:\n%s", text)
	}
	d.write("policies.d/10-peering.yaml", "config: {cidrs: 172.31.0.0/16}\n")
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	d.check(world{internet: true})
	d.write("policies.d/10-peering.yaml", "config: {cidrs: 172.31.0.0/16}\nmode: shadow\n")
	d.waitAction(lab.PodA, lab.Peered, "translate")
	d.check(onlyOutside)
}

// Pods of a namespace leave by an address of their own, as long as the operator
// grants it and the node holds it.
func TestEgressAddress(t *testing.T) {
	d := start(t)
	egress := netip.MustParseAddr("10.0.0.11")
	const granted = "config: {source: 10.0.0.11, namespaces: default}\ngrants: {sources: [10.0.0.11]}\n"
	d.dropInExample("egress-address", "20-egress", granted)
	d.waitProblem("the node's primary interface does not hold the source 10.0.0.11")
	d.check(onlyOutside)
	if err := d.lab.AddNodeAddress(egress); err != nil {
		t.Fatal(err)
	}
	d.waitSource(lab.PodA, lab.Internet, egress)
	for _, pod := range []*lab.Host{d.lab.PodA, d.lab.PodB} {
		for _, proto := range []lab.Proto{lab.TCP, lab.UDP, lab.ICMP} {
			d.see(pod, proto, lab.Internet, egress)
			d.see(pod, proto, lab.Peered, egress)
			d.see(pod, proto, lab.VPC, pod.Addr)
		}
	}
	open := d.open(d.lab.PodB, lab.TCP, lab.Internet)

	// One destination only.
	d.write("policies.d/20-egress.yaml", strings.Replace(granted, "namespaces: default", "namespaces: default, cidrs: 172.31.0.0/16", 1))
	d.waitSource(lab.PodA, lab.Internet, lab.NodePrimary)
	d.see(d.lab.PodB, lab.TCP, lab.Peered, egress)
	d.see(d.lab.PodB, lab.UDP, lab.Internet, lab.NodePrimary)
	open.check(t)

	// Without the grant it is the module's error, and what it decided with it ends.
	d.write("policies.d/20-egress.yaml", strings.Replace(granted, "grants: {sources: [10.0.0.11]}", "grants: {sources: [10.0.0.12]}", 1))
	d.waitProblem("the grant sources does not list 10.0.0.11")
	d.waitSource(lab.PodB, lab.Peered, lab.NodePrimary)
	d.check(onlyOutside)
	open.check(t)
	d.removeDropIn("20-egress")
	d.waitSource(lab.PodB, lab.Peered, lab.NodePrimary)
	d.check(onlyOutside)
	open.check(t)
}

// waitSource waits until the daemon has connections seen as an address.
func (d *daemon) waitSource(from, to, source netip.Addr) {
	d.t.Helper()
	d.wait(fmt.Sprintf("%s to be seen as %s by %s", from, source, to), func() error {
		e, err := d.client.Explain(d.t.Context(), from.String(), to.String())
		if err == nil && e.Source != source.String() {
			err = fmt.Errorf("seen as %s, by %s: %s", e.Source, e.Module, e.Reason)
		}
		return err
	})
}
