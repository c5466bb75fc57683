// Generated from sdk/schema/facts.json by sdk/schema/gen. Do not edit.

use crate::{join, Address, Error, Facts, Keys, Prefixes};

impl Facts<'_> {
    /// The fact subject.kind. "pod", or "node" for pod traffic whose pod is not
    /// known (yet).
    pub fn subject_kind(&self) -> Option<&'static str> {
        self.fact("subject.kind")
    }

    /// The fact cluster.ip_family. "ipv4" or "ipv6": the family of the
    /// cluster's pod addresses.
    pub fn cluster_ip_family(&self) -> Option<&'static str> {
        self.fact("cluster.ip_family")
    }

    /// The fact node.name. The node's name.
    pub fn node_name(&self) -> Option<&'static str> {
        self.fact("node.name")
    }

    /// The fact node.zone. The node's availability zone, such as eu-west-1a.
    pub fn node_zone(&self) -> Option<&'static str> {
        self.fact("node.zone")
    }

    /// The fact node.region. The AWS region, such as eu-west-1.
    pub fn node_region(&self) -> Option<&'static str> {
        self.fact("node.region")
    }

    /// The fact node.instance_id. The node's EC2 instance ID.
    pub fn node_instance_id(&self) -> Option<&'static str> {
        self.fact("node.instance_id")
    }

    /// The fact node.instance_type. The node's EC2 instance type, such as
    /// m5.large.
    pub fn node_instance_type(&self) -> Option<&'static str> {
        self.fact("node.instance_type")
    }

    /// The fact node.primary_address. The primary private IPv4 address of the
    /// primary network interface: what "translate" translates to.
    pub fn node_primary_address(&self) -> Result<Option<Address>, Error> {
        self.address("node.primary_address")
    }

    /// The fact node.address.<key>. "primary" or "secondary", for each IPv4
    /// address that the primary network interface holds, by the address: what a
    /// policy may translate to if that is granted.
    pub fn node_address(&self, key: &str) -> Option<&'static str> {
        self.fact(join(&["node.address.", key]))
    }

    /// The sorted keys that `node_address` has a value for.
    pub fn node_address_keys(&self) -> Keys {
        self.keys("node.address.")
    }

    /// The fact node.label.<key>. A label of the node.
    pub fn node_label(&self, key: &str) -> Option<&'static str> {
        self.fact(join(&["node.label.", key]))
    }

    /// The sorted keys that `node_label` has a value for.
    pub fn node_label_keys(&self) -> Keys {
        self.keys("node.label.")
    }

    /// The fact node.annotation.<key>. An annotation of the node.
    pub fn node_annotation(&self, key: &str) -> Option<&'static str> {
        self.fact(join(&["node.annotation.", key]))
    }

    /// The sorted keys that `node_annotation` has a value for.
    pub fn node_annotation_keys(&self) -> Keys {
        self.keys("node.annotation.")
    }

    /// The fact vpc.cidrs. Every IPv4 CIDR associated with the VPC.
    pub fn vpc_cidrs(&self) -> Result<Option<Prefixes>, Error> {
        self.prefixes("vpc.cidrs")
    }

    /// The fact vpc.route.<key>. The target of a route in the route table of
    /// the node's subnet, by the route's IPv4 CIDR: local, the ID of a gateway
    /// or of another target, such as igw-0123456789abcdef0, or blackhole if the
    /// target is gone.
    pub fn vpc_route(&self, key: &str) -> Option<&'static str> {
        self.fact(join(&["vpc.route.", key]))
    }

    /// The sorted keys that `vpc_route` has a value for.
    pub fn vpc_route_keys(&self) -> Keys {
        self.keys("vpc.route.")
    }

    /// The fact vpc.prefixlist.<key>. The IPv4 CIDRs of a managed prefix list
    /// that the operator names, by its ID and by its name.
    pub fn vpc_prefixlist(&self, key: &str) -> Result<Option<Prefixes>, Error> {
        self.prefixes(join(&["vpc.prefixlist.", key]))
    }

    /// The sorted keys that `vpc_prefixlist` has a value for.
    pub fn vpc_prefixlist_keys(&self) -> Keys {
        self.keys("vpc.prefixlist.")
    }

    /// The fact vpc.peering.<key>. The IPv4 CIDRs of the other VPC of an active
    /// peering connection, by the connection's ID.
    pub fn vpc_peering(&self, key: &str) -> Result<Option<Prefixes>, Error> {
        self.prefixes(join(&["vpc.peering.", key]))
    }

    /// The sorted keys that `vpc_peering` has a value for.
    pub fn vpc_peering_keys(&self) -> Keys {
        self.keys("vpc.peering.")
    }

    /// The fact snat.external. True if something outside the node translates,
    /// so that the node must not (AWS_VPC_K8S_CNI_EXTERNALSNAT).
    pub fn snat_external(&self) -> Result<bool, Error> {
        self.boolean("snat.external")
    }

    /// The fact snat.exclude. The operator's CIDRs that are never translated
    /// (AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS).
    pub fn snat_exclude(&self) -> Result<Option<Prefixes>, Error> {
        self.prefixes("snat.exclude")
    }

    /// The fact pod.name. The pod's name. It tells pods apart: a policy that
    /// reads it is evaluated for each of them.
    pub fn pod_name(&self) -> Option<&'static str> {
        self.fact("pod.name")
    }

    /// The fact pod.namespace. The pod's namespace.
    pub fn pod_namespace(&self) -> Option<&'static str> {
        self.fact("pod.namespace")
    }

    /// The fact pod.ip. The pod's IPv4 address. It tells pods apart: a policy
    /// that reads it is evaluated for each of them.
    pub fn pod_ip(&self) -> Result<Option<Address>, Error> {
        self.address("pod.ip")
    }

    /// The fact pod.host_network. True if the pod shares the node's address.
    pub fn pod_host_network(&self) -> Result<bool, Error> {
        self.boolean("pod.host_network")
    }

    /// The fact pod.service_account. The pod's service account.
    pub fn pod_service_account(&self) -> Option<&'static str> {
        self.fact("pod.service_account")
    }

    /// The fact pod.phase. The pod's phase: Pending, Running or Unknown.
    pub fn pod_phase(&self) -> Option<&'static str> {
        self.fact("pod.phase")
    }

    /// The fact pod.label.<key>. A label of the pod. It may tell pods apart, as
    /// far as its values do.
    pub fn pod_label(&self, key: &str) -> Option<&'static str> {
        self.fact(join(&["pod.label.", key]))
    }

    /// The sorted keys that `pod_label` has a value for.
    pub fn pod_label_keys(&self) -> Keys {
        self.keys("pod.label.")
    }

    /// The fact pod.annotation.<key>. An annotation of the pod. It may tell
    /// pods apart, as far as its values do.
    pub fn pod_annotation(&self, key: &str) -> Option<&'static str> {
        self.fact(join(&["pod.annotation.", key]))
    }

    /// The sorted keys that `pod_annotation` has a value for.
    pub fn pod_annotation_keys(&self) -> Keys {
        self.keys("pod.annotation.")
    }

    /// The fact namespace.label.<key>. A label of the pod's namespace.
    pub fn namespace_label(&self, key: &str) -> Option<&'static str> {
        self.fact(join(&["namespace.label.", key]))
    }

    /// The sorted keys that `namespace_label` has a value for.
    pub fn namespace_label_keys(&self) -> Keys {
        self.keys("namespace.label.")
    }

    /// The fact namespace.annotation.<key>. An annotation of the pod's
    /// namespace.
    pub fn namespace_annotation(&self, key: &str) -> Option<&'static str> {
        self.fact(join(&["namespace.annotation.", key]))
    }

    /// The sorted keys that `namespace_annotation` has a value for.
    pub fn namespace_annotation_keys(&self) -> Keys {
        self.keys("namespace.annotation.")
    }

    /// The fact config.<key>. A setting from the sidecar file beside the
    /// module.
    pub fn config(&self, key: &str) -> Option<&'static str> {
        self.fact(join(&["config.", key]))
    }

    /// The sorted keys that `config` has a value for.
    pub fn config_keys(&self) -> Keys {
        self.keys("config.")
    }
}
