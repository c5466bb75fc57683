package test

import (
	"fmt"
	"os"
	"strings"
	"testing"

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

	d.write("policies.d/10-peering.yaml", "config: {cidrs: 172.31.0.0/16}\ngrants: {sources: [10.0.64.10]}\n")
	d.waitProblem("grants.sources")
	d.check(world{internet: true})
}
