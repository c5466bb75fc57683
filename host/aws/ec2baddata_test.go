package aws_test

import (
	"strings"
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
	entry := func(cidr string) func(*ec2test.Network) {
		return func(n *ec2test.Network) {
			n.PrefixLists[0].Entries = append(n.PrefixLists[0].Entries, ec2test.Entries(cidr)...)
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
			`DescribeManagedPrefixLists: InvalidPrefixListID.NotFound: The prefix list ID 'pl-0123456789abcdef9' does not exist`},
		{"no target of a route to a prefix list", route(ec2test.Route{PrefixList: endpoint}),
			`DescribeRouteTables: rtb-0123456789abcdef0: pl-6da54004: target: there is none, accepted: a gateway, an interface, a peering connection or the like`},
		{"too many routes", func(n *ec2test.Network) {
			for _, cidr := range cidrs(10001) {
				n.RouteTables[0].Routes = append(n.RouteTables[0].Routes, ec2test.Route{CIDR: cidr, Gateway: igw})
			}
		}, `DescribeRouteTables: more than 10000 routes, entries and CIDRs in all`},

		{"unknown prefix list", func(n *ec2test.Network) { n.PrefixLists = n.PrefixLists[1:] },
			`DescribeManagedPrefixLists: InvalidPrefixListID.NotFound: The prefix list ID 'pl-0123456789abcdef0' does not exist`},
		{"unknown name", func(n *ec2test.Network) { n.PrefixLists[1].Name = "s3" },
			`DescribeManagedPrefixLists: there is no prefix list with the name "com.amazonaws.eu-west-1.s3"`},
		{"name in another spelling", func(n *ec2test.Network) { n.PrefixLists[1].Name = "com.amazonaws.eu-west-1.S3" },
			`DescribeManagedPrefixLists: there is no prefix list with the name "com.amazonaws.eu-west-1.s3"`},
		{"name of two", func(n *ec2test.Network) { n.PrefixLists[0].Name = n.PrefixLists[1].Name },
			`DescribeManagedPrefixLists: pl-0123456789abcdef0 and pl-6da54004 have the name "com.amazonaws.eu-west-1.s3", accepted: an ID`},
		{"prefix list without an ID", func(n *ec2test.Network) { n.PrefixLists[1].ID = "" },
			`DescribeManagedPrefixLists: prefixListId: "" is not an ID, accepted: such as pl-0123456789abcdef0`},
		{"prefix list for IPv6", func(n *ec2test.Network) { n.PrefixLists[0].Family = "IPv6" },
			`DescribeManagedPrefixLists: pl-0123456789abcdef0: addressFamily IPv6, accepted: IPv4`},
		{"unknown family", func(n *ec2test.Network) { n.PrefixLists[0].Family = "IPX" },
			`DescribeManagedPrefixLists: pl-0123456789abcdef0: addressFamily "IPX", accepted: IPv4, IPv6`},
		{"entry that is none", entry("office"),
			`GetManagedPrefixListEntries: pl-0123456789abcdef0: cidr: "office" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"empty entry", entry(""),
			`GetManagedPrefixListEntries: pl-0123456789abcdef0: cidr: "" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"IPv6 entry", entry("2001:db8::/32"),
			`GetManagedPrefixListEntries: pl-0123456789abcdef0: cidr: "2001:db8::/32" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"entry with host bits", entry("192.0.2.1/24"),
			`GetManagedPrefixListEntries: pl-0123456789abcdef0: cidr: "192.0.2.1/24" has host bits set, accepted: 192.0.2.0/24`},
		{"too many entries", func(n *ec2test.Network) { n.PrefixLists[0].Entries = ec2test.Entries(cidrs(10001)...) },
			`GetManagedPrefixListEntries: more than 10000 routes, entries and CIDRs in all`},
		{"an answer too long", func(n *ec2test.Network) { n.PrefixLists[0].Name = strings.Repeat("x", 5<<20) },
			`DescribeManagedPrefixLists: longer than 4194304 bytes`},

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
			server := offer(t)
			s := ask(t, server, aws.EC2Options{PrefixLists: []string{office, "com.amazonaws.eu-west-1.s3"}})
			before, _ := await(t, s, "the network", known)
			is := network()
			c.change(&is)
			server.Set(is)
			s.Refresh()
			after, provenance := await(t, s, "an error", failing)
			if want := "ec2: " + c.error; provenance.Error != want {
				t.Errorf("got  %s\nwant %s", provenance.Error, want)
			}
			if before != after {
				t.Errorf("the last good network is replaced by %+v", after)
			}
		})
	}
}
