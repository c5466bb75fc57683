package aws_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/ec2test"
	"github.com/snatd/snatd/host/facts"
)

func TestNetwork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		lists  []string
		change func(*ec2test.Network)
		expect func(*aws.Network)
	}{
		{"as it is", nil, nil, nil},
		{"prefix list by ID", []string{office}, nil,
			func(n *aws.Network) { n.PrefixLists = []facts.PrefixList{officeList} }},
		{"prefix list by name", []string{s3}, nil,
			func(n *aws.Network) { n.PrefixLists = []facts.PrefixList{s3List} }},
		{"prefix lists by ID and name, one by both", []string{endpoint, "office", office}, nil,
			func(n *aws.Network) { n.PrefixLists = []facts.PrefixList{officeList, s3List} }},
		{"prefix list whose name has wildcards", []string{`off*e?\`},
			func(n *ec2test.Network) { n.PrefixLists[1].Name = `off*e?\` },
			func(n *aws.Network) {
				n.PrefixLists = []facts.PrefixList{{ID: endpoint, Name: `off*e?\`, CIDRs: s3List.CIDRs}}
			}},
		{"empty prefix list", []string{office},
			func(n *ec2test.Network) { n.PrefixLists[0].Entries = nil },
			func(n *aws.Network) { n.PrefixLists = []facts.PrefixList{{ID: office, Name: "office"}} }},
		{"prefix list that is a destination too", []string{s3},
			func(n *ec2test.Network) { *n = withList() },
			func(n *aws.Network) {
				n.Routes = routes("0.0.0.0/0", "nat-0123456789abcdef0", "3.5.64.0/21", "vpce-0123456789abcdef0", "10.0.0.0/16", "local", "52.218.0.0/17", "vpce-0123456789abcdef0")
				n.PrefixLists = []facts.PrefixList{s3List}
			}},
		{"prefix list with an entry twice", []string{office},
			func(n *ec2test.Network) {
				n.PrefixLists[0].Entries = ec2test.Entries("198.51.100.0/24", "192.0.2.0/24", "198.51.100.0/24")
			},
			func(n *aws.Network) { n.PrefixLists = []facts.PrefixList{officeList} }},

		{"main route table",
			nil,
			func(n *ec2test.Network) {
				n.RouteTables = []ec2test.RouteTable{
					{ID: "rtb-0123456789abcdef1", VPC: other, Associations: []ec2test.Association{{Main: true}}},
					{ID: "rtb-0123456789abcdef2", VPC: vpc, Associations: []ec2test.Association{{Subnet: "subnet-0123456789abcdef1"}}},
					{ID: table, VPC: vpc, Associations: []ec2test.Association{{Main: true}}, Routes: n.RouteTables[0].Routes},
				}
			}, nil},
		{"table of the subnet before the main one", nil,
			func(n *ec2test.Network) {
				n.RouteTables = append(n.RouteTables, ec2test.RouteTable{
					ID: "rtb-0123456789abcdef1", VPC: vpc, Associations: []ec2test.Association{{Main: true}},
					Routes: []ec2test.Route{{CIDR: "10.0.0.0/16", Gateway: "local"}},
				})
			}, nil},

		{"peering accepted", nil,
			func(n *ec2test.Network) {
				p := &n.Peerings[0]
				p.Requester, p.Accepter = p.Accepter, p.Requester
			}, nil},
		{"peerings both ways, active or not, ours or not", nil,
			func(n *ec2test.Network) {
				ours, theirs := n.Peerings[0].Requester, n.Peerings[0].Accepter
				n.Peerings = []ec2test.Peering{
					{ID: "pcx-0123456789abcdef3", Requester: theirs, Accepter: &ec2test.Side{VPC: "vpc-0123456789abcdef2", CIDR: "10.3.0.0/16"}},
					{ID: "pcx-0123456789abcdef2", Requester: ours, Accepter: theirs, State: "pending-acceptance"},
					{ID: "pcx-0123456789abcdef1", Requester: ours, Accepter: &ec2test.Side{VPC: other, CIDR: "10.4.0.0/16"}},
					{ID: peering, Requester: theirs, Accepter: ours},
				}
			},
			func(n *aws.Network) {
				n.Peerings = append(n.Peerings, facts.Peering{ID: "pcx-0123456789abcdef1", CIDRs: prefixes("10.4.0.0/16")})
			}},
		{"no peering", nil,
			func(n *ec2test.Network) { n.Peerings = nil },
			func(n *aws.Network) { n.Peerings = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			is, expected := network(), want()
			if c.change != nil {
				c.change(&is)
			}
			if c.expect != nil {
				c.expect(expected)
			}
			server := ec2test.Start(t)
			server.Set(is)
			got, p := await(t, ask(t, server, aws.EC2Options{PrefixLists: c.lists}), "the network", known)
			if diff := cmp.Diff(expected, got, cmp.Comparer(samePrefix)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if p.Source != "ec2" || p.Success.IsZero() || !p.Failure.IsZero() || !p.Next.After(p.Success) {
				t.Errorf("provenance %+v", p)
			}
		})
	}
}

// A look asks for no more than what is wanted.
func TestRequests(t *testing.T) {
	t.Parallel()
	server := offer(t)
	await(t, ask(t, server, aws.EC2Options{}), "the network", known)
	for action, want := range map[string]int{
		ec2test.RouteTables: 1, ec2test.Peerings: 2, ec2test.PrefixLists: 0, ec2test.PrefixListEntries: 0,
	} {
		if got := server.Requests(action); got != want {
			t.Errorf("%d requests for %s, want %d", got, action, want)
		}
	}
	// One of each for a prefix list, for which the route's is read once.
	server = ec2test.Start(t)
	server.Set(withList())
	await(t, ask(t, server, aws.EC2Options{PrefixLists: []string{endpoint}}), "the network", known)
	for action, want := range map[string]int{ec2test.PrefixLists: 1, ec2test.PrefixListEntries: 1} {
		if got := server.Requests(action); got != want {
			t.Errorf("%d requests for %s, want %d", got, action, want)
		}
	}
	// Whatever AWS_REGION says.
	if got := server.Region(); got != "eu-west-1" {
		t.Errorf("asks the region %s", got)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	entries := cidrs(450)
	is := network()
	is.PrefixLists[0].Entries = ec2test.Entries(entries...)
	is.Peerings = nil
	var peerings []facts.Peering
	for i, cidr := range entries[:25] {
		p := facts.Peering{ID: "pcx-0123456789abcde" + string(rune('a'+i/16)) + string("0123456789abcdef"[i%16]), CIDRs: prefixes(cidr)}
		peerings = append(peerings, p)
		is.Peerings = append(is.Peerings, ec2test.Peering{ID: p.ID, Requester: &ec2test.Side{VPC: vpc}, Accepter: &ec2test.Side{VPC: other, CIDR: cidr}})
	}
	server := ec2test.Start(t)
	server.Set(is)
	server.SetPageSize(10)
	got, _ := await(t, ask(t, server, aws.EC2Options{PrefixLists: []string{office}}), "the network", known)
	want := []facts.PrefixList{{ID: office, Name: "office", CIDRs: prefixes(entries...)}}
	if diff := cmp.Diff(want, got.PrefixLists, cmp.Comparer(samePrefix)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(peerings, got.Peerings, cmp.Comparer(samePrefix)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := server.Requests(ec2test.PrefixListEntries); got != 45 {
		t.Errorf("%d requests for 450 entries in pages of 10", got)
	}
}

// Another network is told, and the same one is not.
func TestNetworkChanges(t *testing.T) {
	t.Parallel()
	server := offer(t)
	s := ask(t, server, aws.EC2Options{})
	before, first := await(t, s, "the network", known)
	s.Refresh()
	poll(t, "a second look", func() bool {
		_, second := s.Latest()
		return second.Success.After(first.Success)
	})
	if after, _ := s.Latest(); after != before {
		t.Errorf("%p is now %p", before, after)
	}
	is := network()
	is.RouteTables[0].Routes[1] = ec2test.Route{CIDR: "0.0.0.0/0", Gateway: "igw-0123456789abcdef0"}
	server.Set(is)
	s.Refresh()
	after, _ := await(t, s, "the other gateway", func(n *aws.Network, _ facts.Provenance) bool { return n != before })
	if diff := cmp.Diff(routes("0.0.0.0/0", "igw-0123456789abcdef0", "10.0.0.0/16", "local"), after.Routes, cmp.Comparer(samePrefix)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
