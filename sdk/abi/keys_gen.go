// Code generated from schema/facts.json by schema/gen. DO NOT EDIT.

package abi

// Keys of facts. One that ends in "." is the prefix of a family of keys.
const (
	// KeySubjectKind has a value of type string. "pod", or "node" for pod traffic
	// whose pod is not known (yet).
	KeySubjectKind = "subject.kind"
	// KeyClusterIPFamily has a value of type string. "ipv4" or "ipv6": the family
	// of the cluster's pod addresses.
	KeyClusterIPFamily = "cluster.ip_family"
	// KeyNodeName has a value of type string. The node's name.
	KeyNodeName = "node.name"
	// KeyNodeZone has a value of type string. The node's availability zone, such as
	// eu-west-1a.
	KeyNodeZone = "node.zone"
	// KeyNodeRegion has a value of type string. The AWS region, such as eu-west-1.
	KeyNodeRegion = "node.region"
	// KeyNodeInstanceID has a value of type string. The node's EC2 instance ID.
	KeyNodeInstanceID = "node.instance_id"
	// KeyNodeInstanceType has a value of type string. The node's EC2 instance type,
	// such as m5.large.
	KeyNodeInstanceType = "node.instance_type"
	// KeyNodePrimaryAddress has a value of type address. The primary private IPv4
	// address of the primary network interface: what "translate" translates to.
	KeyNodePrimaryAddress = "node.primary_address"
	// KeyNodeAddress has a value of type string. "primary" or "secondary", for each
	// IPv4 address that the primary network interface holds, by the address: what a
	// policy may translate to if that is granted.
	KeyNodeAddress = "node.address."
	// KeyNodeLabel has a value of type string. A label of the node.
	KeyNodeLabel = "node.label."
	// KeyNodeAnnotation has a value of type string. An annotation of the node.
	KeyNodeAnnotation = "node.annotation."
	// KeyVPCCIDRs has a value of type prefixes. Every IPv4 CIDR associated with the
	// VPC.
	KeyVPCCIDRs = "vpc.cidrs"
	// KeyVPCRoute has a value of type string. The target of a route in the route
	// table of the node's subnet, by the route's IPv4 CIDR: local, the ID of a
	// gateway or of another target, such as igw-0123456789abcdef0, or blackhole if
	// the target is gone.
	KeyVPCRoute = "vpc.route."
	// KeyVPCPrefixList has a value of type prefixes. The IPv4 CIDRs of a managed
	// prefix list that the operator names, by its ID and by its name.
	KeyVPCPrefixList = "vpc.prefixlist."
	// KeyVPCPeering has a value of type prefixes. The IPv4 CIDRs of the other VPC
	// of an active peering connection, by the connection's ID.
	KeyVPCPeering = "vpc.peering."
	// KeySNATExternal has a value of type bool. True if something outside the node
	// translates, so that the node must not (AWS_VPC_K8S_CNI_EXTERNALSNAT).
	KeySNATExternal = "snat.external"
	// KeySNATExclude has a value of type prefixes. The operator's CIDRs that are
	// never translated (AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS).
	KeySNATExclude = "snat.exclude"
	// KeyPodName has a value of type string. The pod's name.
	KeyPodName = "pod.name"
	// KeyPodNamespace has a value of type string. The pod's namespace.
	KeyPodNamespace = "pod.namespace"
	// KeyPodIP has a value of type address. The pod's IPv4 address.
	KeyPodIP = "pod.ip"
	// KeyPodHostNetwork has a value of type bool. True if the pod shares the node's
	// address.
	KeyPodHostNetwork = "pod.host_network"
	// KeyPodServiceAccount has a value of type string. The pod's service account.
	KeyPodServiceAccount = "pod.service_account"
	// KeyPodPhase has a value of type string. The pod's phase: Pending, Running or
	// Unknown.
	KeyPodPhase = "pod.phase"
	// KeyPodLabel has a value of type string. A label of the pod.
	KeyPodLabel = "pod.label."
	// KeyPodAnnotation has a value of type string. An annotation of the pod.
	KeyPodAnnotation = "pod.annotation."
	// KeyNamespaceLabel has a value of type string. A label of the pod's namespace.
	KeyNamespaceLabel = "namespace.label."
	// KeyNamespaceAnnotation has a value of type string. An annotation of the pod's
	// namespace.
	KeyNamespaceAnnotation = "namespace.annotation."
	// KeyConfig has a value of type string. A setting from the sidecar file beside
	// the module.
	KeyConfig = "config."
)

// Keys are all of them.
var Keys = []string{
	KeySubjectKind,
	KeyClusterIPFamily,
	KeyNodeName,
	KeyNodeZone,
	KeyNodeRegion,
	KeyNodeInstanceID,
	KeyNodeInstanceType,
	KeyNodePrimaryAddress,
	KeyNodeAddress,
	KeyNodeLabel,
	KeyNodeAnnotation,
	KeyVPCCIDRs,
	KeyVPCRoute,
	KeyVPCPrefixList,
	KeyVPCPeering,
	KeySNATExternal,
	KeySNATExclude,
	KeyPodName,
	KeyPodNamespace,
	KeyPodIP,
	KeyPodHostNetwork,
	KeyPodServiceAccount,
	KeyPodPhase,
	KeyPodLabel,
	KeyPodAnnotation,
	KeyNamespaceLabel,
	KeyNamespaceAnnotation,
	KeyConfig,
}
