package neighbour

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// What an operator reads.
func TestMessages(t *testing.T) {
	n := newNode(t, with("iptables-nft", awsPlugin)+`
		nft 'table ip t {
			chain early { type nat hook postrouting priority srcnat; counter; ip saddr 10.0.64.0/18 masquerade; }
			chain late { type nat hook postrouting priority 300; masquerade; }
			chain c {
				meta mark set 0x80; meta mark set 0x81
				counter
				meta mark set 0x82; meta mark set 0x83; meta mark set 0x84; meta mark set 0x85; meta mark set 0x86
			}
		}'
		iptables-legacy -t nat -A POSTROUTING -j MASQUERADE
		ip rule add pref 100 fwmark 0x80/0xff lookup 7
		ip rule add pref 101 fwmark 0x81 lookup 7
		echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter`)
	want := []string{
		"aws-snat: the AWS plugin still translates: chain ip nat AWS-SNAT-CHAIN-0 has rules",
		"translates: chain ip t early translates traffic of pods before snatd decides to which address (rule 2, such as of 10.0.65.6)",
		"translates: chain ip t late translates traffic of pods that snatd excludes (rule 1, such as of 10.0.1.5)",
		"mark-set: chain ip t c sets the bit 0x80 of a mark, by which snatd knows what to translate (rules 1, 2, 4, 5, 6 and 2 more)",
		"iptables-legacy: rules of iptables-legacy may translate traffic of pods, in POSTROUTING: what they match is not read through nftables",
		"mark-routed: the ip rule with priority 100 goes by the mark 0x80/0xff, in which snatd's bit 0x80 is",
		"mark-routed: the ip rule with priority 101 goes by the mark 0x81, in which snatd's bit 0x80 is",
		"rp-filter: the reverse path filter of eth0 is strict: answers to translated connections may be dropped",
	}
	var got []string
	for _, f := range look(t, n, testNode) {
		got = append(got, string(f.Kind)+": "+f.String())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	text, err := json.Marshal(awsTable())
	if err != nil || !strings.HasPrefix(string(text), `{"kind":"aws-cni-table","message":"the AWS plugin still marks`) {
		t.Errorf("%s, error %v", text, err)
	}
}

// Rules that go and come again, and others before them, make no other finding of it.
func TestSame(t *testing.T) {
	const script = "iptables-nft -t nat -A POSTROUTING -j MASQUERADE; iptables-nft -t mangle -A OUTPUT -j MARK --set-mark 0x80"
	n := newNode(t, script)
	before := look(t, n, testNode)
	n.Run("sh", "-ec", `
		iptables-nft -t nat -F
		iptables-nft -t mangle -F
		iptables-nft -t nat -A POSTROUTING -s 10.0.65.6 -j MASQUERADE
		iptables-nft -t mangle -A OUTPUT -j ACCEPT`+"\n"+script)
	after := look(t, n, testNode)
	if len(before) != 2 || !slices.EqualFunc(before, after, Finding.Same) || before[1].Detail == after[1].Detail {
		t.Errorf("%+v, then %+v", before, after)
	}
	if before[0].Same(before[1]) {
		t.Errorf("%+v is %+v", before[0], before[1])
	}
}

// What cannot be read does not hide what can.
func TestMissingInterface(t *testing.T) {
	n := newNode(t, "nft add table ip aws-cni")
	node := testNode
	node.PrimaryInterface = "eth7"
	var findings []Finding
	var err error
	n.Do(func() { findings, err = Look(node) })
	if err == nil || !strings.Contains(err.Error(), "reverse path filter of eth7: ") {
		t.Errorf("error %v", err)
	}
	if len(findings) != 1 || findings[0].Kind != AWSTable {
		t.Errorf("%+v", findings)
	}
}

// Looking changes nothing, not even which tables of iptables-legacy there are.
func TestLookChangesNothing(t *testing.T) {
	n := newNode(t, ":")
	look(t, n, testNode)
	if left := n.Run("nft", "list", "ruleset"); left != "" {
		t.Error(left)
	}
	if names, err := n.Try("sh", "-c", "cat "+legacyNames); err == nil && names != "" {
		t.Error(names)
	}
}
