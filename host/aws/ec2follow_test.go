package aws_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/ec2test"
	"github.com/snatd/snatd/host/facts"
)

const (
	subnet = "subnet-0123456789abcdef0"
	vpc    = "vpc-0123456789abcdef0"
	table  = "rtb-0123456789abcdef0"
	other  = "vpc-0123456789abcdef1"

	// office and endpoint are prefix lists: one of the operator's, and that of a
	// gateway endpoint.
	office   = "pl-0123456789abcdef0"
	endpoint = "pl-6da54004"
	peering  = "pcx-0123456789abcdef0"
)

// network is what there is in these tests.
func network() ec2test.Network {
	return ec2test.Network{
		RouteTables: []ec2test.RouteTable{{
			ID: table, VPC: vpc, Associations: []ec2test.Association{{Subnet: subnet}},
			Routes: []ec2test.Route{
				{CIDR: "10.0.0.0/16", Gateway: "local", Origin: "CreateRouteTable"},
				{CIDR: "0.0.0.0/0", NAT: "nat-0123456789abcdef0"},
			},
		}},
		PrefixLists: []ec2test.PrefixList{
			{ID: office, Name: "office", Entries: ec2test.Entries("192.0.2.0/24", "198.51.100.0/24")},
			{ID: endpoint, Name: "com.amazonaws.eu-west-1.s3", Entries: ec2test.Entries("52.218.0.0/17", "3.5.64.0/21")},
		},
		Peerings: []ec2test.Peering{{
			ID:        peering,
			Requester: &ec2test.Side{VPC: vpc, CIDR: "10.0.0.0/16", CIDRs: ec2test.Blocks("10.0.0.0/16")},
			Accepter:  &ec2test.Side{VPC: other, CIDR: "10.1.0.0/16", CIDRs: ec2test.Blocks("10.2.0.0/16", "10.1.0.0/16")},
		}},
	}
}

// withList is that, with an active route to a prefix list.
func withList() ec2test.Network {
	is := network()
	is.RouteTables[0].Routes = append(is.RouteTables[0].Routes, ec2test.Route{PrefixList: endpoint, Gateway: "vpce-0123456789abcdef0"})
	return is
}

// want is what that says, without prefix lists.
func want() *aws.Network {
	return &aws.Network{
		Routes:   routes("0.0.0.0/0", "nat-0123456789abcdef0", "10.0.0.0/16", "local"),
		Peerings: []facts.Peering{{ID: peering, CIDRs: prefixes("10.1.0.0/16", "10.2.0.0/16")}},
	}
}

// routes are CIDRs and targets in turn.
func routes(texts ...string) []facts.Route {
	var list []facts.Route
	for i := 0; i < len(texts); i += 2 {
		list = append(list, facts.Route{CIDR: prefixes(texts[i])[0], Target: texts[i+1]})
	}
	return list
}

// offer starts a fake with what there is in these tests.
func offer(t *testing.T) *ec2test.Server {
	t.Helper()
	server := ec2test.Start(t)
	server.Set(network())
	return server
}

// ask makes a follower of a fake. It looks again only when asked, unless the
// options say otherwise.
func ask(t *testing.T, server *ec2test.Server, options aws.EC2Options) *aws.EC2 {
	t.Helper()
	options.Region, options.SubnetID, options.VPCID = "eu-west-1", subnet, vpc
	options.Endpoint = server.URL()
	if options.Interval == 0 {
		options.Interval = time.Hour
	}
	s, err := aws.NewEC2(options)
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	return s
}

// cidrs are as many CIDRs, ascending.
func cidrs(number int) []string {
	list := make([]string, number)
	for i := range list {
		list[i] = fmt.Sprintf("11.%d.%d.0/24", i/256, i%256)
	}
	return list
}

func byCIDR(a, b facts.Route) int { return a.CIDR.Compare(b.CIDR) }
