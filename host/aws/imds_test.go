package aws_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/fake"
	"github.com/snatd/snatd/host/aws/imdstest"
	"github.com/snatd/snatd/host/facts"
)

func TestInstance(t *testing.T) {
	t.Parallel()
	server := imdstest.Start(t)
	server.Set(imdstest.Node(
		imdstest.Interface{
			MAC: "02:00:00:00:00:09", Device: "0", Card: "0", Subnet: "10.0.0.0/24",
			Addresses: imdstest.Lines("10.0.0.20", "10.0.0.30", "10.0.0.9", "10.0.0.9"),
			Prefixes:  imdstest.Lines("10.0.0.224/28", "10.0.0.128/28"),
			VPC:       imdstest.Lines("100.64.0.0/16", "10.0.0.0/16"),
			SubnetID:  "subnet-0a1b2c3d", VPCID: "vpc-0123456789abcdef1",
		},
		// Device numbers are unique on a card only.
		imdstest.Interface{MAC: "02:00:00:00:00:01", Device: "0", Card: "1", Subnet: "10.0.1.0/24", Addresses: "10.0.1.10", VPC: "10.0.0.0/16"},
		// For EFA alone: without addresses, but in a subnet.
		imdstest.Interface{MAC: "02:00:00:00:00:02", Device: "0", Card: "2", Subnet: "10.0.2.0/24"},
		// For IPv6 alone.
		imdstest.Interface{MAC: "02:00:00:00:00:03", Device: "1", Card: "0"},
	))
	s := follow(t, server, aws.Options{})
	instance, provenance := await(t, s, "an instance", known)
	want := &aws.Instance{
		Region: "eu-west-1", Zone: "eu-west-1a", ID: "i-0123456789abcdef0", Type: "m5.large",
		PrimaryMAC: "02:00:00:00:00:09",
		SubnetID:   "subnet-0a1b2c3d", VPCID: "vpc-0123456789abcdef1",
		VPCCIDRs: prefixes("10.0.0.0/16", "100.64.0.0/16"),
		Interfaces: []aws.Interface{
			{
				MAC: "02:00:00:00:00:09", SubnetCIDR: netip.MustParsePrefix("10.0.0.0/24"),
				Addresses: addrs("10.0.0.20", "10.0.0.9", "10.0.0.30"),
				Prefixes:  prefixes("10.0.0.128/28", "10.0.0.224/28"),
			},
			{MAC: "02:00:00:00:00:03", Device: 1},
			{MAC: "02:00:00:00:00:01", Card: 1, SubnetCIDR: netip.MustParsePrefix("10.0.1.0/24"), Addresses: addrs("10.0.1.10")},
			{MAC: "02:00:00:00:00:02", Card: 2, SubnetCIDR: netip.MustParsePrefix("10.0.2.0/24")},
		},
	}
	if diff := cmp.Diff(want, instance, cmp.Comparer(samePrefix), cmp.Comparer(sameAddr)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if p := provenance; p.Source != "imds" || p.Success.IsZero() || !p.Failure.IsZero() || !p.Next.After(p.Success) {
		t.Errorf("provenance %+v", p)
	}
}

// Another instance is told, and the same one is not.
func TestInstanceChanges(t *testing.T) {
	t.Parallel()
	server := serve(t)
	s := follow(t, server, aws.Options{})
	before, first := await(t, s, "an instance", known)
	s.Refresh()
	poll(t, "a second look", func() bool {
		_, second := s.Latest()
		return second.Success.After(first.Success)
	})
	if after, _ := s.Latest(); after != before {
		t.Errorf("%p is now %p", before, after)
	}
	server.Set(map[string]string{imdstest.MACs + primary + "/vpc-ipv4-cidr-blocks": imdstest.Lines("10.0.0.0/16", "10.1.0.0/16")})
	s.Refresh()
	after, _ := await(t, s, "the CIDR that was added", func(i *aws.Instance, _ facts.Provenance) bool { return i != before })
	if diff := cmp.Diff(prefixes("10.0.0.0/16", "10.1.0.0/16"), after.VPCCIDRs, cmp.Comparer(samePrefix)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A look asks for each value once, and for one token.
func TestRequestsOfLook(t *testing.T) {
	t.Parallel()
	server := serve(t)
	await(t, follow(t, server, aws.Options{}), "an instance", known)
	if token, all := server.Requests("api/token"), server.Requests(""); token != 1 || all != 17 {
		t.Errorf("%d requests, of which %d for a token", all, token)
	}
}

// A look that hangs does not hold up the end of the daemon: the cleanup of follow
// waits for Run.
func TestRunEnds(t *testing.T) {
	t.Parallel()
	server := serve(t)
	server.Fail("", fake.Stall)
	follow(t, server, aws.Options{Timeout: time.Hour})
	poll(t, "a request", func() bool { return server.Requests("") == 1 })
}

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

func addrs(texts ...string) []netip.Addr {
	list := make([]netip.Addr, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParseAddr(text)
	}
	return list
}

func samePrefix(a, b netip.Prefix) bool { return a == b }
func sameAddr(a, b netip.Addr) bool     { return a == b }
