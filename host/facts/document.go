// Package facts is what is known about a node, its VPC and its pods: where the
// facts are read from, what makes them consistent, and how a policy module sees
// them.
//
// A Document is facts as somebody wrote them; a Snapshot is a checked, canonical
// and immutable set of them, with one view per subject. What follows from facts
// is for policy modules to say, not for this package.
package facts

import (
	"net/netip"
	"regexp"
	"slices"

	"github.com/snatd/snatd/host/document"
)

// Limit is the size in bytes that a file with static facts may have.
const Limit = 16 << 20

// Document is facts in the form of the static facts file:
//
//	node: {name: node-a, zone: eu-west-1a, labels: {}, annotations: {}}
//	vpc: {cidrs: [10.0.0.0/16]}
//	namespaces: [{name: default, labels: {}, annotations: {}}]
//	pods: [{namespace: default, name: web-1, ip: 10.0.1.5, hostNetwork: false, serviceAccount: default, labels: {}, annotations: {}}]
//
// Only vpc.cidrs must be there, and the namespace and name of each pod and the
// name of each namespace.
type Document struct {
	Node       Node        `yaml:"node"`
	VPC        VPC         `yaml:"vpc"`
	Namespaces []Namespace `yaml:"namespaces"`
	Pods       []Pod       `yaml:"pods"`

	// source places errors in the file; nil if there is none.
	source *document.Document
}

// Node is the node that snatd runs on.
type Node struct {
	Name string `yaml:"name"`
	Zone string `yaml:"zone"`
	// Region, InstanceID and InstanceType are those of an EC2 instance.
	Region       string `yaml:"region,omitempty"`
	InstanceID   string `yaml:"instanceID,omitempty"`
	InstanceType string `yaml:"instanceType,omitempty"`
	// PrimaryAddress and Addresses are those of the primary interface. They are what
	// a recorded file says of another node; the daemon goes by its interfaces. The
	// library would take every address for empty.
	PrimaryAddress netip.Addr   `yaml:"primaryAddress"`
	Addresses      []netip.Addr `yaml:"addresses,omitempty"`
	// PrimaryInterface is its name, for the same purpose.
	PrimaryInterface string            `yaml:"primaryInterface,omitempty"`
	Labels           map[string]string `yaml:"labels"`
	Annotations      map[string]string `yaml:"annotations"`
}

// VPC is the node's VPC, as far as IPv4 goes.
type VPC struct {
	// CIDRs are every IPv4 CIDR associated with the VPC.
	CIDRs []netip.Prefix `yaml:"cidrs"`
	// Routes are those of the route table of the node's subnet.
	Routes []Route `yaml:"routes,omitempty"`
	// PrefixLists are the managed prefix lists that the operator names.
	PrefixLists []PrefixList `yaml:"prefixLists,omitempty"`
	// Peerings are the active peering connections.
	Peerings []Peering `yaml:"peerings,omitempty"`
}

// Route is a route of a VPC's route table.
type Route struct {
	CIDR netip.Prefix `yaml:"cidr"`
	// Target is "local", the ID of a gateway or of another target, such as
	// "igw-0123456789abcdef0", or Blackhole.
	Target string `yaml:"target"`
}

// Blackhole is the target of a route whose target is gone.
const Blackhole = "blackhole"

// PrefixList is a managed prefix list.
type PrefixList struct {
	ID    string         `yaml:"id"`
	Name  string         `yaml:"name,omitempty"`
	CIDRs []netip.Prefix `yaml:"cidrs"`
}

// Peering is a peering connection, with the CIDRs of the other VPC.
type Peering struct {
	ID    string         `yaml:"id"`
	CIDRs []netip.Prefix `yaml:"cidrs"`
}

// Namespace is a namespace of the cluster.
type Namespace struct {
	Name        string            `yaml:"name"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// Pod is a pod on the node. Its namespace need not be among the namespaces: it
// has no facts then.
type Pod struct {
	Namespace string `yaml:"namespace"`
	Name      string `yaml:"name"`
	// IP is the pod's address; the zero Addr until it has one.
	IP netip.Addr `yaml:"ip"`
	// HostNetwork says that the pod shares the node's address, which IP then is.
	HostNetwork    bool   `yaml:"hostNetwork"`
	ServiceAccount string `yaml:"serviceAccount"`
	// Phase is "Pending", "Running" or "Unknown"; empty if it is not known.
	Phase       string            `yaml:"phase,omitempty"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// FullName is "namespace/name".
func (p Pod) FullName() string { return p.Namespace + "/" + p.Name }

// Load reads a file with static facts. Errors name the file, the line and the
// key, and what is accepted there. What must be true of the facts together is
// for New to check.
func Load(file string) (*Document, error) {
	source, err := document.Load(file, Limit)
	if err != nil {
		return nil, err
	}
	d := &Document{source: source}
	return d, source.Decode(d)
}

// LoadRecorded is Load for a file that Encode wrote in a cluster of that family, maybe a newer
// version's: facts that are not known here are left out, and returned by their keys, each once
// whatever the number of pods that have it. What no snapshot can be made of is an error.
func LoadRecorded(file, ipFamily string) (d *Document, unknown []string, err error) {
	source, err := document.Load(file, Limit)
	if err != nil {
		return nil, nil, err
	}
	d = &Document{source: source}
	keys, err := source.DecodeKnown(d)
	if err == nil {
		err = d.check(Settings{IPFamily: ipFamily, WithoutVPC: true})
	}
	for _, key := range keys {
		key = index.ReplaceAllString(key, "[]")
		if !slices.Contains(unknown, key) {
			unknown = append(unknown, key)
		}
	}
	return d, unknown, err
}

// index is which of several a key is of.
var index = regexp.MustCompile(`\[\d+\]`)
