package dataplane

import (
	"errors"
	"maps"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

func TestApplyEmptyPlan(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	apply(t, d, nil)
	if exists, err := d.Exists(rules.TableName); exists || err != nil {
		t.Errorf("exists %v, error %v", exists, err)
	}
}

func TestReplace(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	for _, state := range []string{"absent", "present", "changed by another"} {
		if state == "changed by another" {
			d := open(t, n)
			apply(t, d, nft.Plan{nft.AddChain{Table: rules.TableName, Name: "foreign"}})
		}
		apply(t, d, rules.Replace(ruleset("10.0.0.0/16")).Ops)
		if exists, err := d.Exists(rules.TableName); !exists || err != nil {
			t.Errorf("%s: exists %v, error %v", state, exists, err)
		}
		if strings.Contains(list(t, n), "foreign") {
			t.Errorf("%s: a foreign chain is still there", state)
		}
	}
}

// A refused transaction says why, and changes nothing; the next one is not disturbed
// by the answers to it.
func TestRefused(t *testing.T) {
	const table = rules.TableName
	to := func(m string, elements ...nft.Element) nft.Op {
		return nft.AddElements{Table: table, Map: m, Interval: true, Elements: elements}
	}
	harmless := nft.AddChain{Table: table, Name: "harmless"}
	tests := map[string]struct {
		plan nft.Plan
		kind error
		code error
		want string
	}{
		"overlapping intervals": {
			plan: nft.Plan{harmless, to("c_node", span("20.0.0.0", "20.0.0.9", nft.Accept())), to("c_node", span("20.0.0.5", "20.0.0.20", nft.Accept()))},
			kind: ErrOutOfStep, code: unix.EEXIST,
			want: "add 1 elements to map c_node: the kernel's table is not what the plan expects: file exists",
		},
		"a map that exists": {
			plan: nft.Plan{harmless, nft.AddMap{Table: table, Name: "c_node"}},
			kind: ErrOutOfStep, code: unix.EEXIST,
			want: "add map ip snatd c_node { type ipv4_addr : verdict; }: the kernel's table is not what the plan expects: file exists",
		},
		"a map that is missing": {
			plan: nft.Plan{harmless, to("c_gone", single("20.0.0.0", nft.Accept()))},
			kind: ErrOutOfStep, code: unix.ENOENT,
			want: "add 1 elements to map c_gone: the kernel's table is not what the plan expects: no such file or directory",
		},
		"a chain in use": {
			plan: nft.Plan{harmless, nft.FlushChain{Table: table, Name: "translate"}, nft.DeleteChain{Table: table, Name: "translate"}},
			kind: ErrOutOfStep, code: unix.EBUSY,
			want: "delete chain ip snatd translate: the kernel's table is not what the plan expects: device or resource busy",
		},
		"a table that is missing": {
			plan: nft.Plan{harmless, nft.DeleteTable{Table: "other"}},
			kind: ErrOutOfStep, code: unix.ENOENT,
			want: "delete table ip other: the kernel's table is not what the plan expects: no such file or directory",
		},
		"nat in a chain that is not of type nat": {
			plan: nft.Plan{harmless, nft.AddRule{Table: table, Chain: "prerouting", Rule: nft.Rule{nft.NAT{Kind: "snat", To: network().Primary}}}},
			kind: ErrUnsupported, code: unix.EOPNOTSUPP,
			want: "add rule ip snatd prerouting snat to 10.0.0.10: not supported by this kernel: operation not supported; " + needKernel,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n := nstest.New(t)
			d := open(t, n)
			apply(t, d, create(ruleset("10.0.0.0/16")))
			before := list(t, n)
			err := commit(d, test.plan)
			if err == nil || err.Error() != test.want {
				t.Errorf("error\n%v, want\n%s", err, test.want)
			}
			if !errors.Is(err, test.kind) || !errors.Is(err, test.code) {
				t.Errorf("error %v is not %v and %v", err, test.kind, test.code)
			}
			if after := list(t, n); after != before {
				t.Errorf("a refused transaction changed the table to\n%s", after)
			}
			apply(t, d, nft.Plan{harmless})
			if !strings.Contains(list(t, n), "harmless") {
				t.Error("the transaction after the refused one has no effect")
			}
		})
	}
}

// If a phase is refused, what was made before it is there and nothing refers to it;
// those behind it are not sent, and a plan that replaces the table heals all.
func TestRefusedPhase(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	held := ruleset("10.0.0.0/16")
	apply(t, d, create(held))
	before := list(t, n)
	next := ruleset("10.0.0.0/16")
	next.Classes = append(next.Classes, class("c_own", "192.168.0.0/16"))
	next.Pods = []rules.Member{{Addr: netip.MustParseAddr(podAddr), Class: "c_own"}}
	const table = rules.TableName
	plan := append(nft.Diff(held.Table(), next.Table()),
		nft.AddElements{Table: table, Map: "c_gone", Elements: []nft.Element{single("20.0.0.0", nft.Accept())}},
		nft.DeleteMap{Table: table, Name: "c_node"})
	err := d.Apply(plan)
	if want := "add 1 elements to map c_gone: the kernel's table is not what the plan expects: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("error\n%v, want\n%s", err, want)
	}
	after := list(t, n)
	if !strings.Contains(after, "map c_own") || strings.Contains(after, "goto c_own") || !strings.Contains(after, "map c_node") {
		t.Errorf("a plan whose second phase is refused leaves\n%s", after)
	}
	apply(t, d, rules.Replace(held).Ops)
	if after := list(t, n); sorted(after) != sorted(before) {
		t.Errorf("replaced, the table is\n%s, want\n%s", after, before)
	}
}

// What has no encoding is refused before anything is sent.
func TestNoEncoding(t *testing.T) {
	const table = rules.TableName
	rule := func(e nft.Expr) nft.Op {
		return nft.AddRule{Table: table, Chain: "prerouting", Rule: nft.Rule{e}}
	}
	elements := func(interval bool, e nft.Element) nft.Op {
		return nft.AddElements{Table: table, Map: "pods", Interval: interval, Elements: []nft.Element{e}}
	}
	tests := map[string]nft.Op{
		`hook "input": accepted are prerouting and postrouting`:                                                 nft.AddChain{Table: table, Name: "x", Hook: &nft.Hook{Type: "filter", Point: "input"}},
		`chain type "route": accepted are filter and nat`:                                                       nft.AddChain{Table: table, Name: "x", Hook: &nft.Hook{Type: "route", Point: "prerouting"}},
		"match of an interface without a pattern":                                                               rule(nft.InputInterface{}),
		`interface "abcdefghijklmnop": accepted is a name of 1 to 15 characters, at its end a * for any others`: rule(nft.InputInterface{Patterns: []string{"abcdefghijklmnop"}}),
		`interface "*": accepted is a name of 1 to 15 characters, at its end a * for any others`:                rule(nft.OutputInterface{Patterns: []string{"*"}}),
		`mark "ct": accepted are ct mark and meta mark`:                                                         rule(nft.SetMark{Mark: "ct", Mask: 1}),
		`mark "": accepted are ct mark and meta mark`:                                                           rule(nft.MarkIsSet{}),
		`address "ip6 saddr": accepted are ip saddr and ip daddr`:                                               rule(nft.Lookup{Address: "ip6 saddr"}),
		`snat to invalid IP: accepted is an IPv4 address`:                                                       rule(nft.NAT{Kind: "snat"}),
		`address translation "masquerade": accepted are snat and dnat`:                                          rule(nft.NAT{Kind: "masquerade", To: network().Primary}),
		`port choice "some": accepted are nothing, random and fully-random`:                                     rule(nft.NAT{Kind: "snat", To: network().Primary, Ports: "some"}),
		`verdict "drop": accepted are accept, return, continue, and goto with a chain`:                          rule(nft.Verdict{Kind: "drop"}),
		`element 10.0.0.2-10.0.0.1: accepted are IPv4 addresses in ascending order`:                             elements(true, span("10.0.0.2", "10.0.0.1", nft.Accept())),
		`element ::1-::1: accepted are IPv4 addresses in ascending order`:                                       elements(true, single("::1", nft.Accept())),
		`element 10.0.0.1-10.0.0.2: a map without intervals takes single addresses`:                             elements(false, span("10.0.0.1", "10.0.0.2", nft.Accept())),
	}
	mapNAT := func(e nft.MapNAT) nft.Op { e.Map = "s_x"; return rule(e) }
	both := single("10.0.0.1", nft.Accept())
	both.Address = network().Primary
	ipv6 := single("10.0.0.1", nft.Verdict{})
	ipv6.Address = netip.MustParseAddr("fd00::1")
	maps.Copy(tests, map[string]nft.Op{
		`address "": accepted are ip saddr and ip daddr`:                         mapNAT(nft.MapNAT{Kind: "snat"}),
		`address translation "": accepted are snat and dnat`:                     mapNAT(nft.MapNAT{Address: nft.SourceAddress}),
		`port choice "few": accepted are nothing, random and fully-random`:       mapNAT(nft.MapNAT{Kind: "snat", Address: nft.SourceAddress, Ports: "few"}),
		`element 10.0.0.1 : 10.0.0.10: accepted is an IPv4 address or a verdict`: elements(false, both),
		`element 10.0.0.1 : fd00::1: accepted is an IPv4 address or a verdict`:   elements(false, ipv6),
	})
	n := nstest.New(t)
	d := open(t, n)
	for want, op := range tests {
		err := d.Apply(nft.Plan{nft.AddTable{Table: table}, op})
		failed := (*ApplyError)(nil)
		if !errors.As(err, &failed) || failed.Err.Error() != want || !errors.Is(err, ErrRefused) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if exists, err := d.Exists(table); exists || err != nil {
		t.Errorf("exists %v, error %v", exists, err)
	}
}

// Without the machine's root the kernel limits what fits into a socket; with
// it, the limit is lifted, and the test takes it back.
func TestTooLarge(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	limit(t, d, unix.SO_SNDBUF)
	err := d.Apply(create(intervals(2_000)))
	want := "apply a plan: too large for one transaction: sendmsg: message too long; " +
		"raise /proc/sys/net/core/wmem_max on the machine, or run snatd as the machine's root"
	if !errors.Is(err, ErrTooLarge) || err.Error() != want {
		t.Errorf("error\n%v, want\n%s", err, want)
	}
	if exists, err := d.Exists(rules.TableName); exists || err != nil {
		t.Errorf("exists %v, error %v", exists, err)
	}
	apply(t, d, create(ruleset("10.0.0.0/16")))
}

// Answers that do not fit are lost. The caller hears that it cannot know, and
// can go on.
func TestLostAnswers(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	limit(t, d, unix.SO_RCVBUF)
	plan := create(ruleset("10.0.0.0/16"))
	for range 100 {
		plan = append(plan, nft.FlushChain{Table: rules.TableName, Name: "c_node"})
	}
	err := d.Apply(plan)
	want := "apply a plan: the kernel's answer was lost: recvmsg: no buffer space available"
	if !errors.Is(err, ErrInDoubt) || err.Error() != want {
		t.Errorf("error\n%v, want\n%s", err, want)
	}
	apply(t, d, nft.Plan{nft.AddTable{Table: rules.TableName}, nft.DeleteTable{Table: rules.TableName}})
	if exists, err := d.Exists(rules.TableName); exists || err != nil {
		t.Errorf("exists %v, error %v", exists, err)
	}
}

// limit makes a buffer of the socket as small as the kernel allows.
func limit(t *testing.T, d *Dataplane, option int) {
	t.Helper()
	raw, err := d.socket.conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, 1) })
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
}
