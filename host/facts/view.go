package facts

import (
	"maps"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// view is one subject's facts, as an sdk.Source. Its layers have no key in
// common; subjects share those that are equal.
type view []layer

// layer is facts by key, with the keys sorted.
type layer struct {
	facts map[string]string
	keys  []string
}

// Fact returns the value of a fact, and whether it exists.
func (v view) Fact(key string) (string, bool) {
	if strings.HasPrefix(key, "pod.") { // only the subject's own layer, the last, has these
		value, ok := v[len(v)-1].facts[key]
		return value, ok
	}
	for _, l := range v {
		if value, ok := l.facts[key]; ok {
			return value, true
		}
	}
	return "", false
}

// FactKeys returns the keys that begin with prefix, sorted.
func (v view) FactKeys(prefix string) []string {
	var keys []string
	for _, l := range v {
		for i := sort.SearchStrings(l.keys, prefix); i < len(l.keys) && strings.HasPrefix(l.keys[i], prefix); i++ {
			keys = append(keys, l.keys[i])
		}
	}
	slices.Sort(keys)
	return keys
}

// values collects the facts of a layer. What is not known is absent, so that a
// module can tell it from what is known to be empty.
type values map[string]string

func (v values) known(key, value string) {
	if value != "" {
		v[key] = value
	}
}

func (v values) address(key string, addr netip.Addr) {
	if addr.IsValid() {
		v[key] = addr.String()
	}
}

func (v values) prefixes(key string, prefixes []netip.Prefix) {
	items := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		items[i] = prefix.String()
	}
	v[key] = sdk.List(items...)
}

// family adds a fact for each of the labels or annotations.
func (v values) family(prefix string, labels map[string]string) {
	for key, value := range labels {
		v[prefix+key] = value
	}
}

func (v values) layer() layer {
	return layer{v, slices.Sorted(maps.Keys(v))}
}

// sharedLayer is what every subject of a node sees.
func sharedLayer(s *Snapshot) layer {
	v := values{
		abi.KeyClusterIPFamily: s.IPFamily,
		abi.KeySNATExternal:    strconv.FormatBool(s.External),
	}
	v.known(abi.KeyNodeName, s.Node.Name)
	v.known(abi.KeyNodeZone, s.Node.Zone)
	v.known(abi.KeyNodeRegion, s.Node.Region)
	v.known(abi.KeyNodeInstanceID, s.Node.InstanceID)
	v.known(abi.KeyNodeInstanceType, s.Node.InstanceType)
	v.address(abi.KeyNodePrimaryAddress, s.PrimaryAddress)
	for _, addr := range s.Addresses {
		v[abi.KeyNodeAddress+addr.String()] = "secondary"
	}
	if s.PrimaryAddress.IsValid() {
		v[abi.KeyNodeAddress+s.PrimaryAddress.String()] = "primary"
	}
	v.family(abi.KeyNodeLabel, s.Node.Labels)
	v.family(abi.KeyNodeAnnotation, s.Node.Annotations)
	v.prefixes(abi.KeyVPCCIDRs, s.VPC.CIDRs)
	for _, route := range s.VPC.Routes {
		v[abi.KeyVPCRoute+route.CIDR.String()] = route.Target
	}
	for name, list := range s.VPC.byName() {
		v.prefixes(abi.KeyVPCPrefixList+name, list.CIDRs)
	}
	for _, list := range s.VPC.PrefixLists { // an ID wins over another's name
		v.prefixes(abi.KeyVPCPrefixList+list.ID, list.CIDRs)
	}
	for _, peering := range s.VPC.Peerings {
		v.prefixes(abi.KeyVPCPeering+peering.ID, peering.CIDRs)
	}
	v.prefixes(abi.KeySNATExclude, s.ExcludeCIDRs)
	return v.layer()
}

func nodeLayer() layer {
	return values{abi.KeySubjectKind: "node"}.layer()
}

func namespaceLayer(ns Namespace) layer {
	v := values{}
	v.family(abi.KeyNamespaceLabel, ns.Labels)
	v.family(abi.KeyNamespaceAnnotation, ns.Annotations)
	return v.layer()
}

func podLayer(pod Pod) layer {
	v := values{
		abi.KeySubjectKind:    "pod",
		abi.KeyPodName:        pod.Name,
		abi.KeyPodNamespace:   pod.Namespace,
		abi.KeyPodHostNetwork: strconv.FormatBool(pod.HostNetwork),
	}
	v.address(abi.KeyPodIP, pod.IP)
	v.known(abi.KeyPodServiceAccount, pod.ServiceAccount)
	v.known(abi.KeyPodPhase, pod.Phase)
	v.family(abi.KeyPodLabel, pod.Labels)
	v.family(abi.KeyPodAnnotation, pod.Annotations)
	return v.layer()
}
