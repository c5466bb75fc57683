package facts_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/sdk"
)

const vpc = `
vpc:
  cidrs: [10.0.0.0/16]
  routes: [{cidr: 10.0.0.0/16, target: local}, {cidr: 0.0.0.0/0, target: nat-1}, {cidr: 10.9.0.0/16, target: blackhole}]
  prefixLists:
  - {id: pl-1, name: partners, cidrs: [192.0.2.0/24, 192.0.2.0/24, 100.64.0.0/10]}
  - {id: pl-2, name: both, cidrs: []}
  - {id: pl-3, name: both, cidrs: [198.51.100.0/24]}
  - {id: pl-4, cidrs: [203.0.113.0/24]}
  - {id: pl-5, name: pl-4, cidrs: []}
  peerings: [{id: pcx-1, cidrs: [172.31.0.0/16]}]
`

// A name that two lists have means none of them, and an ID is never another
// list's name.
func TestVPCFacts(t *testing.T) {
	s := snapshot(t, vpc, settings())
	want := sdk.Map{
		"vpc.cidrs":               "10.0.0.0/16\x00",
		"vpc.route.10.0.0.0/16":   "local",
		"vpc.route.0.0.0.0/0":     "nat-1",
		"vpc.route.10.9.0.0/16":   "blackhole",
		"vpc.prefixlist.pl-1":     "100.64.0.0/10\x00192.0.2.0/24\x00",
		"vpc.prefixlist.partners": "100.64.0.0/10\x00192.0.2.0/24\x00",
		"vpc.prefixlist.pl-2":     "",
		"vpc.prefixlist.pl-3":     "198.51.100.0/24\x00",
		"vpc.prefixlist.pl-4":     "203.0.113.0/24\x00",
		"vpc.prefixlist.pl-5":     "",
		"vpc.peering.pcx-1":       "172.31.0.0/16\x00",
	}
	got := sdk.Map{}
	view := s.Subjects()[0].View
	for _, key := range view.FactKeys("vpc.") {
		got[key], _ = view.Fact(key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(want.FactKeys("vpc."), view.FactKeys("vpc.")); diff != "" {
		t.Errorf("keys: -want +got:\n%s", diff)
	}
}

func TestVPCErrors(t *testing.T) {
	const id = `accepted: 1 to 255 bytes without control characters, such as tgw-0123456789abcdef0`
	for _, test := range []struct{ text, want string }{
		{"routes: [{target: local}]", `vpc.routes[0].cidr: "" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"routes: [{cidr: 10.0.0.0/8}]", `vpc.routes[0].target: "", ` + id},
		{"routes: [{cidr: 10.0.0.0/8, target: local}, {cidr: 10.0.0.0/8, target: a}]", `vpc.routes[1].cidr: "10.0.0.0/8" is there twice`},
		{"prefixLists: [{name: a}]", `vpc.prefixLists[0].id: "", ` + id},
		{`prefixLists: [{id: a, name: "\n"}]`, `vpc.prefixLists[0].name: "\n", ` + id},
		{"prefixLists: [{id: a}, {id: a}]", `vpc.prefixLists[1].id: "a" is there twice`},
		{"prefixLists: [{id: a, cidrs: [10.0.0.1/8]}]", `vpc.prefixLists[0].cidrs[0]: "10.0.0.1/8" has host bits set, accepted: 10.0.0.0/8`},
		{"peerings: [{cidrs: []}]", `vpc.peerings[0].id: "", ` + id},
		{"peerings: [{id: " + strings.Repeat("a", 256) + "}]", `vpc.peerings[0].id: "` + strings.Repeat("a", 64) + `"..., ` + id},
	} {
		err := loadAndCheck(write(t, "vpc:\n  cidrs: [10.0.0.0/16]\n  "+test.text), "ipv4")
		if err == nil || !strings.HasSuffix(err.Error(), ": "+test.want) {
			t.Errorf("%s\ngot  %v\nwant %s", test.text, err, test.want)
		}
	}
}

// Without CIDRs there is no snapshot, but for an operator who wants that.
func TestWithoutVPC(t *testing.T) {
	set := settings()
	set.WithoutVPC = true
	s, err := facts.New(&facts.Document{}, set)
	if err != nil {
		t.Fatal(err)
	}
	if cidrs, ok := s.Subjects()[0].View.Fact("vpc.cidrs"); cidrs != "" || !ok {
		t.Errorf("vpc.cidrs is %q, %v, want an empty list", cidrs, ok)
	}
}
