package test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

// Bad input has one clear message and changes nothing: neither what the kernel
// holds nor what packets meet.
func TestBadInputWhileRunning(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	d := start(t)
	d.check(onlyOutside)
	before, listed := d.status(), d.listing()

	facts := func(text string) func() { return func() { d.write("facts.yaml", text) } }
	config := func(text string) func() { return func() { d.setConfig(text) } }
	for _, c := range []struct {
		name, want string
		make       func()
	}{
		{"malformed configuration", "config.yaml:2", config("network: {primaryInterface: eth0")},
		{"unknown key", "snat.externall", config(baseConfig + "snat: {externall: true}\n")},
		{"host bits in a CIDR", "172.31.0.0/16", config(baseConfig + "snat: {excludeCIDRs: [172.31.0.1/16]}\n")},
		{"IPv6 CIDR in an IPv4 list", "2001:db8::/32", config(baseConfig + "snat: {excludeCIDRs: [\"2001:db8::/32\"]}\n")},
		{"mark of two bits", "0x81", config(baseConfig + "snat: {mark: 0x81}\n")},
		{"unknown randomize mode", "hashrandom", config(baseConfig + "snat: {randomize: sometimes}\n")},
		{"missing primary interface", "eth9", config("network: {primaryInterface: eth9}\n")},
		{"primary address that is not there", "10.0.0.99", config("network: {primaryAddress: 10.0.0.99}\n")},
		{"empty configuration", "empty, accepted: at least one key", func() { d.write("config.yaml", "") }},
		{"pods behind the primary interface", "eth*", config("network: {primaryInterface: eth0, podInterfaces: [\"eth*\"]}\n")},
		{"malformed facts", "facts.yaml:1", facts("vpc: {cidrs: [10.0.0.0/16]")},
		{"unknown key in facts", "vpc.cidr", facts("vpc: {cidr: [10.0.0.0/16]}\n")},
		{"no VPC CIDR", "vpc.cidrs", facts("vpc: {cidrs: []}\n")},
		{"VPC CIDR with host bits", "10.0.0.0/16", facts("vpc: {cidrs: [10.0.0.1/16]}\n")},
		{"two pods with one address", "default/twin", facts(baseFacts + "- {namespace: default, name: twin, ip: 10.0.1.5}\n")},
		{"IPv6 address of a pod", "2001:db8::1", facts(baseFacts + "- {namespace: default, name: six, ip: \"2001:db8::1\"}\n")},
	} {
		c.make()
		d.waitProblem(c.want)
		t.Logf("%s: %v", c.name, d.status().Problems)
		after := d.status()
		if after.Ruleset != before.Ruleset || after.Changes != before.Changes || d.listing() != listed {
			t.Errorf("%s: the kernel was changed", c.name)
		}
		d.see(d.lab.PodB, lab.TCP, lab.Peered, lab.NodePrimary)
		d.see(d.lab.PodB, lab.TCP, lab.VPC, lab.PodB)
		d.setConfig(baseConfig)
		d.write("facts.yaml", baseFacts)
		d.wait("the problem to be mended", func() error {
			if s := d.status(); len(s.Problems) > 0 || !s.Ready {
				return fmt.Errorf("%v", s.Problems)
			}
			return nil
		})
	}
	d.check(onlyOutside)
}

// Two pods with one address: the error names both.
func TestTwinsAreNamed(t *testing.T) {
	d := start(t)
	d.write("facts.yaml", baseFacts+"- {namespace: default, name: twin, ip: 10.0.1.5}\n")
	d.waitProblem("default/twin")
	d.waitProblem("default/pod-a")
}

// At start its own configuration is all that snatd ends for.
func TestBadConfigurationAtStart(t *testing.T) {
	for _, c := range []struct {
		name, config, variable, want string
	}{
		{"malformed", "snat: [", "", "config.yaml"},
		{"unknown key", "snta: {}", "", "snta"},
		{"bad variable", baseConfig, "AWS_VPC_K8S_CNI_RANDOMIZESNAT=maybe", "AWS_VPC_K8S_CNI_RANDOMIZESNAT"},
		{"bad bool", baseConfig, "AWS_VPC_K8S_CNI_EXTERNALSNAT=perhaps", "AWS_VPC_K8S_CNI_EXTERNALSNAT"},
		{"bad mark", baseConfig, "AWS_VPC_K8S_CNI_CONNMARK=0", "AWS_VPC_K8S_CNI_CONNMARK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := prepare(t)
			d.write("config.yaml", c.config+"\nsocket: "+d.path("snatd.sock")+"\n")
			var environment []string
			if c.variable != "" {
				environment = []string{c.variable}
			}
			_, stderr, err := d.output(environment, "run")
			if err == nil {
				t.Fatal("the daemon ended without an error")
			}
			line := strings.TrimSpace(stderr)
			if !strings.Contains(line, c.want) || strings.Count(line, "\n") > 0 {
				t.Errorf("want one line that names %q, got:\n%s", c.want, line)
			}
			if held := d.kernel(); held != (kernel{}) {
				t.Errorf("the kernel holds %+v", held)
			}
		})
	}
}

// Without facts the daemon waits, says so, and begins by itself when they come.
func TestWaitsForFacts(t *testing.T) {
	d := prepare(t)
	d.write("facts.yaml", "vpc: {cidrs: [")
	d.run()
	d.waitWaiting("the VPC's CIDRs")
	d.write("facts.yaml", baseFacts)
	d.waitReady()
	d.check(onlyOutside)
}

// waitWaiting waits until the daemon says what it waits for, with nothing in the
// kernel.
func (d *daemon) waitWaiting(what string) {
	d.t.Helper()
	d.waitNotReady(what)
	if held := d.kernel(); held != (kernel{}) {
		d.t.Errorf("the kernel holds %+v", held)
	}
}

// waitNotReady waits until the daemon says that it waits, whatever the kernel
// holds.
func (d *daemon) waitNotReady(what string) {
	d.t.Helper()
	d.wait("the daemon to say that it waits for "+what, func() error {
		status, err := d.client.Status(d.t.Context())
		if err != nil {
			return err
		}
		if status.Ready || !strings.Contains(status.Waiting, what) {
			return fmt.Errorf("waiting: %q", status.Waiting)
		}
		return nil
	})
}

// A node has no primary interface, or no address, for a while after its start.
func TestWaitsForTheAddress(t *testing.T) {
	d := prepare(t)
	d.setConfig("network: {primaryInterface: eth7}\n")
	d.run()
	d.waitWaiting("the primary interface and its address")
	d.waitProblem("there is no interface eth7")
	d.ip("link", "add", "eth7", "type", "bridge")
	d.waitProblem("interface eth7 has no global IPv4 address")
	d.ip("address", "add", "10.0.3.3/32", "dev", "eth7")
	d.waitReady()
	if s := d.status(); s.Primary != "10.0.3.3" || s.Interface != "eth7" {
		t.Errorf("primary %s on %s", s.Primary, s.Interface)
	}
}

// A configuration that names an address waits for it, and is in force when the
// address comes; live connections keep the one that they had.
func TestPrimaryAddressChanges(t *testing.T) {
	d := start(t)
	open := d.openAll()
	d.setConfig("network: {primaryInterface: eth0, primaryAddress: 10.0.0.11}\nsnat: {excludeCIDRs: [172.31.0.0/16]}\n")
	d.waitProblem("interface eth0 has no address 10.0.0.11")
	d.check(onlyOutside)
	d.ip("address", "add", "10.0.0.11/18", "dev", "eth0")
	d.waitAction(lab.PodB, lab.Peered, "exclude")
	if s := d.status(); s.Primary != "10.0.0.11" || len(s.Problems) > 0 {
		t.Errorf("primary %s, problems %v", s.Primary, s.Problems)
	}
	for _, conn := range open {
		conn.check(t)
	}
}

// Bad facts keep nobody from changing the configuration.
func TestConfigurationBesideBadFacts(t *testing.T) {
	d := start(t)
	for _, bad := range []string{
		"- {namespace: default, name: twin, ip: 10.0.1.5}\n",
		"- {namespace: default, name: primary, ip: 10.0.0.10}\n",
	} {
		d.write("facts.yaml", baseFacts+bad)
		d.waitProblem("facts.yaml")
		d.setConfig(baseConfig + "snat: {external: true}\n")
		d.waitAction(lab.PodA, lab.Internet, "exclude")
		d.check(nothing)
		d.setConfig(baseConfig)
		d.waitAction(lab.PodA, lab.Internet, "translate")
	}
}

// The variables of the AWS plugin override the file.
func TestVariables(t *testing.T) {
	d := prepare(t)
	d.run("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS=172.31.0.0/16", "AWS_VPC_K8S_CNI_RANDOMIZESNAT=none", "AWS_VPC_K8S_CNI_VETHPREFIX=eni")
	d.waitReady()
	d.check(world{internet: true})
	d.stop(syscall.SIGTERM)
	d.run("AWS_VPC_K8S_CNI_EXTERNALSNAT=true")
	d.waitReady()
	d.check(nothing)
}

// In an IPv6 cluster nothing is installed, and what was is removed.
func TestIPv6Cluster(t *testing.T) {
	d := prepare(t)
	d.forgetSoon()
	d.setConfig("network: {ipFamily: ipv6}\n")
	d.run()
	d.waitReady()
	if held := d.kernel(); held != (kernel{}) {
		t.Errorf("the kernel holds %+v", held)
	}
	if !strings.Contains(d.log.String(), "IPv6") {
		t.Errorf("the log does not say why:\n%s", d.log)
	}
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.PodA)

	d.setConfig(baseConfig)
	d.waitAction(lab.PodA, lab.Internet, "translate")
	d.check(onlyOutside)
	conn := d.open(d.lab.PodB, lab.TCP, lab.Internet)
	d.setConfig("network: {ipFamily: ipv6}\n")
	d.waitAction(lab.PodA, lab.Internet, "exclude")
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.PodA)
	conn.check(t)
	d.wait("status to tell of the connection alone", func() error {
		out, _, err := d.output(nil, "status")
		if err == nil && !strings.Contains(out, "1 live ones keep what they need of earlier rules") {
			err = errors.New(out)
		}
		return err
	})
	conn.Close()
	d.wait("all to be removed once no translated connection is left", func() error {
		if held := d.kernel(); held != (kernel{}) {
			return fmt.Errorf("the kernel holds %+v", held)
		}
		return nil
	})
	d.wait("status to tell of none", func() error {
		status, err := d.client.Status(t.Context())
		if err == nil && status.Kept != 0 {
			err = fmt.Errorf("%d are kept", status.Kept)
		}
		return err
	})
}

// forgetSoon makes the node forget connections without an end of their own
// after a second.
func (d *daemon) forgetSoon() {
	d.t.Helper()
	err := d.lab.Node.Do(func() error {
		for _, name := range []string{"udp_timeout", "udp_timeout_stream", "icmp_timeout"} {
			if err := os.WriteFile("/proc/sys/net/netfilter/nf_conntrack_"+name, []byte("1"), 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// The configuration that was in force stays so when its file vanishes.
func TestConfigurationVanishes(t *testing.T) {
	d := prepare(t)
	d.setConfig(baseConfig + "snat: {external: true}\n")
	d.run()
	d.waitReady()
	if err := os.Remove(d.path("config.yaml")); err != nil {
		t.Fatal(err)
	}
	d.waitProblem("no such file")
	d.check(nothing)
	d.setConfig(baseConfig)
	d.waitAction(lab.PodA, lab.Internet, "translate")
	d.check(onlyOutside)
}
