package main

import (
	"encoding/binary"
	"net/netip"

	"github.com/snatd/snatd/rules"
)

// mostExcluded is the longest list of excluded CIDRs; shorter ones are parts of
// it.
const mostExcluded = 5000

// The excluded CIDRs are /24s from firstExcluded on, this many /24s apart, so
// that no two can be merged and the last is below 127.0.0.0/8.
const stride = 1500

var firstExcluded = binary.BigEndian.Uint32([]byte{11, 0, 0, 0})

// excluded returns n CIDRs that are spread over the same range for every n.
func excluded(n int) []netip.Prefix {
	all := make([]netip.Prefix, n)
	for i := range all {
		all[i] = netip.PrefixFrom(slash24(i*mostExcluded/n, 0), 24)
	}
	return all
}

// spread returns the first n of CIDRs no two of which can be merged: those for a
// smaller number, and more.
func spread(n int) []netip.Prefix {
	const apart = 700 // the last of 10,000 is below 127.0.0.0/8
	all := make([]netip.Prefix, n)
	for i := range all {
		all[i] = netip.PrefixFrom(slash24(0, i*apart), 24)
	}
	return all
}

// translated returns an address that no list of excluded CIDRs covers, another
// for each i below 5,000 x 256. Consecutive ones lie far apart, between other
// excluded CIDRs, as a node's destinations do.
func translated(i int) netip.Addr {
	const step = 2003 // prime to mostExcluded, so that every gap has its turn
	addr := slash24(i*step%mostExcluded, 1).As4()
	addr[3] = byte(i / mostExcluded)
	return netip.AddrFrom4(addr)
}

// slash24 is the first address of a /24 behind the nth CIDR of the longest list.
func slash24(n, behind int) netip.Addr {
	var addr [4]byte
	binary.BigEndian.PutUint32(addr[:], firstExcluded+uint32(n*stride+behind)<<8)
	return netip.AddrFrom4(addr)
}

// network is a node as snatd finds it on EKS.
var network = rules.Network{
	PodInterfaces:    []string{"eni*"},
	ExemptInterfaces: []string{"vlan*"},
	Primary:          nodeAddr,
	Mark:             0x80,
	Randomize:        rules.RandomizePRNG,
	NodePorts:        true,
	PrimaryInterface: "eth0",
}

// decisions is what the default module answers if n CIDRs are excluded.
func decisions(n int) []rules.Decision { return excluding(excluded(n)) }

// excluding is what the default module answers if these CIDRs are excluded.
func excluding(cidrs []netip.Prefix) []rules.Decision {
	d := rules.Decision{Module: "default"}
	for _, p := range cidrs {
		d.Entries = append(d.Entries, rules.Entry{Prefix: p, Outcome: rules.Outcome{Action: rules.Exclude}})
	}
	everywhere := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	d.Entries = append(d.Entries, rules.Entry{Prefix: everywhere, Outcome: rules.Outcome{Action: rules.Translate}})
	return []rules.Decision{d}
}

// differing is what a drop-in and the default module answer for a pod that is
// not treated as the node is: one more network is excluded.
func differing(n int, more netip.Prefix) []rules.Decision {
	dropIn := rules.Decision{Module: "50-bench", Entries: []rules.Entry{
		{Prefix: more, Outcome: rules.Outcome{Action: rules.Exclude}},
	}}
	return append([]rules.Decision{dropIn}, decisions(n)...)
}

// peered is a network that drop-ins of the benchmarks exclude.
var peered = netip.MustParsePrefix("172.31.0.0/16")

// podSubject is the nth pod of a node, n below 65,536.
func podSubject(n int) rules.Subject {
	addr := netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)})
	return rules.Subject{Name: "default/pod-" + addr.String(), Addr: addr}
}

// differingPods are n pods that one drop-in makes differ from the node.
func differingPods(n, cidrs int) []rules.Decided {
	pods := make([]rules.Decided, n)
	for i := range pods {
		pods[i] = rules.Decided{Subject: podSubject(i), Decisions: differing(cidrs, peered)}
	}
	return pods
}
