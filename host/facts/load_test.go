package facts_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/host/facts"
)

const full = `
node: {name: node-a, zone: eu-west-1a, labels: {tier: edge}, annotations: {note: ""}}
vpc: {cidrs: [10.1.0.0/16, 10.0.0.0/16]}
namespaces: [{name: default, labels: {team: web}, annotations: {owner: a}}]
pods:
- {namespace: default, name: web-2, ip: 10.0.1.6}
- {namespace: default, name: web-1, ip: 10.0.1.5, hostNetwork: false, serviceAccount: web, phase: Running, labels: {app.kubernetes.io/name: web}, annotations: {a: b}}
- {namespace: kube-system, name: proxy, ip: 10.0.0.10, hostNetwork: true}
- {namespace: kube-system, name: agent, ip: 10.0.0.10, hostNetwork: true}
- {namespace: batch, name: job-1}
`

func TestLoad(t *testing.T) {
	got, err := facts.Load(write(t, full))
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr
	want := &facts.Document{
		Node: facts.Node{Name: "node-a", Zone: "eu-west-1a", Labels: labels("tier", "edge"), Annotations: labels("note", "")},
		VPC:  facts.VPC{CIDRs: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.0.0.0/16")}},
		Namespaces: []facts.Namespace{
			{Name: "default", Labels: labels("team", "web"), Annotations: labels("owner", "a")},
		},
		Pods: []facts.Pod{
			{Namespace: "default", Name: "web-2", IP: addr("10.0.1.6")},
			{Namespace: "default", Name: "web-1", IP: addr("10.0.1.5"), ServiceAccount: "web", Phase: "Running",
				Labels: labels("app.kubernetes.io/name", "web"), Annotations: labels("a", "b")},
			{Namespace: "kube-system", Name: "proxy", IP: addr("10.0.0.10"), HostNetwork: true},
			{Namespace: "kube-system", Name: "agent", IP: addr("10.0.0.10"), HostNetwork: true},
			{Namespace: "batch", Name: "job-1"},
		},
	}
	options := cmp.Options{
		cmpopts.IgnoreUnexported(facts.Document{}),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	}
	if diff := cmp.Diff(want, got, options); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLoadLegal(t *testing.T) {
	const vpc = "vpc: {cidrs: [10.0.0.0/16]}\n"
	for name, test := range map[string]struct{ family, text string }{
		"cidrs alone":                  {"ipv4", vpc},
		"duplicate and overlapping":    {"ipv4", "vpc: {cidrs: [10.0.0.0/16, 10.0.0.0/8, 10.0.0.0/16]}"},
		"everything is the vpc":        {"ipv4", "vpc: {cidrs: [0.0.0.0/0]}"},
		"pod of an unknown namespace":  {"ipv4", vpc + "pods: [{namespace: a, name: b, ip: 10.0.1.5}]"},
		"pod outside of the vpc":       {"ipv4", vpc + "pods: [{namespace: a, name: b, ip: 100.64.0.5}]"},
		"one name in two namespaces":   {"ipv4", vpc + "pods: [{namespace: a, name: b}, {namespace: c, name: b}]"},
		"ipv6 pod in an ipv6 cluster":  {"ipv6", vpc + `pods: [{namespace: a, name: b, ip: "fd00::5"}]`},
		"two pods without an address":  {"ipv4", vpc + "pods: [{namespace: a, name: b}, {namespace: a, name: c}]"},
		"host-network pods share one":  {"ipv4", vpc + "pods: [{namespace: a, name: b, ip: 10.0.0.10, hostNetwork: true}, {namespace: a, name: c, ip: 10.0.0.10, hostNetwork: true}]"},
		"host-network pod and another": {"ipv4", vpc + "pods: [{namespace: a, name: b, ip: 10.0.0.10, hostNetwork: true}, {namespace: a, name: c, ip: 10.0.0.10}]"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := loadAndCheck(write(t, test.text), test.family); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	const vpc = "vpc: {cidrs: [10.0.0.0/16]}\n"
	const name = "accepted: at most 253 of a-z, 0-9, - and ., such as web-1"
	tests := []struct{ text, want string }{
		{"", " vpc.cidrs: empty, accepted: at least one IPv4 CIDR, such as 10.0.0.0/16"},
		{"node: {name: a}\nvpc:\n  cidrs: []\n", "3:3: vpc.cidrs: empty, accepted: at least one IPv4 CIDR, such as 10.0.0.0/16"},
		{"node: {name: a}\nvpc: {}\n", "2:1: vpc.cidrs: empty, accepted: at least one IPv4 CIDR, such as 10.0.0.0/16"},
		{"vpc: {cidrs: [10.0.0.1/16]}", `1:15: vpc.cidrs[0]: "10.0.0.1/16" has host bits set, accepted: 10.0.0.0/16`},
		{`vpc: {cidrs: ["fd00::/8"]}`, `1:15: vpc.cidrs[0]: "fd00::/8" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"vpc: {cidr: []}", "1:7: vpc.cidr: unknown key, accepted: cidrs, routes, prefixLists, peerings"},
		{"pod: []", "1:1: pod: unknown key, accepted: node, vpc, namespaces, pods"},
		{"node: {id: 1}", "1:8: node.id: unknown key, accepted: name, zone, region, instanceID, instanceType, primaryAddress, addresses, primaryInterface, labels, annotations"},
		{"node: {name: Node A}", `1:14: node.name: "Node A" is not a name, ` + name},
		{vpc + `node: {labels: {"": a}}`, `2:8: node.labels: "" is not a key, accepted: 1 to 317 bytes without NUL`},
		{vpc + `node: {annotations: {"a\0b": a}}`, `2:8: node.annotations: "a\x00b" is not a key, accepted: 1 to 317 bytes without NUL`},
		{vpc + "namespaces: [{labels: {}}]", `2:14: namespaces[0].name: "" is not a name, ` + name},
		{vpc + "namespaces:\n- name: a\n- name: b\n- name: a\n", "5:9: namespaces[2].name: namespace a is there twice"},
		{vpc + "pods: [{pod: a}]", "2:9: pods[0].pod: unknown key, accepted: namespace, name, ip, hostNetwork, serviceAccount, phase, labels, annotations"},
		{vpc + "pods: [{name: a}]", `2:8: pods[0].namespace: "" is not a name, ` + name},
		{vpc + "pods: [{namespace: a}]", `2:8: pods[0].name: "" is not a name, ` + name},
		{vpc + "pods: [{namespace: a, name: b/c}]", `2:29: pods[0].name: "b/c" is not a name, ` + name},
		{vpc + "pods:\n- {namespace: a, name: b}\n- {namespace: a, name: b}", "4:24: pods[1].name: pod a/b is there twice"},
		{vpc + "pods: [{namespace: a, name: b, serviceAccount: -}]", `2:48: pods[0].serviceAccount: "-" is not a name, ` + name},
		{vpc + "pods: [{namespace: a, name: b, hostNetwork: 1}]", `2:45: pods[0].hostNetwork: "1" is not a bool, accepted: true, false`},
		{vpc + "pods: [{namespace: a, name: b, labels: {a: 1}}]", `2:44: pods[0].labels.a: 1 without quotes is a number, accepted: a string, such as "1"`},
		{vpc + "pods: [{namespace: a, name: b, ip: x}]", `2:36: pods[0].ip: "x" is not an address, accepted: an IP address, such as 10.0.0.10`},
		{vpc + `pods: [{namespace: a, name: b, ip: "fd00::5"}]`, "2:36: pods[0].ip: fd00::5 of a/b is IPv6 in an IPv4 cluster, accepted: an IPv4 address, such as 10.0.1.5"},
		{vpc + "pods: [{namespace: a, name: b, ip: 127.0.0.1}]", "2:36: pods[0].ip: 127.0.0.1 of a/b cannot be a pod's address, accepted: a unicast address, such as 10.0.1.5"},
		{vpc + "pods:\n- {namespace: a, name: b, ip: 10.0.1.5}\n- {namespace: c, name: d, ip: 10.0.1.5}", "4:31: pods[1].ip: 10.0.1.5 is the address of both a/b and c/d"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			file := write(t, test.text)
			err := loadAndCheck(file, "ipv4")
			if want := file + ":" + test.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// loadAndCheck loads a file and makes a snapshot of it, on a node whose address is
// none of the pods'.
func loadAndCheck(file, family string) error {
	d, err := facts.Load(file)
	if err == nil {
		_, err = facts.New(d, facts.Settings{IPFamily: family, PrimaryAddress: netip.MustParseAddr("10.255.255.1")})
	}
	return err
}

func TestLoadAbsent(t *testing.T) {
	_, err := facts.Load("/nonexistent/facts.yaml")
	if want := "open /nonexistent/facts.yaml: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// FuzzFacts: whatever the file holds, it gives a snapshot, or there is one error
// on one line that names the file.
func FuzzFacts(f *testing.F) {
	for _, seed := range []string{
		"", full, "vpc: {cidrs: [0.0.0.0/0]}", "vpc: {cidrs: [10.0.0.1/16]}",
		"vpc: {cidrs: [10.0.0.0/8]}\npods: [{namespace: a, name: b, ip: 10.0.0.10}]",
	} {
		f.Add([]byte(seed))
	}
	file := filepath.Join(f.TempDir(), "facts.yaml")
	settings := facts.Settings{IPFamily: "ipv4", PrimaryAddress: netip.MustParseAddr("10.0.0.10")}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := facts.Load(file)
		if err == nil {
			_, err = facts.New(d, settings)
		}
		if err == nil {
			return
		}
		positioned := (*document.Error)(nil)
		if !errors.As(err, &positioned) || !strings.HasPrefix(err.Error(), file+":") || strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("%T %q", err, err)
		}
	})
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "facts.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// labels makes a map of a list of keys and values.
func labels(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// A record of a newer version is read as far as it is known; a file of the operator's is not.
func TestLoadRecorded(t *testing.T) {
	file := write(t, "node: {name: node-a, rack: 7}\nvpc: {cidrs: [10.0.0.0/16]}\nclouds: [{name: other}]\n"+
		"pods: [{namespace: a, name: b, ip: 10.0.1.5, zone: x}, {namespace: a, name: c, zone: y}]\n")
	d, unknown, err := facts.LoadRecorded(file, "ipv4")
	if err != nil || d.Node.Name != "node-a" || len(d.VPC.CIDRs) != 1 || len(d.Pods) != 2 || d.Pods[0].IP != netip.MustParseAddr("10.0.1.5") {
		t.Errorf("%+v, %v", d, err)
	}
	if diff := cmp.Diff([]string{"node.rack", "clouds", "pods[].zone"}, unknown); diff != "" {
		t.Errorf("unknown keys, -want +got:\n%s", diff)
	}
	if _, err := facts.Load(file); err == nil || !strings.Contains(err.Error(), "node.rack: unknown key") {
		t.Error(err)
	}
	file = write(t, "pods: [{namespace: a, name: b, phase: Dreaming}]\n")
	if _, _, err := facts.LoadRecorded(file, "ipv4"); err == nil || !strings.Contains(err.Error(), "pods[0].phase: \"Dreaming\"") {
		t.Error(err)
	}
}
