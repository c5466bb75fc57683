package dataplane

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/nstest"
)

// ipRules lists the rules beside those that every namespace has.
func ipRules(n *nstest.Namespace) []string {
	var rules []string
	for line := range strings.Lines(n.Run("ip", "-details", "rule")) {
		fields := strings.Fields(line)
		if !slices.Contains([]string{"0:", "32766:", "32767:"}, fields[0]) {
			rules = append(rules, strings.Join(fields, " "))
		}
	}
	return rules
}

const (
	ours   = "1025: from all fwmark 0x80/0x80 lookup main proto 83"
	theirs = "1024: from all fwmark 0x80/0x80 lookup main proto boot"
)

func TestRouting(t *testing.T) {
	nstest.Need(t, "ip", "iproute2")
	tests := map[string]struct {
		before  [][]string // arguments of "ip rule add"
		ensured []string
		removed []string
	}{
		"nothing there": {ensured: []string{ours}},
		"ours is there": {
			before:  [][]string{{"fwmark", "0x80/0x80", "lookup", "main", "priority", "1025", "protocol", "83"}},
			ensured: []string{ours},
		},
		"the same of another program's, before ours": {
			before:  [][]string{{"fwmark", "0x80/0x80", "lookup", "main", "priority", "1024", "protocol", "boot"}},
			ensured: []string{theirs, ours},
			removed: []string{theirs},
		},
		"ours with another mark": {
			before:  [][]string{{"fwmark", "0x40/0x40", "lookup", "main", "priority", "1025", "protocol", "83"}},
			ensured: []string{ours},
		},
		"ours with another table, priority, mask or source": {
			before: [][]string{
				{"fwmark", "0x80/0x80", "lookup", "100", "priority", "1025", "protocol", "83"},
				{"fwmark", "0x80/0x80", "lookup", "main", "priority", "1024", "protocol", "83"},
				{"fwmark", "0x80", "lookup", "main", "priority", "1025", "protocol", "83"},
				{"fwmark", "0x80/0x80", "from", "10.0.0.1", "lookup", "main", "priority", "1025", "protocol", "83"},
				{"fwmark", "0x80/0x80", "iif", "lo", "lookup", "main", "priority", "1025", "protocol", "83"},
			},
			ensured: []string{ours},
		},
		"other rules": {
			before: [][]string{
				{"fwmark", "0x40/0x40", "lookup", "main", "priority", "1024", "protocol", "boot"},
				{"from", "10.0.1.5", "lookup", "2", "priority", "1536", "protocol", "boot"},
			},
			ensured: []string{"1024: from all fwmark 0x40/0x40 lookup main proto boot", ours, "1536: from 10.0.1.5 lookup 2 proto boot"},
			removed: []string{"1024: from all fwmark 0x40/0x40 lookup main proto boot", "1536: from 10.0.1.5 lookup 2 proto boot"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n := nstest.New(t)
			for _, rule := range test.before {
				n.Run("ip", append([]string{"rule", "add"}, rule...)...)
			}
			routing := open(t, n)
			for range 2 {
				if err := errors.Join(routing.AddRouting(0x80), routing.PruneRouting(0x80)); err != nil {
					t.Fatal(err)
				}
				if got := withoutUnicast(ipRules(n)); !slices.Equal(got, test.ensured) {
					t.Fatalf("ip rules\n%q, want\n%q", got, test.ensured)
				}
			}
			for range 2 {
				if err := routing.PruneRouting(); err != nil {
					t.Fatal(err)
				}
				if got := withoutUnicast(ipRules(n)); !slices.Equal(got, test.removed) {
					t.Fatalf("after removal ip rules\n%q, want\n%q", got, test.removed)
				}
			}
		})
	}
}

// withoutUnicast drops the word that only some versions of ip print.
func withoutUnicast(rules []string) []string {
	for i, rule := range rules {
		rules[i] = strings.Replace(rule, ": unicast from", ": from", 1)
	}
	return rules
}

// The plugin of AWS adds its rule beside ours, and removes its own only.
func TestRoutingBesideAnIdenticalRule(t *testing.T) {
	nstest.Need(t, "ip", "iproute2")
	n := nstest.New(t)
	routing := open(t, n)
	if err := routing.AddRouting(0x80); err != nil {
		t.Fatal(err)
	}
	rule := []string{"fwmark", "0x80/0x80", "lookup", "main", "priority", "1024", "protocol", "boot"}
	n.Run("ip", append([]string{"rule", "add"}, rule...)...)
	if got, want := withoutUnicast(ipRules(n)), []string{theirs, ours}; !slices.Equal(got, want) {
		t.Fatalf("ip rules\n%q, want\n%q", got, want)
	}
	// At its restart the plugin deletes its rule without naming a protocol.
	n.Run("ip", "rule", "del", "fwmark", "0x80/0x80", "lookup", "main", "priority", "1024")
	n.Run("ip", append([]string{"rule", "add"}, rule...)...)
	if got, want := withoutUnicast(ipRules(n)), []string{theirs, ours}; !slices.Equal(got, want) {
		t.Fatalf("after the plugin's restart ip rules\n%q, want\n%q", got, want)
	}
	if err := routing.PruneRouting(); err != nil {
		t.Fatal(err)
	}
	if got, want := withoutUnicast(ipRules(n)), []string{theirs}; !slices.Equal(got, want) {
		t.Fatalf("ip rules\n%q, want\n%q", got, want)
	}
}

func TestExplainRule(t *testing.T) {
	tests := map[error]string{
		unix.EPERM:      "not permitted: " + needCapability,
		unix.EOPNOTSUPP: "not supported by this kernel: no policy routing: snatd needs CONFIG_IP_MULTIPLE_TABLES",
		unix.EINVAL:     "invalid argument",
	}
	for err, want := range tests {
		if got := explainRule(err); got.Error() != want {
			t.Errorf("error %v, want %s", got, want)
		}
	}
	if err := explainRule(unix.EPERM); !errors.Is(err, ErrPermission) {
		t.Errorf("error %v is not %v", err, ErrPermission)
	}
}
