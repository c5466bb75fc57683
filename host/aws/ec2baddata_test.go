package aws_test

import (
	"testing"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/ec2test"
)

func TestBadNetwork(t *testing.T) {
	t.Parallel()
	const igw = "igw-0123456789abcdef0"
	route := func(r ec2test.Route) func(*ec2test.Network) {
		return func(n *ec2test.Network) { n.RouteTables[0].Routes = append(n.RouteTables[0].Routes, r) }
	}
	list := func(change func(*ec2test.PrefixList)) func(*ec2test.Network) {
		return func(n *ec2test.Network) {
			route(ec2test.Route{PrefixList: office, Gateway: igw})(n)
			change(&n.PrefixLists[0])
		}
	}
	accepter := func(s *ec2test.Side) func(*ec2test.Network) {
		return func(n *ec2test.Network) { n.Peerings[0].Accepter = s }
	}
	for _, c := range []struct {
		name   string
		change func(*ec2test.Network)
		error  string
	}{
		{"no route table", func(n *ec2test.Network) { n.RouteTables = nil },
			`DescribeRouteTables: 0 route tables for subnet-0123456789abcdef0 in vpc-0123456789abcdef0, accepted: one`},
		{"two route tables", func(n *ec2test.Network) { n.RouteTables = append(n.RouteTables, n.RouteTables[0]) },
			`DescribeRouteTables: 2 route tables for subnet-0123456789abcdef0 in vpc-0123456789abcdef0, accepted: one`},
		{"route table without an ID", func(n *ec2test.Network) { n.RouteTables[0].ID = "" },
			`DescribeRouteTables: routeTableId: "" is not an ID, accepted: such as rtb-0123456789abcdef0`},
		{"route table of another VPC", func(n *ec2test.Network) { n.RouteTables[0].VPC = other },
			`DescribeRouteTables: rtb-0123456789abcdef0: vpcId: "vpc-0123456789abcdef1", accepted: vpc-0123456789abcdef0`},
		{"no route", func(n *ec2test.Network) { n.RouteTables[0].Routes = nil },
			`DescribeRouteTables: rtb-0123456789abcdef0: routeSet: no IPv4 route, accepted: at least the local one`},
		{"route without a destination", route(ec2test.Route{Gateway: igw}),
			`DescribeRouteTables: rtb-0123456789abcdef0: routeSet: a route without destinationCidrBlock, destinationIpv6CidrBlock and destinationPrefixListId, accepted: one of them`},
		{"destination that is none", route(ec2test.Route{CIDR: "10.1.0.0", Gateway: igw}),
			`DescribeRouteTables: rtb-0123456789abcdef0: destinationCidrBlock: "10.1.0.0" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"destination with host bits", route(ec2test.Route{CIDR: "10.1.0.1/16", Gateway: igw}),
			`DescribeRouteTables: rtb-0123456789abcdef0: destinationCidrBlock: "10.1.0.1/16" has host bits set, accepted: 10.1.0.0/16`},
		{"IPv6 destination", route(ec2test.Route{CIDR: "2600:1f13::/56", Gateway: igw}),
			`DescribeRouteTables: rtb-0123456789abcdef0: destinationCidrBlock: "2600:1f13::/56" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"no target", route(ec2test.Route{CIDR: "20.0.0.0/16"}),
			`DescribeRouteTables: rtb-0123456789abcdef0: 20.0.0.0/16: target: there is none, accepted: a gateway, an interface, a peering connection or the like`},
		{"target that is none", route(ec2test.Route{CIDR: "20.0.0.0/16", Gateway: "igw 1\n"}),
			`DescribeRouteTables: rtb-0123456789abcdef0: 20.0.0.0/16: target: "igw 1\n", accepted: an ID or an ARN`},
		{"target like a blackhole", route(ec2test.Route{CIDR: "20.0.0.0/16", Gateway: "blackhole"}),
			`DescribeRouteTables: rtb-0123456789abcdef0: 20.0.0.0/16: target: "blackhole", accepted: an ID or an ARN`},
		{"state that is none", route(ec2test.Route{CIDR: "20.0.0.0/16", Gateway: igw, State: "asleep"}),
			`DescribeRouteTables: rtb-0123456789abcdef0: 20.0.0.0/16: state: "asleep", accepted: active, blackhole, filtered`},
		{"route to an unknown prefix list", route(ec2test.Route{PrefixList: "pl-0123456789abcdef9", Gateway: igw}),
			`DescribeManagedPrefixLists: there is no prefix list "pl-0123456789abcdef9"`},
		{"route to a prefix list of an unknown family", list(func(l *ec2test.PrefixList) { l.Family = "IPX" }),
			`DescribeManagedPrefixLists: pl-0123456789abcdef0: addressFamily "IPX", accepted: IPv4, IPv6`},
		{"route to a prefix list with an entry that is none", list(func(l *ec2test.PrefixList) { l.Entries = ec2test.Entries("192.0.2.0/24", "x") }),
			`GetManagedPrefixListEntries: pl-0123456789abcdef0: cidr: "x" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"no target of a route to a prefix list", route(ec2test.Route{PrefixList: endpoint}),
			`DescribeRouteTables: rtb-0123456789abcdef0: pl-6da54004: target: there is none, accepted: a gateway, an interface, a peering connection or the like`},
		{"too many routes", func(n *ec2test.Network) {
			for _, cidr := range cidrs(10001) {
				n.RouteTables[0].Routes = append(n.RouteTables[0].Routes, ec2test.Route{CIDR: cidr, Gateway: igw})
			}
		}, `DescribeRouteTables: more than 10000 routes, entries and CIDRs in all`},
		{"more routes than a module can read", func(n *ec2test.Network) {
			for _, cidr := range cidrs(1000) {
				n.RouteTables[0].Routes = append(n.RouteTables[0].Routes, ec2test.Route{CIDR: cidr, Gateway: igw})
			}
			list(func(l *ec2test.PrefixList) { l.Entries = ec2test.Entries(cidrs(3000)[1:]...) })(n)
		}, `DescribeRouteTables: rtb-0123456789abcdef0: routeSet: 3002 IPv4 routes with those to the entries of prefix lists, accepted: at most 3000`},

		{"peering without an ID", func(n *ec2test.Network) { n.Peerings[0].ID = "" },
			`DescribeVpcPeeringConnections: vpcPeeringConnectionId: "" is not an ID, accepted: such as pcx-0123456789abcdef0`},
		{"peering with nobody", accepter(nil),
			`DescribeVpcPeeringConnections: pcx-0123456789abcdef0: accepterVpcInfo: cidrBlockSet: empty, accepted: at least one IPv4 CIDR, such as 10.0.0.0/16`},
		{"peering without CIDRs", accepter(&ec2test.Side{VPC: other}),
			`DescribeVpcPeeringConnections: pcx-0123456789abcdef0: accepterVpcInfo: cidrBlockSet: empty, accepted: at least one IPv4 CIDR, such as 10.0.0.0/16`},
		{"peering with an empty CIDR", accepter(&ec2test.Side{VPC: other, CIDRs: ec2test.Blocks("")}),
			`DescribeVpcPeeringConnections: pcx-0123456789abcdef0: accepterVpcInfo: cidrBlock: "" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"peering with IPv6", accepter(&ec2test.Side{VPC: other, CIDRs: ec2test.Blocks("10.1.0.0/16", "2600:1f13::/56")}),
			`DescribeVpcPeeringConnections: pcx-0123456789abcdef0: accepterVpcInfo: cidrBlock: "2600:1f13::/56" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"peering accepted, with host bits", func(n *ec2test.Network) {
			n.Peerings[0].Accepter, n.Peerings[0].Requester = n.Peerings[0].Requester, &ec2test.Side{VPC: other, CIDR: "10.1.0.1/16"}
		}, `DescribeVpcPeeringConnections: pcx-0123456789abcdef0: requesterVpcInfo: cidrBlock: "10.1.0.1/16" has host bits set, accepted: 10.1.0.0/16`},
		{"too many CIDRs", accepter(&ec2test.Side{VPC: other, CIDRs: ec2test.Blocks(cidrs(10001)...)}),
			`DescribeVpcPeeringConnections: more than 10000 routes, entries and CIDRs in all`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := ec2test.Start(t)
			is := network()
			c.change(&is)
			server.Set(is)
			network, provenance := await(t, ask(t, server, aws.EC2Options{}), "an error", failing)
			if want := "ec2: " + c.error; provenance.Error != want {
				t.Errorf("got  %s\nwant %s", provenance.Error, want)
			}
			if network != nil {
				t.Errorf("there is %+v nevertheless", network)
			}
		})
	}
}
