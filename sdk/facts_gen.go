// Code generated from schema/facts.json by schema/gen. DO NOT EDIT.

package sdk

import (
	"net/netip"

	"github.com/snatd/snatd/sdk/abi"
)

// SubjectKind returns the fact subject.kind. "pod", or "node" for pod traffic
// whose pod is not known (yet). False if it is absent.
func (f Facts) SubjectKind() (string, bool) {
	return f.Fact(abi.KeySubjectKind)
}

// ClusterIPFamily returns the fact cluster.ip_family. "ipv4" or "ipv6": the
// family of the cluster's pod addresses. False if it is absent.
func (f Facts) ClusterIPFamily() (string, bool) {
	return f.Fact(abi.KeyClusterIPFamily)
}

// NodeName returns the fact node.name. The node's name. False if it is absent.
func (f Facts) NodeName() (string, bool) {
	return f.Fact(abi.KeyNodeName)
}

// NodeZone returns the fact node.zone. The node's availability zone, such as
// eu-west-1a. False if it is absent.
func (f Facts) NodeZone() (string, bool) {
	return f.Fact(abi.KeyNodeZone)
}

// NodeRegion returns the fact node.region. The AWS region, such as eu-west-1.
// False if it is absent.
func (f Facts) NodeRegion() (string, bool) {
	return f.Fact(abi.KeyNodeRegion)
}

// NodeInstanceID returns the fact node.instance_id. The node's EC2 instance ID.
// False if it is absent.
func (f Facts) NodeInstanceID() (string, bool) {
	return f.Fact(abi.KeyNodeInstanceID)
}

// NodeInstanceType returns the fact node.instance_type. The node's EC2 instance
// type, such as m5.large. False if it is absent.
func (f Facts) NodeInstanceType() (string, bool) {
	return f.Fact(abi.KeyNodeInstanceType)
}

// NodePrimaryAddress returns the fact node.primary_address. The primary private
// IPv4 address of the primary network interface: what "translate" translates
// to. False if it is absent.
func (f Facts) NodePrimaryAddress() (netip.Addr, bool, error) {
	return f.address(abi.KeyNodePrimaryAddress)
}

// NodeAddress returns the fact node.address.<key>. "primary" or "secondary",
// for each IPv4 address that the primary network interface holds, by the
// address: what a policy may translate to if that is granted. False if it is
// absent.
func (f Facts) NodeAddress(key string) (string, bool) {
	return f.Fact(abi.KeyNodeAddress + key)
}

// NodeAddressKeys returns the sorted keys that NodeAddress has a value for.
func (f Facts) NodeAddressKeys() []string {
	return f.keys(abi.KeyNodeAddress)
}

// NodeLabel returns the fact node.label.<key>. A label of the node. False if it
// is absent.
func (f Facts) NodeLabel(key string) (string, bool) {
	return f.Fact(abi.KeyNodeLabel + key)
}

// NodeLabelKeys returns the sorted keys that NodeLabel has a value for.
func (f Facts) NodeLabelKeys() []string {
	return f.keys(abi.KeyNodeLabel)
}

// NodeAnnotation returns the fact node.annotation.<key>. An annotation of the
// node. False if it is absent.
func (f Facts) NodeAnnotation(key string) (string, bool) {
	return f.Fact(abi.KeyNodeAnnotation + key)
}

// NodeAnnotationKeys returns the sorted keys that NodeAnnotation has a value for.
func (f Facts) NodeAnnotationKeys() []string {
	return f.keys(abi.KeyNodeAnnotation)
}

// VPCCIDRs returns the fact vpc.cidrs. Every IPv4 CIDR associated with the VPC.
// False if it is absent; an empty list is not.
func (f Facts) VPCCIDRs() ([]netip.Prefix, bool, error) {
	return f.prefixes(abi.KeyVPCCIDRs)
}

// VPCRoute returns the fact vpc.route.<key>. The target of a route in the route
// table of the node's subnet, by the route's IPv4 CIDR: local, the ID of a
// gateway or of another target, such as igw-0123456789abcdef0, or blackhole if
// the target is gone. False if it is absent.
func (f Facts) VPCRoute(key string) (string, bool) {
	return f.Fact(abi.KeyVPCRoute + key)
}

// VPCRouteKeys returns the sorted keys that VPCRoute has a value for.
func (f Facts) VPCRouteKeys() []string {
	return f.keys(abi.KeyVPCRoute)
}

// VPCPrefixList returns the fact vpc.prefixlist.<key>. The IPv4 CIDRs of a
// managed prefix list that the operator names, by its ID and by its name. False
// if it is absent; an empty list is not.
func (f Facts) VPCPrefixList(key string) ([]netip.Prefix, bool, error) {
	return f.prefixes(abi.KeyVPCPrefixList + key)
}

// VPCPrefixListKeys returns the sorted keys that VPCPrefixList has a value for.
func (f Facts) VPCPrefixListKeys() []string {
	return f.keys(abi.KeyVPCPrefixList)
}

// VPCPeering returns the fact vpc.peering.<key>. The IPv4 CIDRs of the other
// VPC of an active peering connection, by the connection's ID. False if it is
// absent; an empty list is not.
func (f Facts) VPCPeering(key string) ([]netip.Prefix, bool, error) {
	return f.prefixes(abi.KeyVPCPeering + key)
}

// VPCPeeringKeys returns the sorted keys that VPCPeering has a value for.
func (f Facts) VPCPeeringKeys() []string {
	return f.keys(abi.KeyVPCPeering)
}

// SNATExternal returns the fact snat.external. True if something outside the
// node translates, so that the node must not (AWS_VPC_K8S_CNI_EXTERNALSNAT). An
// absent fact is false.
func (f Facts) SNATExternal() (bool, error) {
	return f.boolean(abi.KeySNATExternal)
}

// SNATExclude returns the fact snat.exclude. The operator's CIDRs that are
// never translated (AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS). False if it is absent;
// an empty list is not.
func (f Facts) SNATExclude() ([]netip.Prefix, bool, error) {
	return f.prefixes(abi.KeySNATExclude)
}

// PodName returns the fact pod.name. The pod's name. False if it is absent. It
// tells pods apart: a policy that reads it is evaluated for each of them.
func (f Facts) PodName() (string, bool) {
	return f.Fact(abi.KeyPodName)
}

// PodNamespace returns the fact pod.namespace. The pod's namespace. False if it
// is absent.
func (f Facts) PodNamespace() (string, bool) {
	return f.Fact(abi.KeyPodNamespace)
}

// PodIP returns the fact pod.ip. The pod's IPv4 address. False if it is absent.
// It tells pods apart: a policy that reads it is evaluated for each of them.
func (f Facts) PodIP() (netip.Addr, bool, error) {
	return f.address(abi.KeyPodIP)
}

// PodHostNetwork returns the fact pod.host_network. True if the pod shares the
// node's address. An absent fact is false.
func (f Facts) PodHostNetwork() (bool, error) {
	return f.boolean(abi.KeyPodHostNetwork)
}

// PodServiceAccount returns the fact pod.service_account. The pod's service
// account. False if it is absent.
func (f Facts) PodServiceAccount() (string, bool) {
	return f.Fact(abi.KeyPodServiceAccount)
}

// PodPhase returns the fact pod.phase. The pod's phase: Pending, Running or
// Unknown. False if it is absent.
func (f Facts) PodPhase() (string, bool) {
	return f.Fact(abi.KeyPodPhase)
}

// PodLabel returns the fact pod.label.<key>. A label of the pod. False if it is
// absent. It may tell pods apart, as far as its values do.
func (f Facts) PodLabel(key string) (string, bool) {
	return f.Fact(abi.KeyPodLabel + key)
}

// PodLabelKeys returns the sorted keys that PodLabel has a value for.
func (f Facts) PodLabelKeys() []string {
	return f.keys(abi.KeyPodLabel)
}

// PodAnnotation returns the fact pod.annotation.<key>. An annotation of the
// pod. False if it is absent. It may tell pods apart, as far as its values do.
func (f Facts) PodAnnotation(key string) (string, bool) {
	return f.Fact(abi.KeyPodAnnotation + key)
}

// PodAnnotationKeys returns the sorted keys that PodAnnotation has a value for.
func (f Facts) PodAnnotationKeys() []string {
	return f.keys(abi.KeyPodAnnotation)
}

// NamespaceLabel returns the fact namespace.label.<key>. A label of the pod's
// namespace. False if it is absent.
func (f Facts) NamespaceLabel(key string) (string, bool) {
	return f.Fact(abi.KeyNamespaceLabel + key)
}

// NamespaceLabelKeys returns the sorted keys that NamespaceLabel has a value for.
func (f Facts) NamespaceLabelKeys() []string {
	return f.keys(abi.KeyNamespaceLabel)
}

// NamespaceAnnotation returns the fact namespace.annotation.<key>. An
// annotation of the pod's namespace. False if it is absent.
func (f Facts) NamespaceAnnotation(key string) (string, bool) {
	return f.Fact(abi.KeyNamespaceAnnotation + key)
}

// NamespaceAnnotationKeys returns the sorted keys that NamespaceAnnotation has a value for.
func (f Facts) NamespaceAnnotationKeys() []string {
	return f.keys(abi.KeyNamespaceAnnotation)
}

// Config returns the fact config.<key>. A setting from the sidecar file beside
// the module. False if it is absent.
func (f Facts) Config(key string) (string, bool) {
	return f.Fact(abi.KeyConfig + key)
}

// ConfigKeys returns the sorted keys that Config has a value for.
func (f Facts) ConfigKeys() []string {
	return f.keys(abi.KeyConfig)
}
