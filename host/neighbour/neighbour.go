// Package neighbour finds what else on the node translates the traffic of pods, uses
// snatd's mark, or drops what snatd routes, and says how to mend it.
//
// It reads the kernel: the rules of all tables of nf_tables but snatd's, ip rules, and
// /proc. It runs no program and changes nothing.
//
// # What is judged
//
// A rule translates pods' traffic if it would a new connection from one of their
// addresses, by one of their interfaces, to anywhere outside of the node, leaving by the
// primary interface, that has no mark or snatd's. What goes to a pod of the node does
// not, so that a pod which reaches itself through a Service is none. Chains are followed as the kernel
// follows them, with what their rules match: so the masquerading of kube-proxy (its own
// mark), of portmap (the same), and of Docker (its own networks) are none. What a
// connection may have or not, such as a destination, a port or a protocol, counts as if
// it had it, in each rule anew. A rule that matches by something not known here, an ipset
// for example, is taken to match nothing, whether it translates or spares. Marks that a
// rule sets for a part of the traffic, and maps that a part is found in, are not followed.
//
// A rule takes snatd's bit if it sets it, or writes it in a field that it leaves other bits
// out of. One that gives packets the bit which their connection has does what snatd does.
//
// Rules that iptables-legacy made are not in nf_tables. Of them addresses, interfaces, target
// and the name of the chain are read, and what else they match is not, so that a finding
// about them says that they may translate.
package neighbour

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// Node is what snatd does on the node, and where.
type Node struct {
	// Mark is snatd's bit.
	Mark uint32
	// PrimaryInterface is where translated packets leave.
	PrimaryInterface string
	// PodInterfaces are names; one may end in "*".
	PodInterfaces []string
	// Pods are addresses of pods. Without any, no rule is found to translate them.
	Pods []netip.Addr
}

// Look reads the kernel of the network namespace in which the calling thread is. The
// findings are in the order of the kinds, and of the kernel's chains. What can be read is
// judged even if there is an error, which says what cannot.
func Look(node Node) ([]Finding, error) {
	var findings []Finding
	var failed []error
	for _, look := range []func(Node) ([]Finding, error){lookRules, lookLegacy, lookRouting, lookFilter} {
		found, err := look(node)
		findings = append(findings, found...)
		failed = append(failed, err)
	}
	return findings, errors.Join(failed...)
}

// LookAWS tells whether the AWS plugin translates in the network namespace in which the
// calling thread is. It is an error if that cannot be seen.
func LookAWS() (bool, error) {
	var failed []error
	for _, look := range []func(Node) ([]Finding, error){lookRules, lookLegacy} {
		found, err := look(Node{}) // the plugin's chains are known by their names
		if slices.ContainsFunc(found, func(f Finding) bool { return f.Kind == AWSTranslates }) {
			return true, nil
		}
		failed = append(failed, err)
	}
	return false, errors.Join(failed...)
}

func explain(what string, err error) error {
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%s: %w: CAP_NET_ADMIN in this network namespace is needed", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
