package neighbour

import "fmt"

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

// Finding is one thing on the node that does not go together with snatd.
type Finding struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
	Fix     string `json:"fix"`
}

const fixAWS = "set AWS_VPC_K8S_CNI_EXTERNALSNAT=true on the DaemonSet aws-node; it removes its rules when it starts again"

func awsChain(where string) Finding {
	return Finding{AWSTranslates, "the AWS plugin still translates: " + where + " has rules", fixAWS}
}

func awsTable() Finding {
	return Finding{AWSTable, "the AWS plugin still marks connections for translation: table ip aws-cni exists", fixAWS}
}

func translates(r *rule, source string, after bool) Finding {
	what := "translates traffic of pods, such as " + source + ", before snatd decides to which address"
	if after {
		what = "translates traffic of pods, such as " + source + ", that snatd excludes"
	}
	return Finding{Translates, r.String() + " " + what,
		"restrict the rule to sources that are not pods', or remove it"}
}

func setsMark(r *rule, bit uint32) Finding {
	return Finding{MarkSet, fmt.Sprintf("%s sets the bit %#x of a mark, by which snatd knows what to translate", r, bit), fixMark}
}

const fixMark = "choose another bit for snat.mark, or for the other program"
