package test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/lab"
)

// world is what the peers should see of both pods, by network.
type world struct{ vpc, second, peered, internet bool }

// translated says which networks see the node's primary address.
var (
	onlyOutside = world{peered: true, internet: true}
	nothing     = world{}
)

// check sends packets of each protocol from each pod into each network.
func (d *daemon) check(translated world) {
	d.t.Helper()
	d.checkEach(translated, translated)
}

// checkEach is check, for pods that are not alike.
func (d *daemon) checkEach(a, b world) {
	d.t.Helper()
	for pod, translated := range map[*lab.Host]world{d.lab.PodA: a, d.lab.PodB: b} {
		for _, network := range []struct {
			host       *lab.Host
			translated bool
		}{
			{d.lab.VPC, translated.vpc}, {d.lab.Second, translated.second},
			{d.lab.Peered, translated.peered}, {d.lab.Internet, translated.internet},
		} {
			want := pod.Addr
			if network.translated {
				want = lab.NodePrimary
			}
			for _, proto := range []lab.Proto{lab.TCP, lab.UDP, lab.ICMP} {
				d.see(pod, proto, network.host.Addr, want)
			}
		}
		// What the node itself is asked never needs translation.
		d.see(pod, lab.TCP, lab.NodePrimary, pod.Addr)
	}
	d.see(d.lab.PodA, lab.TCP, lab.PodB, lab.PodA)
	for _, host := range []*lab.Host{d.lab.VPC, d.lab.Second, d.lab.Peered, d.lab.Internet} {
		for _, proto := range []lab.Proto{lab.TCP, lab.UDP, lab.ICMP} {
			d.see(d.lab.Node, proto, host.Addr, lab.NodePrimary) // a host-network pod
		}
	}
}

// openAll opens connections that are translated and some that are not.
func (d *daemon) openAll() (all []*openConn) {
	d.t.Helper()
	for _, pod := range []*lab.Host{d.lab.PodA, d.lab.PodB} {
		for _, to := range []netip.Addr{lab.VPC, lab.Peered, lab.Internet} {
			for _, proto := range []lab.Proto{lab.TCP, lab.UDP} {
				all = append(all, d.open(pod, proto, to))
			}
		}
	}
	return all
}

// TestDefaultModule goes through the rows of "SNAT for pods - Amazon EKS", each
// reached by a live change, with connections that were opened before.
func TestDefaultModule(t *testing.T) {
	d := start(t)
	d.check(onlyOutside)
	open := d.openAll()

	steps := []struct {
		name   string
		change func()
		action string // towards the peered VPC once the change is in force
		want   world
	}{
		{"a VPC CIDR is added", func() {
			d.write("facts.yaml", replace(t, baseFacts, "100.64.0.0/16", "100.64.0.0/16, 172.31.0.0/16"))
		}, "exclude", world{internet: true}},
		{"the VPC CIDR is taken away", func() { d.write("facts.yaml", baseFacts) }, "translate", onlyOutside},
		{"the operator excludes a CIDR", func() {
			d.setConfig(baseConfig + "snat: {excludeCIDRs: [172.31.0.0/24, 172.31.0.0/16, 172.31.0.0/16]}\n")
		}, "exclude", world{internet: true}},
		{"the CIDR is not excluded any more", func() { d.setConfig(baseConfig) }, "translate", onlyOutside},
		{"external SNAT is switched on", func() {
			d.setConfig(baseConfig + "snat: {external: true}\n")
		}, "exclude", nothing},
		{"external SNAT is switched off", func() { d.setConfig(baseConfig) }, "translate", onlyOutside},
		{"everything is excluded", func() {
			d.setConfig(baseConfig + "snat: {excludeCIDRs: [0.0.0.0/0]}\n")
		}, "exclude", nothing},
	}
	for _, step := range steps {
		step.change()
		d.waitAction(lab.PodB, lab.Peered, step.action)
		t.Log(step.name)
		d.check(step.want)
		for _, conn := range open {
			conn.check(t)
		}
	}
}

// A pod that nobody has told snatd about has the node's decision; a pod of an
// own decision has it as soon as its facts arrive.
func TestPodAdded(t *testing.T) {
	d := start(t)
	const addr = "10.0.1.77"
	pod, err := d.lab.AddPod(t.Context(), "pod-new", netip.MustParseAddr(addr), false)
	if err != nil {
		t.Fatal(err)
	}
	d.see(pod, lab.TCP, lab.Internet, lab.NodePrimary)
	d.see(pod, lab.TCP, lab.VPC, pod.Addr)

	d.dropIn("10-keep", "config: {cidrs: \"198.51.100.0/24\", namespace: keep}\n")
	d.write("facts.yaml", baseFacts+"- {namespace: keep, name: pod-new, ip: "+addr+"}\n")
	d.waitAction(pod.Addr, lab.Internet, "exclude")
	d.see(pod, lab.TCP, lab.Internet, pod.Addr)
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.NodePrimary)

	// Without its address it waits, and the address has the node's decision.
	d.write("facts.yaml", baseFacts+"- {namespace: keep, name: pod-new}\n")
	d.waitAction(pod.Addr, lab.Internet, "translate")
	d.see(pod, lab.TCP, lab.Internet, lab.NodePrimary)
	if waiting := d.status().PodsWaiting; len(waiting) != 1 || waiting[0] != "keep/pod-new" {
		t.Errorf("pods without an address: %q", waiting)
	}
}

// Thousands of networks are decided in Wasm, by the default module and by a
// drop-in, and not given up for their number.
func TestManyNetworks(t *testing.T) {
	networks := func(second int) string {
		var list []string
		for i := range 2500 {
			list = append(list, fmt.Sprintf("20.%d.%d.%d/32", second+i/1000, i/10%100, i%10*20))
		}
		return strings.Join(list, ", ")
	}
	d := prepare(t)
	d.setConfig(baseConfig + "snat: {excludeCIDRs: [" + networks(0) + "]}\n")
	d.dropIn("10-many", "config: {cidrs: \""+networks(100)+", 172.31.0.0/16\"}\n")
	d.run()
	d.waitReady()
	// A busy machine may need a second try.
	d.wait("all modules to decide in Wasm", func() error {
		s := d.status()
		for _, m := range s.Modules {
			if m.State != "active" {
				return fmt.Errorf("module %s is %s: %s", m.Name, m.State, m.Error)
			}
		}
		if len(s.Problems) > 0 || len(s.Modules) != 2 {
			return fmt.Errorf("%d modules, problems %v", len(s.Modules), s.Problems)
		}
		return nil
	})
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	d.waitAction(lab.PodB, lab.Peered, "exclude")
	d.check(world{internet: true})
}
