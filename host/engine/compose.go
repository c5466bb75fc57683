package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/facts"
)

// errNoFacts says that a file which all facts come from was never good.
var errNoFacts = errors.New("waiting for facts: the VPC's CIDRs, without which nothing is translated")

// waitingError says what a snapshot waits for; nothing is wrong with what is
// there.
type waitingError struct{ what string }

func (e *waitingError) Error() string { return "waiting for facts: " + e.what }

// readFacts makes a snapshot of the facts with what the configuration and the
// link say now. What is bad now leaves its last good content in force, and holds
// nothing else up. The error says that there was no snapshot ever.
func (r *Reader) readFacts(p *problems) error {
	cfg := r.last.Config
	file, err := r.readFile(cfg.Facts)
	if err != nil {
		p.add("facts", err)
		if file = r.file; file == nil {
			return errNoFacts
		}
	}
	snapshot, err := r.snapshot(cfg, file, p)
	if waiting := (*waitingError)(nil); errors.As(err, &waiting) {
		r.file = file
		return err
	}
	if err != nil {
		p.add("facts", err)
		if file = r.file; file == nil {
			return errNoFacts
		}
		// What the others say now still counts.
		if snapshot, err = r.snapshot(cfg, file, &problems{}); err != nil {
			snapshot = r.last.Snapshot
		}
	}
	r.last.Snapshot, r.file = snapshot, file
	if snapshot == nil {
		return errNoFacts
	}
	return nil
}

// readFile reads the facts file, if the configuration needs anything of it.
func (r *Reader) readFile(cfg config.Facts) (*facts.Document, error) {
	if cfg.VPC != config.VPCStatic && cfg.Pods != config.PodsStatic {
		r.read = facts.Provenance{}
		return &facts.Document{}, nil
	}
	document, err := facts.Load(cfg.File)
	r.read.Source = cfg.File
	r.read = observed(r.read, err)
	return document, err
}

// snapshot puts together what the sources say.
func (r *Reader) snapshot(cfg config.Config, file *facts.Document, p *problems) (*facts.Snapshot, error) {
	document := *file
	missing := r.composeVPC(&document, cfg.Facts)
	withoutVPC := missing != "" && len(document.VPC.CIDRs) == 0
	missing = join(missing, r.composeEC2(&document, cfg.Facts), r.composePods(&document, cfg.Facts, p))
	switch {
	case missing != "" && r.last.Snapshot == nil && r.patient:
		return nil, &waitingError{missing + "; the rules of an earlier run stay in force"}
	case withoutVPC && !r.graceEnded():
		return nil, &waitingError{"the VPC's CIDRs, without which nothing is translated"}
	}
	return facts.New(&document, facts.Settings{
		IPFamily:       cfg.Network.IPFamily,
		PrimaryAddress: r.last.Link.Addr,
		External:       cfg.SNAT.External,
		ExcludeCIDRs:   cfg.SNAT.ExcludeCIDRs,
		WithoutVPC:     withoutVPC,
		WithoutPods:    cfg.Facts.Pods == config.PodsNone,
	})
}

// before is what the snapshot before knew, for a source that is asked now and has
// not answered yet.
func (r *Reader) before() facts.Document {
	if r.last.Snapshot == nil {
		return facts.Document{}
	}
	return r.last.Snapshot.Document
}

// composeVPC adds what the metadata service says. It returns what is missing.
func (r *Reader) composeVPC(into *facts.Document, cfg config.Facts) (missing string) {
	if cfg.VPC != config.VPCIMDS {
		return ""
	}
	node := &into.Node
	instance := r.services.imds.latest()
	if instance == nil {
		before := r.before()
		node.Zone, node.Region = before.Node.Zone, before.Node.Region
		node.InstanceID, node.InstanceType = before.Node.InstanceID, before.Node.InstanceType
		into.VPC.CIDRs = before.VPC.CIDRs
		return "the metadata service"
	}
	node.Zone, node.Region = instance.Zone, instance.Region
	node.InstanceID, node.InstanceType = instance.ID, instance.Type
	into.VPC.CIDRs = instance.VPCCIDRs
	return ""
}

// composeEC2 adds what the EC2 API says. It returns what is missing.
func (r *Reader) composeEC2(into *facts.Document, cfg config.Facts) (missing string) {
	if !cfg.EC2 {
		return ""
	}
	network := r.services.ec2.latest()
	if network == nil {
		before := r.before().VPC
		into.VPC.Routes, into.VPC.PrefixLists, into.VPC.Peerings = before.Routes, before.PrefixLists, before.Peerings
		return "the EC2 API"
	}
	into.VPC.Routes, into.VPC.PrefixLists, into.VPC.Peerings = network.Routes, network.PrefixLists, network.Peerings
	return ""
}

// composePods adds what the API server says. It returns what is missing.
func (r *Reader) composePods(into *facts.Document, cfg config.Facts, p *problems) (missing string) {
	if cfg.Pods != config.PodsKubernetes {
		return ""
	}
	state := r.services.cluster.latest()
	if state == nil {
		before := r.before()
		into.Node.Name, into.Node.Labels, into.Node.Annotations = before.Node.Name, before.Node.Labels, before.Node.Annotations
		into.Namespaces, into.Pods = before.Namespaces, before.Pods
		return "the Kubernetes API server"
	}
	into.Node.Name, into.Node.Labels, into.Node.Annotations = state.Node.Name, state.Node.Labels, state.Node.Annotations
	into.Namespaces, into.Pods = state.Namespaces, nil
	for _, pod := range state.Pods {
		if err := pod.CheckPrimary(r.last.Link.Addr); err != nil {
			p.add("kubernetes/pods", fmt.Errorf("%s: %w", pod.FullName(), err))
			continue
		}
		into.Pods = append(into.Pods, pod)
	}
	return ""
}

// graceEnded says that nothing is waited for any longer.
func (r *Reader) graceEnded() bool {
	end := r.graceEnd()
	return !end.IsZero() && !time.Now().Before(end)
}

// graceEnd is until when the VPC's CIDRs are waited for; zero for ever.
func (r *Reader) graceEnd() time.Time {
	if r.last.Config.Facts.Grace == 0 || r.patient {
		return time.Time{}
	}
	return r.began.Add(time.Duration(r.last.Config.Facts.Grace))
}

func join(texts ...string) string {
	var list []string
	for _, text := range texts {
		if text != "" {
			list = append(list, text)
		}
	}
	return strings.Join(list, ", ")
}
