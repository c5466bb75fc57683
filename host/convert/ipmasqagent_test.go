package convert_test

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/convert"
)

// load reads a result as the daemon would.
func load(t testing.TB, result convert.Result) config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, result.YAML, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{File: path})
	if err != nil {
		t.Fatalf("%v\n%s", err, result.YAML)
	}
	return cfg
}

func TestIPMasqAgent(t *testing.T) {
	private := []string{"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"}
	reserved := append([]string{"100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4"}, private...)
	for name, test := range map[string]struct {
		file  string
		flags convert.AgentFlags
		want  []string
		notes []string // that only such a file has
	}{
		"empty":                  {file: "", want: private},
		"a comment":              {file: "# nothing\n", want: private},
		"no object":              {file: "{}", want: private},
		"all reserved ranges":    {file: "", flags: convert.AgentFlags{AllReservedRanges: true}, want: reserved},
		"reserved, but a list":   {file: "nonMasqueradeCIDRs: [10.0.0.0/8]", flags: convert.AgentFlags{AllReservedRanges: true}, want: []string{"10.0.0.0/8", "169.254.0.0/16"}},
		"link-local too":         {file: "masqLinkLocal: true", want: []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}},
		"an empty list":          {file: "nonMasqueradeCIDRs: []", want: []string{"169.254.0.0/16"}},
		"a list without a value": {file: "nonMasqueradeCIDRs:", want: []string{"169.254.0.0/16"}},
		"null in JSON":           {file: `{"nonMasqueradeCIDRs": null, "masqLinkLocal": true}`, want: nil},
		"everything":             {file: "nonMasqueradeCIDRs: [0.0.0.0/0]", want: []string{"0.0.0.0/0", "169.254.0.0/16"}},
		"twice":                  {file: "nonMasqueradeCIDRs: [10.0.0.0/8, 10.0.0.0/8, 10.1.0.0/16]", want: []string{"10.0.0.0/8", "10.1.0.0/16", "169.254.0.0/16"}},
		"an address":             {file: "nonMasqueradeCIDRs: [192.0.2.1/32]", want: []string{"169.254.0.0/16", "192.0.2.1/32"}},
		"JSON":                   {file: `{"nonMasqueradeCIDRs": ["192.0.2.0/24"], "masqLinkLocal": false, "masqLinkLocalIPv6": false}`, want: []string{"169.254.0.0/16", "192.0.2.0/24"}},
		"the project's example":  {file: "nonMasqueradeCIDRs:\n  - 10.0.0.0/8\n  - 172.16.0.0/12\n  - 192.168.0.0/16\nmasqLinkLocal: false\nresyncInterval: 60s", want: private, notes: []string{"resyncInterval 1m0s is left out: snatd applies changes of its files at once"}},
		"IPv6": {file: "nonMasqueradeCIDRs: [10.0.0.0/8, 'fd00::/8']\nmasqLinkLocalIPv6: true", flags: convert.AgentFlags{EnableIPv6: true}, want: []string{"10.0.0.0/8", "169.254.0.0/16"}, notes: []string{
			"with --enable-ipv6 ip-masq-agent masquerades IPv6 too; snatd translates none", "fd00::/8 of nonMasqueradeCIDRs is left out: snatd translates no IPv6, so that pods keep their IPv6 addresses everywhere", "masqLinkLocalIPv6 is left out: snatd translates no IPv6"}},
		"more CIDRs than usually": {file: "cidrLimit: 65\nnonMasqueradeCIDRs: [" + strings.Repeat("10.0.0.0/8, ", 65) + "]", want: []string{"10.0.0.0/8", "169.254.0.0/16"}, notes: []string{"cidrLimit 65 is left out: guard.maxChange holds changes that are too large"}},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := convert.IPMasqAgent("agent.yaml", []byte(test.file), test.flags)
			if err != nil {
				t.Fatal(err)
			}
			cfg := load(t, result)
			want := config.Default()
			want.Facts.Pods = config.PodsKubernetes
			for _, cidr := range test.want {
				want.SNAT.ExcludeCIDRs = append(want.SNAT.ExcludeCIDRs, netip.MustParsePrefix(cidr))
			}
			slices.SortFunc(want.SNAT.ExcludeCIDRs, netip.Prefix.Compare)
			if diff := cmp.Diff(want, cfg, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
				cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\n%s", diff, result.YAML)
			}
			const always = 3
			if diff := cmp.Diff(test.notes, result.Notes[:len(result.Notes)-always], cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			for _, note := range result.Notes {
				if !strings.Contains(string(result.YAML), "\n# Note: "+note+".\n") {
					t.Errorf("%q is not among the comments:\n%s", note, result.YAML)
				}
			}
		})
	}
}

// What a configuration says is what people read before they trust it.
func TestIPMasqAgentComments(t *testing.T) {
	result, err := convert.IPMasqAgent("/tmp/agent\n.yaml", []byte("masqLinkLocal: false\nnonMasqueradeCIDRs:\n- 10.0.0.0/8\n- fd00::/8\n- 192.168.0.0/16\n"), convert.AgentFlags{EnableIPv6: true})
	if err != nil {
		t.Fatal(err)
	}
	yaml, _, _ := strings.Cut(string(result.YAML), "# Note:")
	const want = `# Made from "/tmp/agent\n.yaml" by snatd convert ip-masq-agent.
facts:
  vpc: static # the facts file says "vpc: {cidrs: [127.0.0.0/8]}", which is nowhere: ip-masq-agent knows no VPC
  pods: kubernetes
network:
  podInterfaces: ["eni*"] # set this to the names of the interfaces that pods are behind on these nodes
snat:
  excludeCIDRs:
  - 10.0.0.0/8 # nonMasqueradeCIDRs[0], line 3
  - 192.168.0.0/16 # nonMasqueradeCIDRs[2], line 5
  - 169.254.0.0/16 # masqLinkLocal is false
  randomize: prng # --random-fully, which ip-masq-agent gives to iptables unless told otherwise
`
	if diff := cmp.Diff(want, yaml); diff != "" {
		t.Error(diff)
	}
}

func TestIPMasqAgentErrors(t *testing.T) {
	for file, want := range map[string]string{
		"nonMasqueradeCIDRs: []\nmasqlinklocal: true": "agent.yaml:2:1: masqlinklocal: unknown key, accepted: nonMasqueradeCIDRs, cidrLimit, masqLinkLocal, masqLinkLocalIPv6, resyncInterval",
		"masqLinkLocal: true\nmasqLinkLocal: false":   "agent.yaml:2:1: masqLinkLocal: duplicate key, first on line 1",
		"nonMasqueradeCIDRs:\n- 10.0.0.1/8":           `agent.yaml:2:3: nonMasqueradeCIDRs[0]: "10.0.0.1/8" has host bits set, accepted: 10.0.0.0/8`,
		"nonMasqueradeCIDRs: ['fd00::1/8']":           `agent.yaml:1:22: nonMasqueradeCIDRs[0]: "fd00::1/8" has host bits set, accepted: fd00::/8`,
		"nonMasqueradeCIDRs: [10.0.0.1]":              `agent.yaml:1:22: nonMasqueradeCIDRs[0]: "10.0.0.1" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`,
		"nonMasqueradeCIDRs: ['::ffff:10.0.0.0/104']": `agent.yaml:1:22: nonMasqueradeCIDRs[0]: "::ffff:10.0.0.0/104" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`,
		"nonMasqueradeCIDRs: 10.0.0.0/8":              "agent.yaml:1:21: nonMasqueradeCIDRs: a string, accepted: a list",
		"masqLinkLocal: maybe":                        `agent.yaml:1:16: masqLinkLocal: "maybe" is not a bool, accepted: true, false`,
		"resyncInterval: 60":                          `agent.yaml:1:17: resyncInterval: "60" is not a duration, accepted: such as 60s`,
		"resyncInterval: 0":                           "agent.yaml:1:17: resyncInterval: no time, accepted: such as 60s",
		"resyncInterval:":                             "agent.yaml:1:1: resyncInterval: no time, accepted: such as 60s",
		`{"resyncInterval": null}`:                    "agent.yaml:1:2: resyncInterval: no time, accepted: such as 60s",
		"cidrLimit: many":                             "agent.yaml:1:12: cidrLimit: a string, accepted: a whole number without quotes",
		`cidrLimit: "64"`:                             "agent.yaml:1:12: cidrLimit: a string, accepted: a whole number without quotes",
		"cidrLimit: 64.5":                             "agent.yaml:1:12: cidrLimit: a number, accepted: a whole number without quotes",
		"cidrLimit: 2":                                "agent.yaml:1:1: nonMasqueradeCIDRs: 3 CIDRs, accepted: at most 2, which is cidrLimit; ip-masq-agent refuses this file and goes on with an earlier one",
		"nonMasqueradeCIDRs: [10.0.0.0/8, 'fd00::/8']": "agent.yaml:1:34: nonMasqueradeCIDRs[1]: fd00::/8 is IPv6, accepted: IPv4 CIDRs, or --enable-ipv6 here too if the agent runs with it; " +
			"without it ip-masq-agent refuses this file and goes on with an earlier one",
		"cidrLimit: 1\nnonMasqueradeCIDRs: [10.0.0.0/8, 10.0.0.0/8]": "agent.yaml:2:1: nonMasqueradeCIDRs: 2 CIDRs, accepted: at most 1, which is cidrLimit; " +
			"ip-masq-agent refuses this file and goes on with an earlier one",
		"nonMasqueradeCIDRs: [" + strings.Repeat("10.0.0.0/8, ", 65) + "]": "agent.yaml:1:1: nonMasqueradeCIDRs: 65 CIDRs, accepted: at most 64, which is cidrLimit; " +
			"ip-masq-agent refuses this file and goes on with an earlier one",
		"cidrLimit: 10000\nnonMasqueradeCIDRs: [" + strings.Repeat("10.0.0.0/8, ", 9000) + "]": "agent.yaml:2:1: nonMasqueradeCIDRs: 9001 CIDRs, accepted: at most 9000, for snat.excludeCIDRs takes no more",
	} {
		if _, err := convert.IPMasqAgent("agent.yaml", []byte(file), convert.AgentFlags{}); err == nil || err.Error() != want {
			t.Errorf("%.100q:\n%v, want\n%s", file, err, want)
		}
	}
}

var agentSeeds = []string{
	"nonMasqueradeCIDRs:\n  - 10.0.0.0/8\n  - fd00::/8\nmasqLinkLocal: false\nresyncInterval: 60s\n",
	`{"nonMasqueradeCIDRs": ["192.0.2.0/24"], "cidrLimit": 3, "masqLinkLocalIPv6": true}`,
	"nonMasqueradeCIDRs: null\n---\n",
	"%YAML 1.2\n--- # comment\nmasqLinkLocal: &a true",
}

// harmless holds that whatever is converted is a configuration, and the rest an error.
func harmless(t testing.TB, name string, data []byte) {
	result, err := convert.IPMasqAgent(name, data, convert.AgentFlags{AllReservedRanges: len(data)%2 == 0, EnableIPv6: len(data)%3 == 0})
	if err == nil {
		load(t, result)
	}
}

func FuzzIPMasqAgent(f *testing.F) {
	for _, seed := range agentSeeds {
		f.Add("agent.yaml", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) { harmless(t, name, data) })
}

// The same, for files that are nearly right, without a fuzzer.
func TestIPMasqAgentNearlyRight(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 5))
	for range 2000 {
		data := []byte(agentSeeds[random.IntN(len(agentSeeds))])
		for range 1 + random.IntN(4) {
			at := random.IntN(len(data))
			switch random.IntN(3) {
			case 0:
				data[at] = byte(random.IntN(256))
			case 1:
				data = slices.Delete(data, at, min(len(data), at+1+random.IntN(3)))
			case 2:
				data = slices.Insert(data, at, []byte("\n:-[]{}\"'#,/0")[random.IntN(13)])
			}
			if len(data) == 0 {
				break
			}
		}
		harmless(t, "agent.yaml", data)
	}
}
