package neighbour

import (
	"fmt"
	"net/netip"
	"strings"
)

// Kind is what is the matter; it does not change between versions.
type Kind string

// The kinds.
const (
	// AWSTranslates: the chains in which the AWS plugin translates are there.
	AWSTranslates Kind = "aws-snat"
	// AWSTable: so is the table in which it marks connections.
	AWSTable Kind = "aws-cni-table"
	// Translates: another rule translates pods' traffic.
	Translates Kind = "translates"
	// MarkSet: a rule sets snatd's bit in a mark, or has it in the field that it sets.
	MarkSet Kind = "mark-set"
	// MarkRouted: an ip rule goes by snatd's bit.
	MarkRouted Kind = "mark-routed"
	// Legacy: rules of iptables-legacy translate, and cannot be judged.
	Legacy Kind = "iptables-legacy"
	// StrictFilter: the reverse path filter drops answers to translated connections.
	StrictFilter Kind = "rp-filter"
)

// Kinds are all of them, for a metric that has one series each.
func Kinds() []Kind {
	return []Kind{AWSTranslates, AWSTable, Translates, MarkSet, MarkRouted, Legacy, StrictFilter}
}

// Finding is one thing on the node that does not go together with snatd. Those of rules
// are one for each chain.
type Finding struct {
	// Kind is a word for what it is.
	Kind Kind `json:"kind"`
	// Message says what it is, always in the same words.
	Message string `json:"message"`
	// Detail says where in the chain, if it is one; that may change with other rules.
	Detail string `json:"detail,omitempty"`
	// Fix is what to do about it.
	Fix string `json:"fix"`
}

// String is what it is and where.
func (f Finding) String() string {
	if f.Detail == "" {
		return f.Message
	}
	return f.Message + " (" + f.Detail + ")"
}

// Same tells that it is the same thing, maybe seen at another time.
func (f Finding) Same(other Finding) bool { return f.Kind == other.Kind && f.Message == other.Message }

const fixAWS = "set AWS_VPC_K8S_CNI_EXTERNALSNAT=true on the DaemonSet aws-node; it removes its rules when it starts again"

func awsChain(where string) Finding {
	return Finding{Kind: AWSTranslates, Message: "the AWS plugin still translates: " + where + " has rules", Fix: fixAWS}
}

func awsTable() Finding {
	return Finding{Kind: AWSTable, Message: "the AWS plugin still marks connections for translation: table ip aws-cni exists", Fix: fixAWS}
}

// translates is about rules of a chain, of which the first translates what comes from source.
func translates(rules []*rule, source netip.Addr, after bool) Finding {
	what := "before snatd decides to which address"
	if after {
		what = "that snatd excludes"
	}
	return Finding{Translates, fmt.Sprintf("chain %s translates traffic of pods %s", rules[0].chain, what),
		fmt.Sprintf("%s, such as of %s", positions(rules), source),
		"restrict the rule to sources that are not pods', or remove it"}
}

func setsMark(rules []*rule, bit uint32) Finding {
	return Finding{MarkSet, fmt.Sprintf("chain %s sets the bit %#x of a mark, by which snatd knows what to translate", rules[0].chain, bit),
		positions(rules), fixMark}
}

// positions are those of rules in their chain, as iptables counts them.
func positions(rules []*rule) string {
	const listed = 5
	var text strings.Builder
	for i, r := range rules {
		switch {
		case i == 0 && len(rules) == 1:
			text.WriteString("rule ")
		case i == 0:
			text.WriteString("rules ")
		case i == listed:
			fmt.Fprintf(&text, " and %d more", len(rules)-listed)
			return text.String()
		default:
			text.WriteString(", ")
		}
		fmt.Fprint(&text, r.position)
	}
	return text.String()
}

const fixMark = "choose another bit for snat.mark, or for the other program"
