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

// Whatever is not exactly the rule of a mark is told.
func TestCheckRouting(t *testing.T) {
	nstest.Need(t, "ip", "iproute2")
	const mark = 0x80
	tests := map[string]struct {
		by              string // arguments of "ip rule add", in place of our rule
		missing, others []uint32
	}{
		"nothing":              {"", []uint32{mark}, nil},
		"the same":             {"fwmark 0x80/0x80 lookup main priority 1025 protocol 83", nil, nil},
		"another table":        {"fwmark 0x80/0x80 lookup 100 priority 1025 protocol 83", []uint32{mark}, []uint32{mark}},
		"another priority":     {"fwmark 0x80/0x80 lookup main priority 1026 protocol 83", []uint32{mark}, []uint32{mark}},
		"another mask":         {"fwmark 0x80/0xff lookup main priority 1025 protocol 83", []uint32{mark}, []uint32{mark}},
		"a source":             {"from 10.0.0.1 fwmark 0x80/0x80 lookup main priority 1025 protocol 83", []uint32{mark}, []uint32{mark}},
		"a protocol of IP":     {"fwmark 0x80/0x80 ipproto tcp lookup main priority 1025 protocol 83", []uint32{mark}, []uint32{mark}},
		"no default route":     {"fwmark 0x80/0x80 lookup main suppress_prefixlength 0 priority 1025 protocol 83", []uint32{mark}, []uint32{mark}},
		"another mark":         {"fwmark 0x40/0x40 lookup main priority 1025 protocol 83", []uint32{mark}, []uint32{0x40}},
		"another program's":    {"fwmark 0x80/0x80 lookup main priority 1025 protocol static", []uint32{mark}, nil},
		"others without marks": {"from 10.0.0.1 lookup 100 priority 1025 protocol 83", []uint32{mark}, []uint32{0}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n := nstest.New(t)
			if test.by != "" {
				n.Run("ip", append([]string{"rule", "add"}, strings.Fields(test.by)...)...)
			}
			routing := open(t, n)
			missing, others, err := routing.CheckRouting(mark)
			if err != nil || !slices.Equal(missing, test.missing) || !slices.Equal(others, test.others) {
				t.Errorf("missing %#x, others %#x, error %v; want %#x, %#x", missing, others, err, test.missing, test.others)
			}
			if err := errors.Join(routing.AddRouting(mark), routing.PruneRouting(mark)); err != nil {
				t.Fatal(err)
			}
			if missing, others, err := routing.CheckRouting(mark); len(missing)+len(others) > 0 || err != nil {
				t.Errorf("then missing %#x, others %#x, error %v", missing, others, err)
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
