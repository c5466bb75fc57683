package test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/snatd/snatd/host/aws/imdstest"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/lab"
)

const imdsConfig = "facts: {vpc: imds, pods: none, interval: 1s, file: /nonexistent, record: \"\"}\n"

// withIMDS makes a node with a metadata service, and a configuration that names
// neither an interface nor a facts file.
func withIMDS(t *testing.T) (*daemon, *imdstest.Server, imdstest.Interface) {
	t.Helper()
	d := prepare(t)
	compiled, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	d.write("config.yaml", fmt.Sprintf("%ssocket: %s\npolicies: {directory: %s, cache: %s}\n",
		imdsConfig, d.path("snatd.sock"), d.path("policies.d"), compiled))
	eth0, err := d.lab.Node.Netlink().LinkByName("eth0")
	if err != nil {
		t.Fatal(err)
	}
	primary := imdstest.Interface{
		MAC: eth0.Attrs().HardwareAddr.String(), Device: "0", Subnet: "10.0.0.0/18",
		Addresses: imdstest.Lines(lab.NodePrimary.String(), lab.PodA.String()), VPC: imdstest.Lines("10.0.0.0/16", "100.64.0.0/16"),
	}
	server := imdstest.StartOn(t, "127.0.0.1:0", d.listen)
	server.Set(imdstest.Node(primary))
	return d, server, primary
}

// listen listens on the node.
func (d *daemon) listen(network, address string) (listener net.Listener, err error) {
	err = d.lab.Node.Do(func() error {
		listener, err = net.Listen(network, address)
		return err
	})
	return listener, err
}

func (d *daemon) runWithIMDS(server *imdstest.Server) {
	d.t.Helper()
	d.run("AWS_EC2_METADATA_SERVICE_ENDPOINT=" + server.URL())
}

// source is the state of a source of facts.
func (d *daemon) source(name string) facts.Provenance {
	d.t.Helper()
	for _, s := range d.status().Sources {
		if s.Source == name {
			return s
		}
	}
	return facts.Provenance{}
}

// The metadata service says all that the default module needs, and is followed.
func TestIMDS(t *testing.T) {
	d, server, primary := withIMDS(t)
	d.runWithIMDS(server)
	d.waitReady()
	d.check(onlyOutside)
	if s := d.source("imds"); s.Success.IsZero() || s.Error != "" || s.Next.IsZero() {
		t.Errorf("the source is %+v", s)
	}
	if s := d.status(); len(s.Problems) > 0 || s.Primary != lab.NodePrimary.String() || s.Interface != "eth0" {
		t.Errorf("status %+v", s)
	}
	first := d.source("imds").Success
	d.wait("the service to be read again", func() error {
		if s := d.source("imds"); !s.Success.After(first) {
			return fmt.Errorf("the source is %+v", s)
		}
		return nil
	})
	open := d.openAll()

	// A CIDR that is associated later.
	primary.VPC = imdstest.Lines("10.0.0.0/16", "100.64.0.0/16", "172.31.0.0/16")
	server.Set(primary.Values())
	d.waitAction(lab.PodB, lab.Peered, "exclude")
	d.check(world{internet: true})

	// What the service says wrongly, or not at all, changes nothing.
	before := d.status()
	for _, bad := range []struct {
		make func()
		want string
	}{
		{func() { primary.VPC = "10.0.0.1/16"; server.Set(primary.Values()) }, "10.0.0.1/16"},
		{func() { primary.VPC = "\n"; server.Set(primary.Values()) }, "vpc-ipv4-cidr-blocks"},
		{func() { server.Fail(imdstest.MAC, imdstest.Status(503)) }, "503"},
		{server.Refuse, "imds"},
	} {
		bad.make()
		d.waitProblem(bad.want)
		if s := d.source("imds"); s.Error == "" || s.Failure.IsZero() || s.Success.IsZero() {
			t.Errorf("the source is %+v", s)
		}
		d.check(world{internet: true})
	}
	// Another interval begins with what is known.
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.write("config.yaml", replace(t, string(config), "interval: 1s", "interval: 2s"))
	d.wait("the new interval to have failed too", func() error {
		// Retries come as seldom as the interval is long, and no seldomer.
		if s := d.source("imds"); s.Next.Sub(s.Failure) < 1500*time.Millisecond || s.Success.IsZero() {
			return fmt.Errorf("the source is %+v", s)
		}
		return nil
	})
	d.check(world{internet: true})
	if after := d.status(); after.Changes != before.Changes || after.Primary != before.Primary {
		t.Errorf("%d changes in the kernel, primary %s", after.Changes-before.Changes, after.Primary)
	}
	server.Accept()
	server.Heal()
	primary.VPC = imdstest.Lines("10.0.0.0/16", "100.64.0.0/16")
	server.Set(primary.Values())
	d.waitAction(lab.PodB, lab.Peered, "translate")
	d.check(onlyOutside)
	for _, conn := range open {
		conn.check(t)
	}
}

// Until the VPC's CIDRs are known nothing is translated; rules that are there
// from before stay.
func TestIMDSMissingAtStart(t *testing.T) {
	d, server, _ := withIMDS(t)
	server.Refuse()
	d.runWithIMDS(server)
	d.waitWaiting("the VPC's CIDRs")
	d.waitProblem("imds")
	server.Accept()
	d.waitReady()
	d.check(onlyOutside)

	d.stop(syscall.SIGTERM)
	server.Refuse()
	d.runWithIMDS(server)
	d.waitProblem("imds")
	d.check(onlyOutside)
	server.Accept()
	d.waitReady()
}

// A plan asks the service once.
func TestPlanWithIMDS(t *testing.T) {
	d, server, _ := withIMDS(t)
	out, stderr, err := d.output([]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + server.URL()}, "plan", "-o", "nft")
	if exitCode(err) != 2 || !strings.Contains(out, "100.64.0.0/16 : continue") || !strings.Contains(out, "snat to 10.0.0.10") {
		t.Errorf("plan: %v\n%s%s", err, out, stderr)
	}
	server.Refuse()
	_, stderr, err = d.output([]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + server.URL()}, "plan")
	if exitCode(err) != 1 || !strings.Contains(stderr, "imds") {
		t.Errorf("plan without the service: %v\n%s", err, stderr)
	}
}

// What one node saw gives the same rules anywhere.
func TestFactsReplay(t *testing.T) {
	d, server, _ := withIMDS(t)
	d.runWithIMDS(server)
	d.waitReady()
	recorded := d.succeed("facts")
	for _, want := range []string{"zone: eu-west-1a", "instanceType: m5.large", "100.64.0.0/16", "primaryAddress: 10.0.0.10"} {
		if !strings.Contains(recorded, want) {
			t.Errorf("the facts lack %q:\n%s", want, recorded)
		}
	}
	other := prepare(t)
	other.write("facts.yaml", recorded)
	ruleset := other.planned(true).Ruleset
	if got := d.status().Ruleset; got != ruleset.Digest() {
		t.Errorf("replayed %s, installed %s\n%s", ruleset.Digest(), got, recorded)
	}
}
