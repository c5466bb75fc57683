package neighbour

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/rules/nft"
)

// ourPriority is where snatd translates, among the chains of type nat at the postrouting
// hook.
const ourPriority = nft.PrioritySNAT + 10

// awsChains begin the names of those in which the AWS plugin translates.
const awsChains = "AWS-SNAT-CHAIN"

// lookRules judges what nf_tables holds.
func lookRules(node Node) ([]Finding, error) {
	k, err := dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, explain("connect to nftables", err)
	}
	defer k.close()
	s, err := read(k)
	if err != nil {
		return nil, explain("read the rules of nftables", err)
	}
	findings := s.awsFindings()
	translating, err := s.translating(node)
	if err != nil {
		err = explain("read the sets of nftables", err)
	}
	return slices.Concat(findings, translating, s.marking(node.Mark)), err
}

func (s *ruleset) awsFindings() []Finding {
	var findings []Finding
	for _, c := range s.chains {
		if strings.HasPrefix(c.name, awsChains) && len(c.rules) > 0 {
			findings = append(findings, awsChain("chain "+c.String()))
			break
		}
	}
	if slices.Contains(s.tables, awsMarks) {
		findings = append(findings, awsTable())
	}
	return findings
}

// awsMarks is the table of the AWS plugin's nft way to mark connections.
var awsMarks = tableID{unix.NFPROTO_IPV4, "aws-cni"}

// translating finds the rules that translate pods' packets.
func (s *ruleset) translating(node Node) ([]Finding, error) {
	var findings []Finding
	var failed error
	sources := map[*rule]netip.Addr{} // the first that a rule translates
	for _, base := range s.translatingChains() {
		found := map[*rule]bool{}
		after := base.priority > ourPriority
		for _, p := range node.packets() {
			if after && p.mark != 0 {
				continue // already translated by snatd
			}
			w := &walk{rules: s, packet: p, found: func(r *rule) {
				if _, known := sources[r]; !known && !strings.HasPrefix(r.chain.name, awsChains) {
					sources[r] = p.source
					found[r] = true
				}
			}}
			w.chain(base, all)
			failed = errors.Join(failed, w.err)
		}
		for _, c := range s.chains {
			if rules := slices.DeleteFunc(slices.Clone(c.rules), func(r *rule) bool { return !found[r] }); len(rules) > 0 {
				findings = append(findings, translates(rules, sources[rules[0]], after))
			}
		}
	}
	return findings, failed
}

// translatingChains are those in which sources of IPv4 are translated, in the order in
// which packets meet them.
func (s *ruleset) translatingChains() []*chain {
	var chains []*chain
	for _, c := range s.chains {
		inet := c.table.family == unix.NFPROTO_IPV4 || c.table.family == unix.NFPROTO_INET
		if inet && c.kind == "nat" && c.hook == unix.NF_INET_POST_ROUTING {
			chains = append(chains, c)
		}
	}
	slices.SortStableFunc(chains, func(a, b *chain) int { return cmp.Compare(a.priority, b.priority) })
	return chains
}
