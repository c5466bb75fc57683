package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/facts"
)

// waitingError says what a snapshot waits for; nothing is wrong with what is
// there.
type waitingError struct{ what string }

func (e *waitingError) Error() string { return "waiting for facts: " + e.what }

var errNoVPC = &waitingError{"the VPC's CIDRs, without which nothing is translated"}

// readFacts makes a snapshot of the facts with what the configuration and the
// link say now. What is bad now leaves its last good content in force, and holds
// nothing else up. The error says that there was no snapshot ever.
func (r *Reader) readFacts(p *problems) error {
	cfg := r.last.Config
	file, err := r.readFile(cfg.Facts)
	if err != nil {
		p.add("facts", err)
		file = r.file
	}
	snapshot, err := r.snapshot(cfg, file, p)
	if err != nil && !isWaiting(err) {
		p.add("facts", err)
		// What the others say now still counts.
		file = r.file
		snapshot, err = r.snapshot(cfg, file, &problems{})
	}
	if err == nil {
		r.last.Snapshot, r.file = snapshot, file
	}
	switch {
	case r.last.Snapshot != nil:
		return nil
	case isWaiting(err):
		return err
	}
	return errNoVPC
}

func isWaiting(err error) bool {
	_, ok := errors.AsType[*waitingError](err)
	return ok
}

// readFile reads the facts file; nil if the configuration needs nothing of it.
func (r *Reader) readFile(cfg config.Facts) (*facts.Document, error) {
	if cfg.VPC != config.VPCStatic && cfg.Pods != config.PodsStatic {
		r.read = facts.Provenance{}
		return nil, nil
	}
	document, err := facts.Load(cfg.File)
	r.read.Source = cfg.File
	r.read = observed(r.read, err)
	return document, err
}

// snapshot puts together what the sources say. Where one has not said anything
// yet, what was known before stands.
func (r *Reader) snapshot(cfg config.Config, file *facts.Document, p *problems) (*facts.Snapshot, error) {
	var document facts.Document
	if file != nil {
		document = *file
	}
	missing := join(
		r.composeVPC(&document, cfg.Facts, file),
		r.composeEC2(&document, cfg.Facts),
		r.composePods(&document, cfg.Facts, file, p),
	)
	withoutVPC := len(document.VPC.CIDRs) == 0 && (file == nil || cfg.Facts.VPC != config.VPCStatic)
	switch {
	case r.last.Snapshot != nil:
	case missing != "" && r.patient:
		return nil, &waitingError{missing + "; the rules of an earlier run stay in force"}
	case missing != "" && r.complete:
		return nil, &waitingError{missing}
	case withoutVPC && !r.graceEnded():
		return nil, errNoVPC
	}
	return facts.New(&document, facts.Settings{
		IPFamily:       cfg.Network.IPFamily,
		PrimaryAddress: r.last.Link.Addr,
		Addresses:      r.last.Link.Addrs,

		PrimaryInterface: r.last.Link.Name,
		External:         cfg.SNAT.External,
		ExcludeCIDRs:     cfg.SNAT.ExcludeCIDRs,
		WithoutVPC:       withoutVPC,
		WithoutPods:      cfg.Facts.Pods == config.PodsNone,
	})
}

// before is what was known before, by this run or else by the one whose rules the
// kernel holds.
func (r *Reader) before() facts.Document {
	switch {
	case r.last.Snapshot != nil:
		return r.last.Snapshot.Document
	case r.recorded() != nil:
		return *r.recorded()
	}
	return facts.Document{}
}

// recorded is what the run before knew whose rules the kernel holds; nil if that is
// lost, or if it was recorded on another node, whose pods are not here.
func (r *Reader) recorded() *facts.Document {
	if r.earlier == nil || !r.linked {
		return r.earlier
	}
	recorded := r.earlier.Node.PrimaryAddress
	if !recorded.IsValid() || recorded == r.last.Link.Addr {
		return r.earlier
	}
	if !r.foreign {
		r.foreign = true
		r.services.log.Warn("facts.record is of another node and is not used: the rules in the kernel stay until every source has answered",
			"primary", r.last.Link.Addr, "recorded", recorded)
	}
	return nil
}

// composeVPC adds what is said of the VPC and of the instance. It returns what is
// missing.
func (r *Reader) composeVPC(into *facts.Document, cfg config.Facts, file *facts.Document) (missing string) {
	instance, source := r.services.imds.latest(), "the metadata service"
	if cfg.VPC == config.VPCStatic {
		if file != nil {
			return "" // it is the file's
		}
		instance, source = nil, "the facts file"
	}
	node := &into.Node
	if instance == nil {
		before := r.before()
		node.Zone, node.Region = before.Node.Zone, before.Node.Region
		node.InstanceID, node.InstanceType = before.Node.InstanceID, before.Node.InstanceType
		into.VPC = before.VPC
		if len(before.VPC.CIDRs) == 0 {
			missing = source
		}
		return missing
	}
	node.Zone, node.Region = instance.Zone, instance.Region
	node.InstanceID, node.InstanceType = instance.ID, instance.Type
	into.VPC = facts.VPC{CIDRs: instance.VPCCIDRs}
	return ""
}

// composeEC2 adds what the EC2 API says. It returns what is missing: an API that
// says that it cannot be used is not waited for.
func (r *Reader) composeEC2(into *facts.Document, cfg config.Facts) (missing string) {
	if !cfg.EC2 {
		return ""
	}
	if network := r.services.ec2.latest(); network != nil {
		into.VPC.Routes, into.VPC.PrefixLists, into.VPC.Peerings = network.Routes, network.PrefixLists, network.Peerings
		return ""
	}
	before := r.before().VPC
	into.VPC.Routes, into.VPC.PrefixLists, into.VPC.Peerings = before.Routes, before.PrefixLists, before.Peerings
	if len(before.Routes) == 0 && (r.services.imds.latest() == nil || !r.services.ec2.answered()) {
		missing = "the EC2 API"
	}
	return missing
}

// composePods adds what is said of the pods, their namespaces and the node. It
// returns what is missing.
func (r *Reader) composePods(into *facts.Document, cfg config.Facts, file *facts.Document, p *problems) (missing string) {
	source := "the facts file"
	switch {
	case cfg.Pods == config.PodsNone, cfg.Pods == config.PodsStatic && file != nil:
		return "" // it is the file's, if there is one
	case cfg.Pods == config.PodsKubernetes:
		if state := r.services.cluster.latest(); state != nil {
			into.Node.Name, into.Node.Labels, into.Node.Annotations = state.Node.Name, state.Node.Labels, state.Node.Annotations
			into.Namespaces, into.Pods = state.Namespaces, r.admitted(state.Pods, p)
			return ""
		}
		source = "the Kubernetes API server"
	}
	before := r.before()
	into.Node.Name, into.Node.Labels, into.Node.Annotations = before.Node.Name, before.Node.Labels, before.Node.Annotations
	into.Namespaces, into.Pods = before.Namespaces, r.admitted(before.Pods, &problems{})
	if r.last.Snapshot == nil && r.recorded() == nil {
		missing = source
	}
	return missing
}

// admitted are the pods that do not claim the node's primary address.
func (r *Reader) admitted(pods []facts.Pod, p *problems) (list []facts.Pod) {
	for _, pod := range pods {
		if err := pod.CheckPrimary(r.last.Link.Addr); err != nil {
			p.add("kubernetes/pods", fmt.Errorf("%s: %w", pod.FullName(), err))
			continue
		}
		list = append(list, pod)
	}
	return list
}

// graceEnded says that nothing is waited for any longer.
func (r *Reader) graceEnded() bool {
	end := r.graceEnd()
	return !end.IsZero() && !time.Now().Before(end)
}

// graceEnd is until when the VPC's CIDRs are waited for; zero for ever.
func (r *Reader) graceEnd() time.Time {
	if r.last.Config.Facts.Grace == 0 || r.patient || r.complete {
		return time.Time{}
	}
	return r.began.Add(time.Duration(r.last.Config.Facts.Grace))
}

func join(texts ...string) string {
	var list []string
	for _, text := range texts {
		if text != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return strings.Join(list, ", ")
}
