package aws_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/ec2test"
	"github.com/snatd/snatd/host/aws/fake"
	"github.com/snatd/snatd/host/facts"
)

const s3 = "com.amazonaws.eu-west-1.s3"

var (
	officeList = facts.PrefixList{ID: office, Name: "office", CIDRs: prefixes("192.0.2.0/24", "198.51.100.0/24")}
	s3List     = facts.PrefixList{ID: endpoint, Name: s3, CIDRs: prefixes("3.5.64.0/21", "52.218.0.0/17")}
)

// What is wrong with a prefix list that the options name withholds nothing else,
// and leaves that list as it was.
func TestNamedPrefixLists(t *testing.T) {
	t.Parallel()
	entry := func(cidr string) func(*ec2test.Network) {
		return func(n *ec2test.Network) {
			n.PrefixLists[0].Entries = append(n.PrefixLists[0].Entries, ec2test.Entries(cidr)...)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*ec2test.Network)
		error  string
	}{
		{"unknown", func(n *ec2test.Network) { n.PrefixLists = n.PrefixLists[1:] },
			`DescribeManagedPrefixLists: there is no prefix list "pl-0123456789abcdef0"`},
		{"unknown name", func(n *ec2test.Network) { n.PrefixLists[1].Name = "s3" },
			`DescribeManagedPrefixLists: there is no prefix list with the name "com.amazonaws.eu-west-1.s3"`},
		{"name in another spelling", func(n *ec2test.Network) { n.PrefixLists[1].Name = "com.amazonaws.eu-west-1.S3" },
			`DescribeManagedPrefixLists: there is no prefix list with the name "com.amazonaws.eu-west-1.s3"`},
		{"name of two", func(n *ec2test.Network) {
			n.PrefixLists = append(n.PrefixLists, ec2test.PrefixList{ID: "pl-0123456789abcdef1", Name: s3})
		},
			`DescribeManagedPrefixLists: pl-0123456789abcdef1 and pl-6da54004 have the name "com.amazonaws.eu-west-1.s3", accepted: an ID`},
		{"both unknown", func(n *ec2test.Network) { n.PrefixLists = nil },
			`DescribeManagedPrefixLists: there is no prefix list "pl-0123456789abcdef0"; DescribeManagedPrefixLists: there is no prefix list with the name "com.amazonaws.eu-west-1.s3"`},
		{"no ID", func(n *ec2test.Network) { n.PrefixLists[1].ID = "" },
			`DescribeManagedPrefixLists: prefixListId: "" is not an ID, accepted: such as pl-0123456789abcdef0`},
		{"for IPv6", func(n *ec2test.Network) { n.PrefixLists[0].Family = "IPv6" },
			`DescribeManagedPrefixLists: pl-0123456789abcdef0: addressFamily IPv6, accepted: IPv4`},
		{"unknown family", func(n *ec2test.Network) { n.PrefixLists[0].Family = "IPX" },
			`DescribeManagedPrefixLists: pl-0123456789abcdef0: addressFamily "IPX", accepted: IPv4, IPv6`},
		{"name too long", func(n *ec2test.Network) { n.PrefixLists[0].Name = strings.Repeat("x", 256) },
			`DescribeManagedPrefixLists: pl-0123456789abcdef0: prefixListName "` + strings.Repeat("x", 64) + `"..., accepted: 1 to 255 bytes without control characters`},
		{"entry that is none", entry("office"),
			`GetManagedPrefixListEntries: pl-0123456789abcdef0: cidr: "office" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"empty entry", entry(""),
			`GetManagedPrefixListEntries: pl-0123456789abcdef0: cidr: "" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"IPv6 entry", entry("2001:db8::/32"),
			`GetManagedPrefixListEntries: pl-0123456789abcdef0: cidr: "2001:db8::/32" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"entry with host bits", entry("192.0.2.1/24"),
			`GetManagedPrefixListEntries: pl-0123456789abcdef0: cidr: "192.0.2.1/24" has host bits set, accepted: 192.0.2.0/24`},
		{"too many entries", func(n *ec2test.Network) { n.PrefixLists[1].Entries = ec2test.Entries(cidrs(10001)...) },
			`GetManagedPrefixListEntries: more than 10000 routes, entries and CIDRs in all`},
		{"an answer too long", func(n *ec2test.Network) { n.PrefixLists[0].Name = strings.Repeat("x", 5<<20) },
			`DescribeManagedPrefixLists: longer than 4194304 bytes`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := offer(t)
			s := ask(t, server, aws.EC2Options{PrefixLists: []string{office, s3}})
			await(t, s, "the network", known)
			is := network()
			is.Peerings = nil
			c.change(&is)
			server.Set(is)
			s.Refresh()
			got, provenance := await(t, s, "an error", failing)
			if want := "ec2: " + c.error; provenance.Error != want {
				t.Errorf("got  %s\nwant %s", provenance.Error, want)
			}
			expected := want()
			expected.Peerings = nil
			expected.PrefixLists = []facts.PrefixList{officeList, s3List}
			if diff := cmp.Diff(expected, got, cmp.Comparer(samePrefix)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Routes and peerings are there although a list never was.
func TestUnreadablePrefixList(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lists  []string
		action string
		fault  fake.Fault
		error  string
		found  []facts.PrefixList
	}{
		"one of two": {[]string{"partners", office}, ec2test.Peerings, fake.Once(ec2test.Throttle),
			`DescribeManagedPrefixLists: there is no prefix list with the name "partners"`, []facts.PrefixList{officeList}},
		"throttled": {[]string{office}, ec2test.PrefixLists, ec2test.Throttle,
			"DescribeManagedPrefixLists: RequestLimitExceeded: Request limit exceeded.", nil},
		"unauthorized": {[]string{office, s3}, ec2test.PrefixListEntries, ec2test.Unauthorized,
			"GetManagedPrefixListEntries: UnauthorizedOperation: the permission ec2:GetManagedPrefixListEntries is missing: You are not authorized to perform this operation. User: " + role +
				" is not authorized to perform: ec2:GetManagedPrefixListEntries because no identity-based policy allows the ec2:GetManagedPrefixListEntries action", nil},
		"slow": {[]string{office}, ec2test.PrefixListEntries, fake.Stall,
			"GetManagedPrefixListEntries: no complete answer within 5s", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := offer(t)
			server.Fail(c.action, c.fault)
			got, provenance := await(t, ask(t, server, aws.EC2Options{PrefixLists: c.lists, Timeout: 5 * time.Second}), "an error", failing)
			if want := "ec2: " + c.error; provenance.Error != want {
				t.Errorf("got  %s\nwant %s", provenance.Error, want)
			}
			expected := want()
			expected.PrefixLists = c.found
			if diff := cmp.Diff(expected, got, cmp.Comparer(samePrefix)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The list that a name means may be another one later, and an ID and a name may
// mean the same.
func TestPrefixListReplaced(t *testing.T) {
	t.Parallel()
	server := offer(t)
	s := ask(t, server, aws.EC2Options{PrefixLists: []string{office, "office"}})
	await(t, s, "the network", known)
	is := network()
	is.PrefixLists[0].Name = "old"
	is.PrefixLists[1].Name = "office"
	server.Set(is)
	s.Refresh()
	got, _ := await(t, s, "two lists", func(n *aws.Network, _ facts.Provenance) bool { return len(n.PrefixLists) == 2 })
	expected := []facts.PrefixList{{ID: office, Name: "old", CIDRs: officeList.CIDRs}, {ID: endpoint, Name: "office", CIDRs: s3List.CIDRs}}
	if diff := cmp.Diff(expected, got.PrefixLists, cmp.Comparer(samePrefix)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// What the name means is not known, and the list that it meant is still read.
	is.PrefixLists = is.PrefixLists[:1]
	is.PrefixLists[0].Entries = ec2test.Entries("203.0.113.0/24")
	server.Set(is)
	s.Refresh()
	got, _ = await(t, s, "an error", failing)
	expected[0].CIDRs = prefixes("203.0.113.0/24")
	if diff := cmp.Diff(expected, got.PrefixLists, cmp.Comparer(samePrefix)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A list that changes while its pages are read is read as it was.
func TestPagesOfOneVersion(t *testing.T) {
	t.Parallel()
	before, after := network(), network()
	before.PrefixLists[0].Version = 1
	after.PrefixLists[0].Version = 2
	after.PrefixLists[0].Earlier = map[int64][]ec2test.Entry{1: before.PrefixLists[0].Entries}
	after.PrefixLists[0].Entries = ec2test.Entries("203.0.113.0/25", "203.0.113.128/25")
	server := ec2test.Start(t)
	server.Set(before)
	server.SetPageSize(1)
	server.Fail(ec2test.PrefixListEntries, fake.Then(func() { server.Set(after) }))
	s := ask(t, server, aws.EC2Options{PrefixLists: []string{office}})
	got, _ := await(t, s, "the network", known)
	if diff := cmp.Diff([]facts.PrefixList{officeList}, got.PrefixLists, cmp.Comparer(samePrefix)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	s.Refresh()
	got, _ = await(t, s, "the new version", func(n *aws.Network, _ facts.Provenance) bool { return n != got })
	if diff := cmp.Diff(prefixes("203.0.113.0/25", "203.0.113.128/25"), got.PrefixLists[0].CIDRs, cmp.Comparer(samePrefix)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
