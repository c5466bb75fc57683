package convert

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/document"
)

// What ip-masq-agent does where its file does not say, as its source has it:
// https://github.com/kubernetes-sigs/ip-masq-agent, cmd/ip-masq-agent/ip-masq-agent.go.
var (
	agentPrivate  = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}
	agentReserved = []string{"100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
		"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"}
)

const (
	agentLinkLocal = "169.254.0.0/16"
	agentCIDRs     = "nonMasqueradeCIDRs"
)

// agentFile is ip-masq-agent's configuration file.
type agentFile struct {
	NonMasqueradeCIDRs []agentCIDR   `yaml:"nonMasqueradeCIDRs"`
	CIDRLimit          agentCount    `yaml:"cidrLimit"`
	MasqLinkLocal      bool          `yaml:"masqLinkLocal"`
	MasqLinkLocalIPv6  bool          `yaml:"masqLinkLocalIPv6"`
	ResyncInterval     agentDuration `yaml:"resyncInterval"`
}

// agentCIDR is a network of either family, without host bits.
type agentCIDR netip.Prefix

func (c *agentCIDR) UnmarshalText(text []byte) error {
	prefix, err := netip.ParsePrefix(string(text))
	if err == nil && prefix.Addr().Is6() && !prefix.Addr().Is4In6() {
		if prefix != prefix.Masked() {
			return fmt.Errorf("%s has host bits set, accepted: %s", document.Quote(string(text)), prefix.Masked())
		}
		*c = agentCIDR(prefix)
		return nil
	}
	prefix, err = document.ParseCIDR(string(text))
	*c = agentCIDR(prefix)
	return err
}

type agentCount int

func (c *agentCount) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 {
		return fmt.Errorf("%s is not a number of CIDRs, accepted: such as 64", document.Quote(string(text)))
	}
	*c = agentCount(n)
	return nil
}

type agentDuration time.Duration

func (d *agentDuration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%s is not a duration, accepted: such as 60s", document.Quote(string(text)))
	}
	*d = agentDuration(parsed)
	return nil
}

// IPMasqAgent converts the configuration of ip-masq-agent, in YAML or JSON. The name is
// that of the file, for errors and comments. Reserved is the agent's flag
// --nomasq-all-reserved-ranges, which counts where the file names no CIDRs. An empty file
// means the agent's defaults.
//
// Keys that the agent does not know are errors, although it overlooks them: what the file
// was meant to say is not what is in force. So is what the agent refuses, such as a CIDR
// with host bits, for it goes on with an earlier file then. Errors are of type
// *document.Error.
func IPMasqAgent(name string, data []byte, reserved bool) (Result, error) {
	doc, err := document.Parse(name, data, document.Limit)
	if err != nil {
		return Result{}, err
	}
	file := agentFile{CIDRLimit: 64, ResyncInterval: agentDuration(time.Minute)}
	if err := doc.Decode(&file); err != nil {
		return Result{}, err
	}
	if n := len(file.NonMasqueradeCIDRs); n > int(file.CIDRLimit) {
		return Result{}, doc.Errorf(agentCIDRs, "%d CIDRs, accepted: at most %d, which is cidrLimit; ip-masq-agent refuses this file and goes on with an earlier one", n, file.CIDRLimit)
	}
	excluded, ipv6 := file.excluded(doc, reserved)
	if n := len(excluded); n > config.MaxExcludeCIDRs {
		return Result{}, doc.Errorf(agentCIDRs, "%d CIDRs, accepted: at most %d, for snat.excludeCIDRs takes no more", n, config.MaxExcludeCIDRs)
	}
	notes := slices.Concat(file.notes(doc, ipv6), agentNotes)

	var out bytes.Buffer
	fmt.Fprintf(&out, "# Made from %s by snatd convert ip-masq-agent.\n", strconv.QuoteToASCII(name))
	out.WriteString(agentFacts)
	if len(excluded) == 0 {
		out.WriteString("  excludeCIDRs: []\n")
	} else {
		out.WriteString("  excludeCIDRs:\n")
	}
	for _, e := range excluded {
		fmt.Fprintf(&out, "  - %s # %s\n", e.cidr, e.from)
	}
	out.WriteString("  randomize: prng # --random-fully, which ip-masq-agent gives to iptables unless told otherwise\n")
	for _, note := range notes {
		fmt.Fprintf(&out, "# Note: %s.\n", note)
	}
	return Result{out.Bytes(), notes}, nil
}

const agentFacts = `facts:
  vpc: static # the facts file says "vpc: {cidrs: [127.0.0.0/8]}", which is nowhere: ip-masq-agent knows no VPC
  pods: kubernetes
network:
  podInterfaces: ["eni*"] # set this to the names of the interfaces that pods are behind on these nodes
snat:
`

// agentNotes hold for every file.
var agentNotes = []string{
	"ip-masq-agent knows no VPC: with facts.vpc imds, or CIDRs in the facts file, pods would keep their addresses towards the VPC too, where ip-masq-agent masquerades what is not in its list",
	"ip-masq-agent masquerades whatever leaves the node, its own and Docker's traffic too; snatd translates what comes in by network.podInterfaces, and nothing if that is wrong",
	"ip-masq-agent masquerades to the address of the interface by which a packet leaves, and to ports from 32768; snatd to the node's primary address, leaving by the primary interface, and to ports from 1024",
}

// exclusion is a network with what it is from.
type exclusion struct {
	cidr netip.Prefix
	from string
}

// excluded are the IPv4 networks towards which the agent leaves addresses alone, and those
// of IPv6 in the file.
func (f agentFile) excluded(doc *document.Document, reserved bool) (ipv4 []exclusion, ipv6 []netip.Prefix) {
	add := func(from string, cidrs ...string) {
		for _, cidr := range cidrs {
			ipv4 = append(ipv4, exclusion{netip.MustParsePrefix(cidr), from})
		}
	}
	if doc.Line(agentCIDRs) == 0 {
		add(agentCIDRs+", by default", agentPrivate...)
		if reserved {
			add("--nomasq-all-reserved-ranges", agentReserved...)
		}
	}
	// A key without a value is an empty list to the agent, not its default.
	for i, cidr := range f.NonMasqueradeCIDRs {
		prefix := netip.Prefix(cidr)
		if prefix.Addr().Is6() {
			ipv6 = append(ipv6, prefix)
			continue
		}
		key := fmt.Sprintf("%s[%d]", agentCIDRs, i)
		ipv4 = append(ipv4, exclusion{prefix, fmt.Sprintf("%s, line %d", key, doc.Line(key))})
	}
	if !f.MasqLinkLocal {
		add("masqLinkLocal is false", agentLinkLocal)
	}
	return ipv4, ipv6
}

// notes are about what this file says.
func (f agentFile) notes(doc *document.Document, ipv6 []netip.Prefix) (notes []string) {
	for _, prefix := range ipv6 {
		notes = append(notes, fmt.Sprintf("%s of %s is left out: snatd translates no IPv6, so that pods keep their IPv6 addresses everywhere", prefix, agentCIDRs))
	}
	if f.MasqLinkLocalIPv6 {
		notes = append(notes, "masqLinkLocalIPv6 is left out: snatd translates no IPv6")
	}
	if doc.Line("resyncInterval") > 0 {
		notes = append(notes, fmt.Sprintf("resyncInterval %s is left out: snatd applies changes of its files at once", time.Duration(f.ResyncInterval)))
	}
	if doc.Line("cidrLimit") > 0 {
		notes = append(notes, fmt.Sprintf("cidrLimit %d is left out: guard.maxChange holds changes that are too large", f.CIDRLimit))
	}
	return notes
}
