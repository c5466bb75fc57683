package config_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/document"
)

func TestDefault(t *testing.T) {
	want := config.Config{
		Facts: config.Facts{
			VPC: "static", Interval: config.Duration(15 * time.Second), EC2Interval: config.Duration(5 * time.Minute),
			Pods: "static", Coalesce: config.Duration(10 * time.Millisecond), File: "/etc/snatd/facts.yaml", Record: "/var/lib/snatd/facts.yaml",
		},
		Network: config.Network{PodInterfaces: []string{"eni*"}, IPFamily: "ipv4", Protect: "auto", Verify: config.Duration(time.Minute)},
		SNAT:    config.SNAT{Randomize: "prng", Mark: 0x80, OnChange: "keep"},
		Guard:   config.Guard{MaxChange: config.MaxChange{Pods: 1, Addresses: 1}},
		Policies: config.Policies{
			Directory: "/etc/snatd/policies.d", Deadline: config.Duration(50 * time.Millisecond), Memory: 16, Cache: "/var/cache/snatd",
		},
		Socket:  "/run/snatd/snatd.sock",
		Metrics: config.Metrics{Listen: "127.0.0.1:9477"},
		Log:     config.Log{Level: "info"},
	}
	for name, options := range map[string]config.Options{
		"no file":        {},
		"empty sections": {File: write(t, "facts:\nnetwork:\nsnat:\npolicies: {}\nmetrics:\nsocket:\n")},
		"no variables":   {Environ: environ(nil)},
		"empty variables": {Environ: environ(map[string]string{
			"AWS_VPC_K8S_CNI_EXTERNALSNAT": "", "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS": "", "AWS_VPC_K8S_CNI_RANDOMIZESNAT": " ",
			"AWS_VPC_K8S_CNI_CONNMARK": "", "AWS_VPC_K8S_CNI_VETHPREFIX": "", "AWS_VPC_CNI_NODE_PORT_SUPPORT": "", "MY_NODE_NAME": "", "ENABLE_IPv6": "",
		})},
	} {
		t.Run(name, func(t *testing.T) { equal(t, load(t, options), want) })
	}
}

// full sets every key to something else than its default.
const full = `
facts:
  vpc: static
  interval: 20s
  grace: 2m
  ec2Interval: 10m
  prefixLists: [pl-0123456789abcdef0, partners, partners]
  pods: none
  coalesce: 5ms
  file: /f/facts.yaml
  record: /f/record.yaml
kubernetes: {node: node-a, kubeconfig: /f/kubeconfig}
network:
  primaryInterface: eth0
  primaryAddress: 10.0.0.10
  podInterfaces: ["veth*", eni*, "veth*"]
  nodePorts: true
  ipFamily: ipv6
  protect: "off"
  verify: 5m
snat:
  external: true
  excludeCIDRs: [192.168.0.0/16, 0.0.0.0/0, 10.1.0.0/16, 10.0.0.0/8, 192.168.0.0/16]
  randomize: hashrandom
  mark: 0x100
  onChange: flush
guard: {maxChange: {pods: 30%, addresses: 0.5%}}
policies: {directory: /f/policies.d, routes: true, deadline: 100ms, memory: 32, cache: ""}
socket: /f/snatd.sock
metrics: {listen: ""}
history: {directory: /f/history}
log: {level: debug}
`

func fullConfig() config.Config {
	return config.Config{
		Facts: config.Facts{
			VPC: "static", Interval: config.Duration(20 * time.Second), Grace: config.Duration(2 * time.Minute),
			EC2Interval: config.Duration(10 * time.Minute), PrefixLists: []string{"partners", "pl-0123456789abcdef0"},
			Pods: "none", Coalesce: config.Duration(5 * time.Millisecond), File: "/f/facts.yaml", Record: "/f/record.yaml",
		},
		Kubernetes: config.Kubernetes{Node: "node-a", Kubeconfig: "/f/kubeconfig"},
		Network: config.Network{
			PrimaryInterface: "eth0",
			PrimaryAddress:   netip.MustParseAddr("10.0.0.10"),
			PodInterfaces:    []string{"eni*", "veth*"},
			NodePorts:        true,
			IPFamily:         "ipv6",
			Protect:          "off",
			Verify:           config.Duration(5 * time.Minute),
		},
		SNAT: config.SNAT{
			External:     true,
			ExcludeCIDRs: prefixes("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/16"),
			Randomize:    "hashrandom",
			Mark:         0x100,
			OnChange:     "flush",
		},
		Guard:    config.Guard{MaxChange: config.MaxChange{Pods: 0.3, Addresses: 0.005}},
		Policies: config.Policies{Directory: "/f/policies.d", Routes: true, Deadline: config.Duration(100 * time.Millisecond), Memory: 32},
		Socket:   "/f/snatd.sock",
		History:  config.History{Directory: "/f/history"},
		Log:      config.Log{Level: "debug"},
	}
}

// What is written of a configuration is the same configuration.
func TestEncode(t *testing.T) {
	given := config.Default()
	given.Facts.PrefixLists, given.SNAT.ExcludeCIDRs = []string{}, []netip.Prefix{} // which says the same
	for name, want := range map[string]config.Config{"full": fullConfig(), "default": given} {
		text, err := want.Encode()
		if err != nil {
			t.Fatal(name, err)
		}
		equal(t, load(t, config.Options{File: write(t, string(text))}), want)
	}
}

func TestPrecedence(t *testing.T) {
	variables := map[string]string{
		"AWS_VPC_K8S_CNI_EXTERNALSNAT":       "false",
		"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS": "172.16.0.0/12, 10.2.0.0/16,172.16.0.0/12",
		"AWS_VPC_K8S_CNI_RANDOMIZESNAT":      "none",
		"AWS_VPC_K8S_CNI_CONNMARK":           "64",
		"AWS_VPC_K8S_CNI_VETHPREFIX":         "cali",
		"AWS_VPC_CNI_NODE_PORT_SUPPORT":      "false",
		"MY_NODE_NAME":                       "node-b",
		"ENABLE_IPv6":                        "false",
	}
	want := fullConfig()
	options := config.Options{File: write(t, full)}
	equal(t, load(t, options), want)

	options.Environ = environ(variables)
	want.SNAT = config.SNAT{ExcludeCIDRs: prefixes("10.2.0.0/16", "172.16.0.0/12"), Randomize: "none", Mark: 0x40, OnChange: "flush"}
	want.Network.PodInterfaces = []string{"cali*"}
	want.Network.NodePorts = false
	want.Network.IPFamily = "ipv4"
	want.Kubernetes.Node = "node-b"
	equal(t, load(t, options), want)

	options.Flags = config.Flags{FactsFile: "facts", PoliciesDirectory: "policies", Socket: "socket", LogLevel: "warn"}
	want.Facts.File, want.Facts.Pods = "facts", "static" // all facts are the file's
	want.Policies.Directory, want.Socket, want.Log.Level = "policies", "socket", "warn"
	equal(t, load(t, options), want)
}

func TestVariablesWithoutAFile(t *testing.T) {
	want := config.Default()
	want.SNAT = config.SNAT{External: true, Randomize: "hashrandom", Mark: 0x80, OnChange: "keep"}
	want.Network.NodePorts = true
	want.Network.IPFamily = "ipv6"
	got := load(t, config.Options{Environ: environ(map[string]string{
		"AWS_VPC_K8S_CNI_EXTERNALSNAT":  "True",
		"AWS_VPC_K8S_CNI_RANDOMIZESNAT": "hashrandom",
		"AWS_VPC_K8S_CNI_CONNMARK":      "0x80",
		"AWS_VPC_K8S_CNI_VETHPREFIX":    "eni",
		"AWS_VPC_CNI_NODE_PORT_SUPPORT": "1",
		"ENABLE_IPv6":                   "true",
	})})
	equal(t, got, want)
}

// A file is empty for a moment while it is written anew, which must not put the
// defaults in force.
func TestEmptyFile(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n"} {
		file := write(t, text)
		_, err := config.Load(config.Options{File: file})
		if want := file + ": empty, accepted: at least one key; without a file the defaults are in force"; err == nil || err.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestTooManyCIDRs(t *testing.T) {
	var list []string
	for i := range 9001 {
		list = append(list, fmt.Sprintf("10.%d.%d.0/24", i/256, i%256))
	}
	const want = "9001 CIDRs, accepted: at most 9000"
	file := write(t, "snat:\n  excludeCIDRs: ["+strings.Join(list, ", ")+"]\n")
	if _, err := config.Load(config.Options{File: file}); err == nil || err.Error() != file+":2:3: snat.excludeCIDRs: "+want {
		t.Errorf("file: %v", err)
	}
	const name = "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS"
	_, err := config.Load(config.Options{Environ: environ(map[string]string{name: strings.Join(list, ",")})})
	if err == nil || err.Error() != name+": "+want {
		t.Errorf("variable: %v", err)
	}
}

func TestBadFile(t *testing.T) {
	const cidr = "accepted: an IPv4 CIDR, such as 10.0.0.0/16"
	tests := []struct{ text, want string }{
		{"fact: {}", "1:1: fact: unknown key, accepted: facts, kubernetes, network, snat, guard, policies, socket, socketGroup, metrics, history, log"},
		{"snat:\n  excludeCidrs: []", "2:3: snat.excludeCidrs: unknown key, accepted: external, excludeCIDRs, randomize, mark, onChange"},
		{"snat:\n  mark: 0x80\n  mark: 0x40", "3:3: snat.mark: duplicate key, first on line 2"},
		{"snat: [\n", "1:7: not YAML: sequence end token ']' not found"},
		{"facts: {interval: 15}", `1:19: facts.interval: "15" is not a duration, accepted: such as 15s`},
		{"facts: {interval: 10ms}", "1:19: facts.interval: 10ms, accepted: 1s to 1h0m0s"},
		{"facts: {grace: -1s}", "1:16: facts.grace: -1s, accepted: 0s to 24h0m0s"},
		{"facts: {ec2Interval: 1s}", "1:22: facts.ec2Interval: 1s, accepted: 10s to 24h0m0s"},
		{"facts: {coalesce: 2s}", "1:19: facts.coalesce: 2s, accepted: 0s to 1s"},
		{"facts: {ec2: true}", "1:14: facts.ec2: true needs facts.vpc: imds, which says whose route table is meant"},
		{`facts: {prefixLists: [a, "\n"]}`, `1:26: facts.prefixLists[1]: "\n" is not a prefix list, accepted: an ID or a name of at most 255 bytes, such as pl-0123456789abcdef0`},
		{"kubernetes: {node: Node-A}", `1:20: kubernetes.node: "Node-A" is not a node's name, accepted: at most 253 of a-z, 0-9, - and ., such as ip-10-0-0-10.eu-west-1.compute.internal`},
		{"facts: {vpc: aws}", `1:14: facts.vpc: "aws" is unknown, accepted: static, imds`},
		{"facts: {pods: k8s}", `1:15: facts.pods: "k8s" is unknown, accepted: kubernetes, static, none`},
		{`facts: {file: ""}`, "1:15: facts.file: empty, accepted: the path of a file"},
		{"network: {primaryInterface: a/b}", `1:29: network.primaryInterface: "a/b" contains '/': accepted is ASCII without spaces, quotes, '\\', '/', ':', and '*' only at the end of a pattern`},
		{"network: {primaryInterface: eth*}", `1:29: network.primaryInterface: "eth*" contains '*': accepted is ASCII without spaces, quotes, '\\', '/', ':', and '*' only at the end of a pattern`},
		{"network: {primaryInterface: 0123456789abcdef}", `1:29: network.primaryInterface: "0123456789abcdef" is too long: accepted are up to 15 bytes`},
		{"network: {primaryAddress: 10.0.0}", `1:27: network.primaryAddress: "10.0.0" is not an address, accepted: an IP address, such as 10.0.0.10`},
		{`network: {primaryAddress: "fd00::1"}`, "1:27: network.primaryAddress: fd00::1 cannot be a primary address, accepted: a unicast IPv4 address, such as 10.0.0.10"},
		{"network: {primaryAddress: 127.0.0.1}", "1:27: network.primaryAddress: 127.0.0.1 cannot be a primary address, accepted: a unicast IPv4 address, such as 10.0.0.10"},
		{"network: {podInterfaces: []}", "1:11: network.podInterfaces: empty, accepted: at least one name, such as eni*"},
		{"network: {podInterfaces: eni*}", "1:26: network.podInterfaces: a string, accepted: a list"},
		{`network: {podInterfaces: ["*"]}`, `1:27: network.podInterfaces[0]: "*" matches every interface: accepted is a longer pattern such as "eni*"`},
		{"network: {podInterfaces: [abcdefghijklmno*]}", `1:27: network.podInterfaces[0]: "abcdefghijklmno*" is too long: accepted are up to 15 bytes`},
		{"network: {podInterfaces: [eni*, e*i]}", `1:33: network.podInterfaces[1]: "e*i" contains '*': accepted is ASCII without spaces, quotes, '\\', '/', ':', and '*' only at the end of a pattern`},
		{"network: {nodePorts: yes}", `1:22: network.nodePorts: "yes" is not a bool, accepted: true, false`},
		{"network: {ipFamily: dual}", `1:21: network.ipFamily: "dual" is unknown, accepted: ipv4, ipv6`},
		{"network: {verify: 10ms}", `1:19: network.verify: 10ms, accepted: 1s to 24h0m0s, or 0s for never`},
		{"snat: {onChange: break}", `1:18: snat.onChange: "break" is unknown, accepted: keep, drain, flush`},
		{"network: {protect: yes}", `1:20: network.protect: "yes" is unknown, accepted: auto, off`},
		{"snat: {external: 1}", `1:18: snat.external: "1" is not a bool, accepted: true, false`},
		{"snat: {excludeCIDRs: [10.0.0.0]}", `1:23: snat.excludeCIDRs[0]: "10.0.0.0" is not a CIDR, ` + cidr},
		{"snat:\n  excludeCIDRs:\n  - 10.0.0.0/8\n  - 10.0.0.1/16", `4:5: snat.excludeCIDRs[1]: "10.0.0.1/16" has host bits set, accepted: 10.0.0.0/16`},
		{`snat: {excludeCIDRs: ["fd00::/8"]}`, `1:23: snat.excludeCIDRs[0]: "fd00::/8" is IPv6, ` + cidr},
		{"snat: {randomize: random}", `1:19: snat.randomize: "random" is unknown, accepted: prng, hashrandom, none`},
		{"snat: {mark: 0x81}", `1:14: snat.mark: "0x81" is not a mark, accepted: one bit of 32, such as 0x80`},
		{"snat: {mark: 0}", `1:14: snat.mark: "0" is not a mark, accepted: one bit of 32, such as 0x80`},
		{"snat: {mark: 0x100000000}", `1:14: snat.mark: "0x100000000" is not a mark, accepted: one bit of 32, such as 0x80`},
		{"snat: {mark: -128}", `1:14: snat.mark: "-128" is not a mark, accepted: one bit of 32, such as 0x80`},
		{"snat: {mark: high}", `1:14: snat.mark: "high" is not a mark, accepted: one bit of 32, such as 0x80`},
		{"guard: {maxChange: 30%}", "1:20: guard.maxChange: a string, accepted: the keys pods, addresses"},
		{"guard: {maxChange: {pods: 0.3}}", `1:27: guard.maxChange.pods: "0.3" is not a share, accepted: 0% to 100%, such as 30%`},
		{"guard: {maxChange: {addresses: 101%}}", `1:32: guard.maxChange.addresses: "101%" is not a share, accepted: 0% to 100%, such as 30%`},
		{"guard: {maxChange: {pods: NaN%}}", `1:27: guard.maxChange.pods: "NaN%" is not a share, accepted: 0% to 100%, such as 30%`},
		{"policies: {deadline: 1us}", "1:22: policies.deadline: 1µs, accepted: 1ms to 10s"},
		{"policies: {memory: 2}", `1:20: policies.memory: "2" is not an amount of memory, accepted: 4 to 1024, in MiB`},
		{"facts: {vpc: imds}\npolicies: {routes: true}", "2:20: policies.routes: true needs facts.ec2: true, which reads the routes"},
		{`policies: {directory: ""}`, "1:23: policies.directory: empty, accepted: the path of a directory"},
		{"facts: {record: \"\"}\nguard: {maxChange: {pods: 30%}}", "2:9: guard.maxChange: facts.record is empty, beside which it is noted that a change is held: accepted only with a path there"},
		{`socket: ""`, "1:9: socket: empty, accepted: the path of a Unix socket"},
		{"metrics: {listen: 9477}", `1:19: metrics.listen: 9477 without quotes is a number, accepted: a string, such as "9477"`},
		{"metrics: {listen: localhost}", `1:19: metrics.listen: "localhost" is not an address and port, accepted: such as 127.0.0.1:9477`},
		{"log: {level: INFO}", `1:14: log.level: "INFO" is not a level, accepted: debug, info, warn, error`},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			file := write(t, test.text)
			_, err := config.Load(config.Options{File: file})
			if want := file + ":" + test.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestAbsentFile(t *testing.T) {
	_, err := config.Load(config.Options{File: "/nonexistent/snatd.yaml"})
	if want := "open /nonexistent/snatd.yaml: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestBadVariables(t *testing.T) {
	const mark = "is not a mark, accepted: one bit of 32, such as 0x80"
	const veth = "is not a prefix of pod interfaces, accepted: at most 4 characters, not eth, vlan, lo, such as eni"
	tests := []struct{ name, value, want string }{
		{"AWS_VPC_K8S_CNI_EXTERNALSNAT", "yes", `"yes" is not a bool, accepted: true, false`},
		{"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "10.0.0.0/8,10.0.0.1", `"10.0.0.1" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "10.0.0.0/8, 10.1.0.1/16", `"10.1.0.1/16" has host bits set, accepted: 10.1.0.0/16`},
		{"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "fd00::/8", `"fd00::/8" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "10.0.0.0/8;10.1.0.0/16", `"10.0.0.0/8;10.1.0.0/16" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"AWS_VPC_K8S_CNI_RANDOMIZESNAT", "PRNG", `"PRNG" is unknown, accepted: prng, hashrandom, none`},
		{"AWS_VPC_K8S_CNI_CONNMARK", "0x81", `"0x81" ` + mark},
		{"AWS_VPC_K8S_CNI_CONNMARK", "80x", `"80x" ` + mark},
		{"AWS_VPC_K8S_CNI_CONNMARK", "0", `"0" ` + mark},
		{"AWS_VPC_K8S_CNI_VETHPREFIX", "vlan", `"vlan" ` + veth},
		{"AWS_VPC_K8S_CNI_VETHPREFIX", "calico", `"calico" ` + veth},
		{"AWS_VPC_K8S_CNI_VETHPREFIX", "e*", `"e*" ` + veth},
		{"AWS_VPC_CNI_NODE_PORT_SUPPORT", "on", `"on" is not a bool, accepted: true, false`},
		{"MY_NODE_NAME", "node_a", `"node_a" is not a node's name, accepted: at most 253 of a-z, 0-9, - and ., such as ip-10-0-0-10.eu-west-1.compute.internal`},
		{"ENABLE_IPv6", "6", `"6" is not a bool, accepted: true, false`},
	}
	for _, test := range tests {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			_, err := config.Load(config.Options{Environ: environ(map[string]string{test.name: test.value})})
			if want := test.name + ": " + test.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// FuzzConfig: whatever the file holds, it is a configuration, or there is one
// error on one line that names the file.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		"", full, "snat: {mark: 0x81}", "network: {podInterfaces: [\"*\"]}", "metrics: {listen: \"[::1]:80\"}",
		"facts: {vpc: imds}", "snat:\n  excludeCIDRs:\n  - 10.0.0.1/16\n",
	} {
		f.Add([]byte(seed))
	}
	file := filepath.Join(f.TempDir(), "snatd.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(config.Options{File: file})
		if err == nil {
			return
		}
		positioned := (*document.Error)(nil)
		if !errors.As(err, &positioned) || !strings.HasPrefix(err.Error(), file+":") || strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("%T %q", err, err)
		}
	})
}

func load(t *testing.T, options config.Options) config.Config {
	t.Helper()
	got, err := config.Load(options)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func equal(t *testing.T, got, want config.Config) {
	t.Helper()
	same := cmp.Options{
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "snatd.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func environ(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
}

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}
