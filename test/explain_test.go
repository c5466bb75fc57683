package test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

// explained is an explanation as data.
func (d *daemon) explained(arguments ...string) (e engine.Explanation) {
	d.t.Helper()
	out := d.succeed(append([]string{"explain", "-o", "json"}, arguments...)...)
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
	return e
}

// says is what an explanation says at first.
type says struct{ action, source, module, prefix, reason, never string }

func sayings(e engine.Explanation) says {
	return says{string(e.Action), e.Source, e.Module, e.Prefix, e.Reason, e.Never}
}

func TestExplain(t *testing.T) {
	d := start(t)
	d.waitLoaded()
	d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16, why: peered VPC}\n")
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	peering, byDefault := "10-peering.wasm", engine.DefaultModule
	const own = "the node's own packets are never translated"
	for _, c := range []struct {
		from, to string
		want     says
	}{
		{"default/pod-a", "172.31.0.20", says{"exclude", "10.0.1.5", peering, "172.31.0.0/16", "peered VPC", ""}},
		{"10.0.65.6", "198.51.100.20", says{"translate", "10.0.0.10", byDefault, "0.0.0.0/0", "outside the vpc", ""}},
		{"default/pod-a", "100.64.1.1", says{"exclude", "10.0.1.5", byDefault, "100.64.0.0/16", "vpc cidr", ""}},
		{"default/pod-a", "10.0.65.6", says{"exclude", "10.0.1.5", byDefault, "10.0.0.0/16", "vpc cidr", ""}},
		{"kube-system/host-pod", "198.51.100.20", says{action: "exclude", source: "10.0.0.10", never: "a pod in the host's network: its packets are the node's own"}},
		{"10.0.0.10", "198.51.100.20", says{action: "exclude", source: "10.0.0.10", never: own}},
		{lab.NodeSecondary.String(), "198.51.100.20", says{action: "exclude", source: lab.NodeSecondary.String(), never: own}},
		{"default/pod-a", "10.0.0.10", says{action: "exclude", source: "10.0.1.5", never: "10.0.0.10 is an address of the node itself"}},
		{"default/pod-a", lab.NodeSecondary.String(), says{action: "exclude", source: "10.0.1.5", never: lab.NodeSecondary.String() + " is an address of the node itself"}},
		{"10.0.99.99", "198.51.100.20", says{"exclude", "10.0.99.99", byDefault, "0.0.0.0/0", "outside the vpc",
			"the route to 10.0.99.99 leads by eth0: its packets come by no pod's interface (eni*)"}},
	} {
		e := d.explained("--from", c.from, "--to", c.to)
		if got := sayings(e); got != c.want || e.From != c.from || e.To != c.to || len(e.Notes) > 0 || e.Service != nil {
			t.Errorf("%s to %s:\n got %+v, %v, %+v\nwant %+v", c.from, c.to, got, e.Notes, e.Service, c.want)
		}
		if e.Module == "" {
			continue
		}
		if e.Kernel == nil || !e.Kernel.Agrees || e.Class == "" || len(e.Reads) == 0 || len(e.SHA256) != 64 {
			t.Errorf("%s to %s: kernel %+v, class %q, %d reads, sha256 %q", c.from, c.to, e.Kernel, e.Class, len(e.Reads), e.SHA256)
		}
		if asked := e.Module == byDefault; asked != (len(e.Asked) == 1 && e.Asked[0].Module == peering) {
			t.Errorf("%s to %s: asked before %+v", c.from, c.to, e.Asked)
		}
	}

	e := d.explained("--from", "default/pod-a", "--to", "172.31.0.20")
	for _, m := range d.status().Modules {
		if m.Name == peering && m.SHA256 != e.SHA256 {
			t.Errorf("version %s, status has %s", e.SHA256, m.SHA256)
		}
	}
	i := slices.IndexFunc(e.Reads, func(f engine.Fact) bool { return f.Key == "config.cidrs" })
	if i < 0 || e.Reads[i].Value != "172.31.0.0/16" || e.Reads[i].From.Source != "sidecar of "+peering {
		t.Errorf("reads %+v", e.Reads)
	}
	if want := []engine.Element{{Map: e.Class, Element: "172.31.0.0/16 : goto e_" + strings.TrimPrefix(e.Class, "c_") + "/" + peering}}; !slices.Equal(e.Elements, want) {
		t.Errorf("elements %+v, want %+v", e.Elements, want)
	}
	e = d.explained("--from", "default/pod-a", "--to", "100.64.1.1")
	i = slices.IndexFunc(e.Reads, func(f engine.Fact) bool { return f.Key == "vpc.cidrs" })
	if i < 0 || e.Reads[i].From.Source != d.path("facts.yaml") || e.Reads[i].From.Success.IsZero() {
		t.Errorf("reads %+v", e.Reads)
	}

	if text := d.succeed("explain", "--from", "default/pod-a", "--to", "198.51.100.20"); !strings.Contains(text, "map "+e.Class+", no element: the last rule of the class") {
		t.Errorf("explain by the last rule:\n%s", text)
	}
	text := d.succeed("explain", "--from", "default/pod-a", "--to", "172.31.0.20")
	for _, want := range []string{"exclude, seen as 10.0.1.5", "10-peering.wasm", "config.cidrs = 172.31.0.0/16, from sidecar of 10-peering.wasm", "agrees", "peered VPC"} {
		if !strings.Contains(text, want) {
			t.Errorf("explain lacks %q:\n%s", want, text)
		}
	}
	for _, c := range []struct{ from, to, want string }{
		{"default/nobody", "198.51.100.20", `no pod "default/nobody"`},
		{"2001:db8::1", "198.51.100.20", "not an IPv4 address"},
		{"", "198.51.100.20", "from"},
		{strings.Repeat("x", 5000), "198.51.100.20", "no pod"},
		{"default/pod-a", "2001:db8::1", "not an IPv4 address"},
		{"default/pod-a", "", "to: missing, accepted: an IPv4 address"},
		{"default/pod-a", "no such host", "not an IPv4 address, nor a host name"},
	} {
		if _, stderr, err := d.output(nil, "explain", "--from", c.from, "--to", c.to); exitCode(err) != 1 || !strings.Contains(stderr, c.want) || len(stderr) > 1000 {
			t.Errorf("explain --from %.20q --to %q: %v, %s, want %q", c.from, c.to, err, stderr, c.want)
		}
	}
	if _, stderr, err := d.output(nil, "explain", "--from", "default/pod-a", "--to", "198.51.100.20", "--facts", "x"); exitCode(err) != 1 || !strings.Contains(stderr, "accepted with --at plan") {
		t.Errorf("--facts: %v, %s", err, stderr)
	}
}

// A host name is each of its addresses.
func TestExplainHostName(t *testing.T) {
	d := start(t)
	out := d.succeed("explain", "--from", "default/pod-a", "--to", "localhost", "-o", "json")
	var e engine.Explanation
	if err := json.Unmarshal([]byte(out), &e); err != nil || e.To != "127.0.0.1" || e.Never != "127.0.0.1 is an address of the node itself" {
		t.Errorf("%v: %s", err, out)
	}
}

// A Service's address is followed to where the rules lead it.
func TestExplainService(t *testing.T) {
	d := start(t)
	d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16, why: peered VPC}\n")
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	for service, c := range map[netip.Addr]struct {
		endpoint, seen netip.Addr
	}{
		lab.ServiceAddress:                    {lab.Internet, lab.NodePrimary},
		netip.MustParseAddr("172.20.77.1"):    {lab.Peered, lab.PodA},
		netip.MustParseAddr("198.51.100.200"): {lab.VPC, lab.PodA},
	} {
		if err := d.lab.AddService(service, c.endpoint); err != nil {
			t.Fatal(err)
		}
		e := d.explained("--from", "default/pod-a", "--to", service.String())
		if e.Service == nil || e.Service.Endpoint != c.endpoint.String() || len(e.Service.Endpoints) != 1 || e.Service.Endpoints[0].Told != "rules" ||
			e.Source != c.seen.String() || !e.Kernel.Agrees {
			t.Errorf("%s: %+v, %+v", service, e.Service, e)
		}
		d.see(d.lab.PodA, lab.TCP, service, c.seen)
	}
	if text := d.succeed("explain", "--from", "default/pod-a", "--to", "172.20.77.1"); !strings.HasPrefix(text, "default/pod-a -> 172.20.77.1, at 172.31.0.20: exclude, seen as 10.0.1.5\n") {
		t.Errorf("text:\n%s", text)
	}
	// The node itself is one too.
	local := netip.MustParseAddr("172.20.77.2")
	if err := d.lab.AddService(local, lab.NodePrimary); err != nil {
		t.Fatal(err)
	}
	if e := d.explained("--from", "default/pod-a", "--to", local.String()); e.Never != "10.0.0.10 is an address of the node itself" {
		t.Errorf("%+v", e)
	}
}

// Where the rules do not say it, live connections do.
func TestExplainServiceByConnections(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	d := start(t)
	service := "172.20.0.99"
	text := "table ip hidden { chain c { type nat hook prerouting priority dstnat; " +
		"meta mark 0x1 dnat to " + lab.Internet.String() + "; }; chain m { type filter hook prerouting priority mangle; ip daddr " + service + " meta mark set 0x1; }; }"
	if out, err := d.nft(text, "-f", "-"); err != nil {
		t.Fatal(err, out)
	}
	if e := d.explained("--from", "default/pod-a", "--to", service); e.Service != nil {
		t.Errorf("before: %+v", e.Service)
	}
	d.see(d.lab.PodA, lab.TCP, netip.MustParseAddr(service), lab.NodePrimary)
	held := d.open(d.lab.PodA, lab.TCP, netip.MustParseAddr(service))
	e := d.explained("--from", "default/pod-a", "--to", service)
	if e.Service == nil || e.Service.Endpoint != lab.Internet.String() || e.Service.Endpoints[0].Told != "connections" || e.Source != "10.0.0.10" {
		t.Errorf("%+v, %+v", e.Service, e)
	}
	held.check(t)
}

// Where another program translates too, the source is not for sure, which is said.
func TestExplainBesideAnother(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	d := prepare(t)
	text := "table ip other { chain c { type nat hook postrouting priority srcnat - 10; ip saddr 10.0.0.0/8 masquerade; }; }"
	if out, err := d.nft(text, "-f", "-"); err != nil {
		t.Fatal(err, out)
	}
	d.run()
	d.waitReady()
	d.wait("the warning", func() error {
		if len(d.status().Neighbours) == 0 {
			return errors.New("there is none")
		}
		return nil
	})
	d.see(d.lab.PodA, lab.TCP, lab.VPC, lab.NodePrimary)
	e := d.explained("--from", "default/pod-a", "--to", lab.VPC.String())
	if len(e.Notes) != 1 || !strings.HasPrefix(e.Notes[0], "another program may have its packets seen otherwise: chain ip other c translates traffic of pods") {
		t.Errorf("notes %q", e.Notes)
	}
}

// Packets that leave by an exempt interface keep their source.
func TestExplainExempt(t *testing.T) {
	d := start(t)
	err := d.lab.Node.Do(func() error {
		vlan := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "vlan7"}, PeerName: "branch7"}
		if err := d.lab.Node.Netlink().LinkAdd(vlan); err != nil {
			return err
		}
		if err := d.lab.Node.Netlink().LinkSetUp(vlan); err != nil {
			return err
		}
		return d.lab.Node.Netlink().RouteAdd(&netlink.Route{LinkIndex: vlan.Attrs().Index, Dst: ipNet(netip.MustParsePrefix("192.0.2.0/24")), Scope: netlink.SCOPE_LINK})
	})
	if err != nil {
		t.Fatal(err)
	}
	e := d.explained("--from", "default/pod-a", "--to", "192.0.2.1")
	if e.Never != "the packets leave by vlan7, where nothing is translated" || e.Action != "exclude" || e.Source != "10.0.1.5" || e.Module != engine.DefaultModule {
		t.Errorf("%+v", e)
	}
}

// Packets to where there is no way never leave.
func TestExplainUnreachable(t *testing.T) {
	d := start(t)
	err := d.lab.Node.Do(func() error {
		return d.lab.Node.Netlink().RouteAdd(&netlink.Route{Dst: ipNet(netip.MustParsePrefix("192.0.2.0/24")), Type: unix.RTN_UNREACHABLE})
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := d.explained("--from", "default/pod-a", "--to", "192.0.2.1"); e.Never != "the node has no route to 192.0.2.1" || e.Action != "exclude" {
		t.Errorf("%+v", e)
	}
}

// What is not in force yet is explained from the files, as it is explained once it is.
func TestExplainAtPlan(t *testing.T) {
	d := start(t)
	d.waitLoaded()
	question := []string{"--from", "default/pod-a", "--to", lab.Peered.String()}
	now := d.explained(question...)
	other := d.path("other.d")
	wasm, err := os.ReadFile("../examples/built/exclude-cidrs.wasm")
	if err == nil {
		err = os.Mkdir(other, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.write("other.d/10-peering.wasm", string(wasm))
	d.write("other.d/10-peering.yaml", "config: {cidrs: 172.31.0.0/16, why: peered VPC}\n")
	planned := d.explained(append(question, "--at", "plan", "--policies", other)...)
	if planned.Kernel != nil || planned.Module != "10-peering.wasm" || planned.Action != "exclude" || now.Action != "translate" {
		t.Errorf("now %+v\nplanned %+v", now, planned)
	}
	if again := d.explained(question...); sayings(again) != sayings(now) {
		t.Errorf("explaining a plan changed what is: %+v", again)
	}
	d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16, why: peered VPC}\n")
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	then := d.explained(question...)
	if sayings(then) != sayings(planned) || then.SHA256 != planned.SHA256 || then.Class != planned.Class || !slices.Equal(then.Elements, planned.Elements) {
		t.Errorf("then %+v\nplanned %+v", then, planned)
	}
}
