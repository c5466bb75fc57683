package engine

import (
	"slices"
	"strings"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk/abi"
)

// Sources of facts that status does not list: they are as they were when the pass began.
const (
	fromSnatd         = "snatd"
	fromConfiguration = "configuration"
	fromSidecar       = "sidecar of " // and the module
	fromSeveral       = "several sources"
	fromNowhere       = "no source"
)

// provenance is where the answer to a module's read came from, by the sources of the state.
func (r *Result) provenance(module string, read policy.Read, sources []facts.Provenance) facts.Provenance {
	name := ""
	for _, key := range abi.Keys {
		inFamily := strings.HasSuffix(key, ".") && strings.HasPrefix(read.Key, key)
		listed := read.Listing && strings.HasPrefix(key, read.Key)
		if key != read.Key && !inFamily && !listed {
			continue
		}
		switch source := r.sourceOf(key, module); name {
		case "", source:
			name = source
		default:
			name = fromSeveral
		}
	}
	if name == "" {
		name = fromNowhere
	}
	if i := slices.IndexFunc(sources, func(p facts.Provenance) bool { return p.Source == name }); i >= 0 {
		return sources[i]
	}
	return facts.Provenance{Source: name}
}

// sourceOf is the source of a key, or of a family of keys.
func (r *Result) sourceOf(key, module string) string {
	cfg := r.inputs.Config.Facts
	of := func(followed bool, name string) string {
		switch {
		case followed:
			return name
		case cfg.VPC == config.VPCStatic || cfg.Pods == config.PodsStatic:
			return cfg.File
		}
		return fromNowhere
	}
	cluster := cfg.Pods == config.PodsKubernetes
	switch family, _, _ := strings.Cut(key, "."); {
	case family == "config":
		return fromSidecar + module
	case family == "snat", family == "cluster":
		return fromConfiguration
	case key == abi.KeyNodePrimaryAddress, key == abi.KeyNodeAddress:
		return of(!r.inputs.Elsewhere, "netlink")
	case key == abi.KeyNodeName, key == abi.KeyNodeLabel, key == abi.KeyNodeAnnotation:
		return of(cluster, "kubernetes/nodes")
	case family == "node", key == abi.KeyVPCCIDRs:
		return of(cfg.VPC == config.VPCIMDS, config.VPCIMDS)
	case family == "vpc":
		return of(cfg.EC2, "ec2")
	case family == "pod":
		return of(cluster, "kubernetes/pods")
	case family == "namespace":
		return of(cluster, "kubernetes/namespaces")
	}
	return fromSnatd
}
