// Generated from sdk/schema/facts.json by sdk/schema/gen. Do not edit.

import { Address, Prefix } from "./prefix";
import { fact, factAddress, factBool, factKeys, factPrefixes } from "./read";

/**
 * The facts about the current subject. An absent text, address or list is null, an absent
 * bool is false. A value that cannot be decoded ends the evaluation with an error.
 */
export class Facts {
  /** The value of any fact; null if there is none. */
  fact(key: string): string | null {
    return fact(key);
  }

  /** The sorted keys of facts that begin with a prefix, without it. */
  keys(prefix: string): string[] {
    return factKeys(prefix);
  }

  /**
   * The fact subject.kind. "pod", or "node" for pod traffic whose pod is not
   * known (yet).
   */
  subjectKind(): string | null {
    return fact("subject.kind");
  }

  /**
   * The fact cluster.ip_family. "ipv4" or "ipv6": the family of the cluster's
   * pod addresses.
   */
  clusterIpFamily(): string | null {
    return fact("cluster.ip_family");
  }

  /**
   * The fact node.name. The node's name.
   */
  nodeName(): string | null {
    return fact("node.name");
  }

  /**
   * The fact node.zone. The node's availability zone, such as eu-west-1a.
   */
  nodeZone(): string | null {
    return fact("node.zone");
  }

  /**
   * The fact node.region. The AWS region, such as eu-west-1.
   */
  nodeRegion(): string | null {
    return fact("node.region");
  }

  /**
   * The fact node.instance_id. The node's EC2 instance ID.
   */
  nodeInstanceId(): string | null {
    return fact("node.instance_id");
  }

  /**
   * The fact node.instance_type. The node's EC2 instance type, such as
   * m5.large.
   */
  nodeInstanceType(): string | null {
    return fact("node.instance_type");
  }

  /**
   * The fact node.primary_address. The primary private IPv4 address of the
   * primary network interface: what "translate" translates to.
   */
  nodePrimaryAddress(): Address | null {
    return factAddress("node.primary_address");
  }

  /**
   * The fact node.address.<key>. "primary" or "secondary", for each IPv4
   * address that the primary network interface holds, by the address: what a
   * policy may translate to if that is granted.
   */
  nodeAddress(key: string): string | null {
    return fact("node.address." + key);
  }

  /** The sorted keys that nodeAddress has a value for. */
  nodeAddressKeys(): string[] {
    return factKeys("node.address.");
  }

  /**
   * The fact node.label.<key>. A label of the node.
   */
  nodeLabel(key: string): string | null {
    return fact("node.label." + key);
  }

  /** The sorted keys that nodeLabel has a value for. */
  nodeLabelKeys(): string[] {
    return factKeys("node.label.");
  }

  /**
   * The fact node.annotation.<key>. An annotation of the node.
   */
  nodeAnnotation(key: string): string | null {
    return fact("node.annotation." + key);
  }

  /** The sorted keys that nodeAnnotation has a value for. */
  nodeAnnotationKeys(): string[] {
    return factKeys("node.annotation.");
  }

  /**
   * The fact vpc.cidrs. Every IPv4 CIDR associated with the VPC.
   */
  vpcCidrs(): Prefix[] | null {
    return factPrefixes("vpc.cidrs");
  }

  /**
   * The fact vpc.route.<key>. The target of a route in the route table of the
   * node's subnet, by the route's IPv4 CIDR: local, the ID of a gateway or of
   * another target, such as igw-0123456789abcdef0, or blackhole if the target
   * is gone.
   */
  vpcRoute(key: string): string | null {
    return fact("vpc.route." + key);
  }

  /** The sorted keys that vpcRoute has a value for. */
  vpcRouteKeys(): string[] {
    return factKeys("vpc.route.");
  }

  /**
   * The fact vpc.prefixlist.<key>. The IPv4 CIDRs of a managed prefix list that
   * the operator names, by its ID and by its name.
   */
  vpcPrefixlist(key: string): Prefix[] | null {
    return factPrefixes("vpc.prefixlist." + key);
  }

  /** The sorted keys that vpcPrefixlist has a value for. */
  vpcPrefixlistKeys(): string[] {
    return factKeys("vpc.prefixlist.");
  }

  /**
   * The fact vpc.peering.<key>. The IPv4 CIDRs of the other VPC of an active
   * peering connection, by the connection's ID.
   */
  vpcPeering(key: string): Prefix[] | null {
    return factPrefixes("vpc.peering." + key);
  }

  /** The sorted keys that vpcPeering has a value for. */
  vpcPeeringKeys(): string[] {
    return factKeys("vpc.peering.");
  }

  /**
   * The fact snat.external. True if something outside the node translates, so
   * that the node must not (AWS_VPC_K8S_CNI_EXTERNALSNAT).
   */
  snatExternal(): bool {
    return factBool("snat.external");
  }

  /**
   * The fact snat.exclude. The operator's CIDRs that are never translated
   * (AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS).
   */
  snatExclude(): Prefix[] | null {
    return factPrefixes("snat.exclude");
  }

  /**
   * The fact pod.name. The pod's name. It tells pods apart: a policy that reads
   * it is evaluated for each of them.
   */
  podName(): string | null {
    return fact("pod.name");
  }

  /**
   * The fact pod.namespace. The pod's namespace.
   */
  podNamespace(): string | null {
    return fact("pod.namespace");
  }

  /**
   * The fact pod.ip. The pod's IPv4 address. It tells pods apart: a policy that
   * reads it is evaluated for each of them.
   */
  podIp(): Address | null {
    return factAddress("pod.ip");
  }

  /**
   * The fact pod.host_network. True if the pod shares the node's address.
   */
  podHostNetwork(): bool {
    return factBool("pod.host_network");
  }

  /**
   * The fact pod.service_account. The pod's service account.
   */
  podServiceAccount(): string | null {
    return fact("pod.service_account");
  }

  /**
   * The fact pod.phase. The pod's phase: Pending, Running or Unknown.
   */
  podPhase(): string | null {
    return fact("pod.phase");
  }

  /**
   * The fact pod.label.<key>. A label of the pod. It may tell pods apart, as
   * far as its values do.
   */
  podLabel(key: string): string | null {
    return fact("pod.label." + key);
  }

  /** The sorted keys that podLabel has a value for. */
  podLabelKeys(): string[] {
    return factKeys("pod.label.");
  }

  /**
   * The fact pod.annotation.<key>. An annotation of the pod. It may tell pods
   * apart, as far as its values do.
   */
  podAnnotation(key: string): string | null {
    return fact("pod.annotation." + key);
  }

  /** The sorted keys that podAnnotation has a value for. */
  podAnnotationKeys(): string[] {
    return factKeys("pod.annotation.");
  }

  /**
   * The fact namespace.label.<key>. A label of the pod's namespace.
   */
  namespaceLabel(key: string): string | null {
    return fact("namespace.label." + key);
  }

  /** The sorted keys that namespaceLabel has a value for. */
  namespaceLabelKeys(): string[] {
    return factKeys("namespace.label.");
  }

  /**
   * The fact namespace.annotation.<key>. An annotation of the pod's namespace.
   */
  namespaceAnnotation(key: string): string | null {
    return fact("namespace.annotation." + key);
  }

  /** The sorted keys that namespaceAnnotation has a value for. */
  namespaceAnnotationKeys(): string[] {
    return factKeys("namespace.annotation.");
  }

  /**
   * The fact config.<key>. A setting from the sidecar file beside the module.
   */
  config(key: string): string | null {
    return fact("config." + key);
  }

  /** The sorted keys that config has a value for. */
  configKeys(): string[] {
    return factKeys("config.");
  }
}
