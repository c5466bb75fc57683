package aws_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/ec2test"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	const propagated = "EnableVgwRoutePropagation"
	const igw, vgw, eni = "igw-0123456789abcdef0", "vgw-0123456789abcdef0", "eni-0123456789abcdef0"
	const arn = "arn:aws:networkmanager::123456789012:core-network/core-network-0123456789abcdef0"
	local := ec2test.Route{CIDR: "10.0.0.0/16", Gateway: "local", Origin: "CreateRouteTable"}
	for _, c := range []struct {
		name   string
		routes []ec2test.Route
		want   []string // CIDRs and targets in turn
	}{
		{"all targets", []ec2test.Route{
			{CIDR: "20.11.0.0/16", EgressOnlyGateway: "eigw-1"}, // only IPv6 has them, but it is said as it is
			{CIDR: "20.10.0.0/16", ODBNetwork: "arn:aws:odb:eu-west-1:123456789012:odb-network/odbnet_1"},
			{CIDR: "20.9.0.0/16", CoreNetwork: arn},
			{CIDR: "20.8.0.0/16", CarrierGateway: "cagw-1"},
			{CIDR: "20.7.0.0/16", LocalGateway: "lgw-1"},
			{CIDR: "20.6.0.0/16", Interface: eni, Instance: "i-0123456789abcdef0"},
			{CIDR: "20.5.0.0/16", Interface: eni},
			{CIDR: "20.4.0.0/16", Peering: peering},
			{CIDR: "20.3.0.0/16", TransitGateway: "tgw-0123456789abcdef0"},
			{CIDR: "20.2.0.0/16", NAT: "nat-0123456789abcdef0"},
			{CIDR: "20.1.0.0/16", Gateway: vgw},
			{CIDR: "20.0.0.0/16", Gateway: "vpce-0123456789abcdef0"},
		}, []string{
			"20.0.0.0/16", "vpce-0123456789abcdef0", "20.1.0.0/16", vgw, "20.2.0.0/16", "nat-0123456789abcdef0",
			"20.3.0.0/16", "tgw-0123456789abcdef0", "20.4.0.0/16", peering, "20.5.0.0/16", eni, "20.6.0.0/16", eni,
			"20.7.0.0/16", "lgw-1", "20.8.0.0/16", "cagw-1", "20.9.0.0/16", arn,
			"20.10.0.0/16", "arn:aws:odb:eu-west-1:123456789012:odb-network/odbnet_1", "20.11.0.0/16", "eigw-1",
		}},
		{"blackhole", []ec2test.Route{{CIDR: "0.0.0.0/0", NAT: "nat-0123456789abcdef0", State: "blackhole"}},
			[]string{"0.0.0.0/0", "blackhole"}},
		{"blackhole without a target", []ec2test.Route{{CIDR: "0.0.0.0/0", State: "blackhole"}},
			[]string{"0.0.0.0/0", "blackhole"}},
		{"filtered", []ec2test.Route{{CIDR: "20.0.0.0/16", Interface: eni, State: "filtered", Origin: "Advertisement"}}, nil},
		{"IPv6", []ec2test.Route{{IPv6CIDR: "::/0", EgressOnlyGateway: "eigw-0123456789abcdef0"}, {IPv6CIDR: "2600:1f13::/56", Gateway: "local"}}, nil},

		{"prefix list", []ec2test.Route{{PrefixList: endpoint, Gateway: "vpce-0123456789abcdef0"}},
			[]string{"3.5.64.0/21", "vpce-0123456789abcdef0", "52.218.0.0/17", "vpce-0123456789abcdef0"}},
		{"prefix list, blackhole", []ec2test.Route{{PrefixList: endpoint, TransitGateway: "tgw-1", State: "blackhole"}},
			nil},
		{"unknown prefix lists, blackhole and filtered", []ec2test.Route{
			{PrefixList: "pl-0123456789abcdef8", TransitGateway: "tgw-1", State: "blackhole"},
			{PrefixList: "pl-0123456789abcdef9", Interface: eni, State: "filtered", Origin: "Advertisement"},
		}, nil},
		{"prefix list for IPv6", []ec2test.Route{{PrefixList: "pl-0123456789abcdef6", Gateway: vgw}}, nil},

		{"CIDR before prefix list", []ec2test.Route{{PrefixList: office, Gateway: vgw}, {CIDR: "192.0.2.0/24", Gateway: igw}},
			[]string{"192.0.2.0/24", igw, "198.51.100.0/24", vgw}},
		{"prefix list before propagated", []ec2test.Route{{CIDR: "192.0.2.0/24", Gateway: vgw, Origin: propagated}, {PrefixList: office, Gateway: igw}},
			[]string{"192.0.2.0/24", igw, "198.51.100.0/24", igw}},
		{"static before propagated", []ec2test.Route{{CIDR: "20.0.0.0/16", Gateway: "vgw-0"}, {CIDR: "20.0.0.0/16", Gateway: igw, Origin: propagated}},
			[]string{"20.0.0.0/16", "vgw-0"}},
		{"static before advertised", []ec2test.Route{{CIDR: "20.0.0.0/16", Interface: eni, Origin: "Advertisement"}, {CIDR: "20.0.0.0/16", Gateway: igw}},
			[]string{"20.0.0.0/16", igw}},
		{"propagated twice", []ec2test.Route{{CIDR: "20.0.0.0/16", Gateway: "vgw-2", Origin: propagated}, {CIDR: "20.0.0.0/16", Gateway: "vgw-1", Origin: propagated}},
			[]string{"20.0.0.0/16", "vgw-1"}},
		{"in two prefix lists", []ec2test.Route{{PrefixList: office, Gateway: "vgw-2"}, {PrefixList: "pl-0123456789abcdef1", Gateway: "vgw-1"}},
			[]string{"192.0.2.0/24", "vgw-1", "198.51.100.0/24", "vgw-2"}},
		{"propagated inside of the VPC", []ec2test.Route{
			{CIDR: "10.0.128.0/17", Gateway: vgw, Origin: propagated}, {CIDR: "10.0.0.0/15", Gateway: vgw, Origin: propagated},
		}, []string{"10.0.0.0/15", vgw}},
		{"static inside of the VPC", []ec2test.Route{{CIDR: "10.0.128.0/17", Interface: eni}},
			[]string{"10.0.128.0/17", eni}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			is := network()
			is.PrefixLists = append(is.PrefixLists,
				ec2test.PrefixList{ID: "pl-0123456789abcdef6", Family: "IPv6", Entries: ec2test.Entries("2001:db8::/32")},
				ec2test.PrefixList{ID: "pl-0123456789abcdef1", Entries: ec2test.Entries("192.0.2.0/24")})
			expected := routes(append(c.want, "10.0.0.0/16", "local")...)
			slices.SortFunc(expected, byCIDR)
			server := ec2test.Start(t)
			// In any order.
			for _, list := range [][]ec2test.Route{append([]ec2test.Route{local}, c.routes...), append(slices.Clone(c.routes), local)} {
				is.RouteTables[0].Routes = list
				server.Set(is)
				got, _ := await(t, ask(t, server, aws.EC2Options{}), "the network", known)
				if diff := cmp.Diff(expected, got.Routes, cmp.Comparer(samePrefix)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				slices.Reverse(c.routes)
			}
		})
	}
}
