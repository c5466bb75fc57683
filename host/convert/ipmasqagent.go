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
	agentInterval  = "resyncInterval"
)

// agentFile is ip-masq-agent's configuration file.
type agentFile struct {
	NonMasqueradeCIDRs []agentCIDR   `yaml:"nonMasqueradeCIDRs"`
	CIDRLimit          int           `yaml:"cidrLimit"`
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

type agentDuration time.Duration

func (d *agentDuration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%s is not a duration, accepted: such as 60s", document.Quote(string(text)))
	}
	*d = agentDuration(parsed)
	return nil
}

// AgentFlags are those of ip-masq-agent's flags by which its file means something else.
type AgentFlags struct {
	// AllReservedRanges is --nomasq-all-reserved-ranges, which counts where the file names
	// no CIDRs.
	AllReservedRanges bool
	// EnableIPv6 is --enable-ipv6, without which the agent refuses a file with CIDRs of IPv6.
	EnableIPv6 bool
}

// IPMasqAgent converts the configuration of ip-masq-agent, in YAML or JSON. The name is
// that of the file, for errors and comments. An empty file means the agent's defaults.
//
// Keys that are not spelt as the agent's page has them are errors, although it reads them
// in upper and lower case alike and overlooks those that it does not know: what the file
// was meant to say may not be what is in force. So is what the agent refuses, such as a
// CIDR with host bits, for it goes on with an earlier file then. Errors are of type
// *document.Error.
func IPMasqAgent(name string, data []byte, flags AgentFlags) (Result, error) {
	doc, err := document.Parse(name, data, document.Limit)
	if err != nil {
		return Result{}, err
	}
	file := agentFile{CIDRLimit: 64}
	if err := doc.Decode(&file); err != nil {
		return Result{}, err
	}
	if err := file.check(doc, flags); err != nil {
		return Result{}, err
	}
	excluded, ipv6 := file.excluded(doc, flags)
	if n := len(excluded); n > config.MaxExcludeCIDRs {
		return Result{}, doc.Errorf(agentCIDRs, "%d CIDRs, accepted: at most %d, for snat.excludeCIDRs takes no more", n, config.MaxExcludeCIDRs)
	}
	notes := slices.Concat(file.notes(doc, flags, ipv6), agentNotes)

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

// check refuses what the agent does, beyond single values.
func (f agentFile) check(doc *document.Document, flags AgentFlags) error {
	const refuses = "ip-masq-agent refuses this file and goes on with an earlier one"
	n := len(f.NonMasqueradeCIDRs)
	if doc.Line(agentCIDRs) == 0 {
		n = len(agentDefault(flags))
	}
	if n > f.CIDRLimit {
		return doc.Errorf(agentCIDRs, "%d CIDRs, accepted: at most %d, which is cidrLimit; %s", n, f.CIDRLimit, refuses)
	}
	for i, cidr := range f.NonMasqueradeCIDRs {
		if prefix := netip.Prefix(cidr); prefix.Addr().Is6() && !flags.EnableIPv6 {
			return doc.Errorf(fmt.Sprintf("%s[%d]", agentCIDRs, i),
				"%s is IPv6, accepted: IPv4 CIDRs, or --enable-ipv6 here too if the agent runs with it; without it %s", prefix, refuses)
		}
	}
	if doc.Line(agentInterval) > 0 && f.ResyncInterval == 0 {
		return doc.Errorf(agentInterval, "no time, accepted: such as 60s")
	}
	return nil
}

// exclusion is a network with what it is from.
type exclusion struct {
	cidr netip.Prefix
	from string
}

// agentDefault is what the agent leaves alone where its file names no CIDRs.
func agentDefault(flags AgentFlags) []exclusion {
	exclusions := exclusionsOf(agentCIDRs+", by default", agentPrivate...)
	if flags.AllReservedRanges {
		exclusions = append(exclusions, exclusionsOf("--nomasq-all-reserved-ranges", agentReserved...)...)
	}
	return exclusions
}

func exclusionsOf(from string, cidrs ...string) (exclusions []exclusion) {
	for _, cidr := range cidrs {
		exclusions = append(exclusions, exclusion{netip.MustParsePrefix(cidr), from})
	}
	return exclusions
}

// excluded are the IPv4 networks towards which the agent leaves addresses alone, and those
// of IPv6 in the file.
func (f agentFile) excluded(doc *document.Document, flags AgentFlags) (ipv4 []exclusion, ipv6 []netip.Prefix) {
	if doc.Line(agentCIDRs) == 0 {
		ipv4 = agentDefault(flags)
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
		ipv4 = append(ipv4, exclusionsOf("masqLinkLocal is false", agentLinkLocal)...)
	}
	return ipv4, ipv6
}

// notes are about what this file says.
func (f agentFile) notes(doc *document.Document, flags AgentFlags, ipv6 []netip.Prefix) (notes []string) {
	if flags.EnableIPv6 {
		notes = append(notes, "with --enable-ipv6 ip-masq-agent masquerades IPv6 too; snatd translates none")
	}
	for _, prefix := range ipv6 {
		notes = append(notes, fmt.Sprintf("%s of %s is left out: snatd translates no IPv6, so that pods keep their IPv6 addresses everywhere", prefix, agentCIDRs))
	}
	if f.MasqLinkLocalIPv6 {
		notes = append(notes, "masqLinkLocalIPv6 is left out: snatd translates no IPv6")
	}
	if doc.Line(agentInterval) > 0 {
		notes = append(notes, fmt.Sprintf("resyncInterval %s is left out: snatd applies changes of its files at once", time.Duration(f.ResyncInterval)))
	}
	if doc.Line("cidrLimit") > 0 {
		notes = append(notes, fmt.Sprintf("cidrLimit %d is left out: guard.maxChange holds changes that are too large", f.CIDRLimit))
	}
	return notes
}
