package facts_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/sdk"
)

func settings() facts.Settings {
	return facts.Settings{
		IPFamily:       "ipv4",
		PrimaryAddress: netip.MustParseAddr("10.0.0.10"),
		Addresses:      []netip.Addr{netip.MustParseAddr("10.0.0.10"), netip.MustParseAddr("10.0.0.11")},
		ExcludeCIDRs: []netip.Prefix{
			netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
		},
	}
}

func TestSubjects(t *testing.T) {
	s := snapshot(t, full, settings())
	shared := sdk.Map{
		"cluster.ip_family":    "ipv4",
		"node.name":            "node-a",
		"node.zone":            "eu-west-1a",
		"node.primary_address": "10.0.0.10", "node.address.10.0.0.10": "primary", "node.address.10.0.0.11": "secondary",
		"node.label.tier":      "edge",
		"node.annotation.note": "",
		"vpc.cidrs":            "10.0.0.0/16\x0010.1.0.0/16\x00",
		"snat.external":        "false",
		"snat.exclude":         "172.16.0.0/12\x00192.168.0.0/16\x00",
	}
	namespace := sdk.Map{"namespace.label.team": "web", "namespace.annotation.owner": "a"}
	want := []struct {
		name, addr string
		facts      sdk.Map
	}{
		{"node", "invalid IP", merge(shared, sdk.Map{"subject.kind": "node"})},
		{"default/web-1", "10.0.1.5", merge(shared, namespace, sdk.Map{
			"subject.kind": "pod", "pod.name": "web-1", "pod.namespace": "default", "pod.ip": "10.0.1.5", "pod.host_network": "false",
			"pod.service_account": "web", "pod.phase": "Running", "pod.label.app.kubernetes.io/name": "web", "pod.annotation.a": "b",
		})},
		{"default/web-2", "10.0.1.6", merge(shared, namespace, sdk.Map{
			"subject.kind": "pod", "pod.name": "web-2", "pod.namespace": "default", "pod.ip": "10.0.1.6", "pod.host_network": "false",
		})},
	}
	got := s.Subjects()
	if len(got) != len(want) {
		t.Fatalf("got %d subjects, want %d", len(got), len(want))
	}
	for i, w := range want {
		if got[i].Name != w.name || got[i].Addr.String() != w.addr {
			t.Errorf("subject %d is %s %s, want %s %s", i, got[i].Name, got[i].Addr, w.name, w.addr)
		}
		if diff := cmp.Diff(w.facts, read(t, got[i].View)); diff != "" {
			t.Errorf("facts of %s: -want +got:\n%s", w.name, diff)
		}
		for _, prefix := range []string{"", "pod.", "pod.label.", "node.label.tier", "namespace.", "snat.e", "zzz"} {
			if diff := cmp.Diff(w.facts.FactKeys(prefix), got[i].View.FactKeys(prefix)); diff != "" {
				t.Errorf("keys of %s under %q: -want +got:\n%s", w.name, prefix, diff)
			}
		}
	}
	if got, want := s.Waiting(), []string{"batch/job-1"}; !slices.Equal(got, want) {
		t.Errorf("waiting: got %v, want %v", got, want)
	}
}

func TestFewFacts(t *testing.T) {
	set := settings()
	set.External, set.ExcludeCIDRs = true, nil
	s := snapshot(t, "vpc: {cidrs: [10.0.0.0/16]}\npods: [{namespace: a, name: b, ip: 10.0.1.5}]", set)
	want := sdk.Map{
		"subject.kind": "pod", "cluster.ip_family": "ipv4", "node.primary_address": "10.0.0.10",
		"node.address.10.0.0.10": "primary", "node.address.10.0.0.11": "secondary",
		"vpc.cidrs": "10.0.0.0/16\x00", "snat.external": "true", "snat.exclude": "",
		"pod.name": "b", "pod.namespace": "a", "pod.ip": "10.0.1.5", "pod.host_network": "false",
	}
	if diff := cmp.Diff(want, read(t, s.Subjects()[1].View)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestCanonical: facts that mean the same give the same snapshot, and a
// document stays as it is.
func TestCanonical(t *testing.T) {
	d := load(t, full)
	turned := *d
	turned.Pods = slices.Clone(d.Pods)
	slices.Reverse(turned.Pods)
	turned.VPC.CIDRs = slices.Concat(d.VPC.CIDRs, d.VPC.CIDRs)
	one, err := facts.New(d, settings())
	if err != nil {
		t.Fatal(err)
	}
	two, err := facts.New(&turned, settings())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(two), names(one); !slices.Equal(got, want) {
		t.Errorf("subjects: %v and %v", got, want)
	}
	if !slices.Equal(one.VPC.CIDRs, two.VPC.CIDRs) {
		t.Errorf("cidrs: %v and %v", one.VPC.CIDRs, two.VPC.CIDRs)
	}
	if d.Pods[0].Name != "web-2" || d.VPC.CIDRs[0].String() != "10.1.0.0/16" {
		t.Errorf("the document changed: %v %v", d.Pods[0], d.VPC.CIDRs)
	}
}

func TestWithoutPods(t *testing.T) {
	set := settings()
	set.WithoutPods = true
	s := snapshot(t, full, set)
	if got, want := names(s), []string{"node"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestIPv6(t *testing.T) {
	const text = "vpc: {cidrs: [10.0.0.0/16]}\npods: [{namespace: a, name: b, ip: \"fd00::5\"}, {namespace: a, name: c}]"
	d := load(t, text)
	s, err := facts.New(d, facts.Settings{IPFamily: "ipv6"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(s), []string{"node"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, ok := s.Subjects()[0].View.Fact("node.primary_address"); ok {
		t.Error("there is a primary address")
	}
	// The family can change after the document was loaded.
	_, err = facts.New(d, settings())
	if want := ":2:36: pods[0].ip: fd00::5 of a/b is IPv6 in an IPv4 cluster, accepted: an IPv4 address, such as 10.0.1.5"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestNewErrors(t *testing.T) {
	vpc := facts.VPC{CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}
	tests := []struct {
		name     string
		document facts.Document
		change   func(*facts.Settings)
		want     string
	}{
		{"unknown family", facts.Document{VPC: vpc}, func(s *facts.Settings) { s.IPFamily = "" },
			`ip family: "" is unknown, accepted: ipv4, ipv6`},
		{"no primary address", facts.Document{VPC: vpc}, func(s *facts.Settings) { s.PrimaryAddress = netip.Addr{} },
			"primary address: invalid IP, accepted: an IPv4 address, such as 10.0.0.10"},
		{"bad exclusion", facts.Document{VPC: vpc}, func(s *facts.Settings) { s.ExcludeCIDRs[0] = netip.MustParsePrefix("fd00::/8") },
			`excluded CIDRs: "fd00::/8" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"empty document", facts.Document{}, func(*facts.Settings) {},
			"vpc.cidrs: empty, accepted: at least one IPv4 CIDR, such as 10.0.0.0/16"},
		{"bad cidr", facts.Document{VPC: facts.VPC{CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/16")}}}, func(*facts.Settings) {},
			`vpc.cidrs[0]: "10.0.0.1/16" has host bits set, accepted: 10.0.0.0/16`},
		{"pod with the primary address", facts.Document{VPC: vpc, Pods: []facts.Pod{{Namespace: "a", Name: "b", IP: netip.MustParseAddr("10.0.0.10")}}},
			func(*facts.Settings) {},
			"pods[0].ip: 10.0.0.10 of a/b is the node's primary address, accepted: the pod's own address, or hostNetwork: true"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := settings()
			test.change(&s)
			if _, err := facts.New(&test.document, s); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func load(t *testing.T, text string) *facts.Document {
	t.Helper()
	d, err := facts.Load(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func snapshot(t *testing.T, text string, settings facts.Settings) *facts.Snapshot {
	t.Helper()
	s, err := facts.New(load(t, text), settings)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func names(s *facts.Snapshot) []string {
	var names []string
	for _, subject := range s.Subjects() {
		names = append(names, subject.Name)
	}
	return names
}

// read takes all facts out of a source.
func read(t *testing.T, source sdk.Source) sdk.Map {
	t.Helper()
	m := sdk.Map{}
	for _, key := range source.FactKeys("") {
		value, ok := source.Fact(key)
		if !ok {
			t.Errorf("%s is listed but absent", key)
		}
		m[key] = value
	}
	return m
}

func merge(maps ...sdk.Map) sdk.Map {
	all := sdk.Map{}
	for _, m := range maps {
		for key, value := range m {
			all[key] = value
		}
	}
	return all
}
