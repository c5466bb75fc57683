package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/snatd/snatd/examples"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/host/policy/wasmtest"
)

// Targets for a pass over 1,000 pods.
const (
	memoisedTarget  = time.Millisecond
	smallPassTarget = 60 * time.Millisecond
	goPassTarget    = 300 * time.Millisecond
)

// measurePasses lets one module decide for 1,000 pods: no two of which it can tell
// to be alike, at first and when nothing has changed. A small module is what a
// compiler without a runtime makes, with 10 reads; the other is written in Go.
func measurePasses(ctx context.Context, o options) (rows []row, err error) {
	engine, err := policy.NewEngine(ctx, policy.Options{Deadline: longest})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	snapshot, err := passFacts()
	if err != nil {
		return nil, err
	}
	var variants []variant
	var targets []time.Duration
	for _, module := range []struct {
		name     string
		wasm     []byte
		settings map[string]string
		target   time.Duration
	}{
		{"small module", smallModule("excluded"), nil, smallPassTarget},
		{"Go module", examples.ExcludeByLabel(), map[string]string{"label": "app", "cidrs": "198.51.100.0/24"}, goPassTarget},
	} {
		loaded, err := engine.Load(ctx, "10-bench.wasm", module.wasm, module.settings, policy.Grants{})
		if err != nil {
			return nil, err
		}
		memoised := policy.NewSet([]policy.Policy{policy.Memoize(loaded)})
		if _, err := pass(ctx, memoised, snapshot); err != nil {
			return nil, err
		}
		variants = append(variants,
			variant{"pass over 1,000 pods, all unlike, " + module.name, func(ctx context.Context) (float64, error) {
				return pass(ctx, policy.NewSet([]policy.Policy{policy.Memoize(loaded)}), snapshot)
			}},
			variant{"pass over 1,000 unchanged pods, " + module.name, func(ctx context.Context) (float64, error) {
				return pass(ctx, memoised, snapshot)
			}})
		targets = append(targets, module.target, memoisedTarget)
	}
	samples, err := o.rounds(ctx, 15, variants)
	if err != nil {
		return nil, err
	}
	for i, v := range variants {
		rows = append(rows, newRow(v.name, inTime, samples[i], float64(targets[i])))
	}
	return rows, nil
}

// passFacts are a node with 1,000 pods, each with a label of its own.
func passFacts() (*facts.Snapshot, error) {
	document := &facts.Document{
		Node:       facts.Node{Name: "node-a", Zone: "eu-west-1a"},
		VPC:        facts.VPC{CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}},
		Namespaces: []facts.Namespace{{Name: "default"}},
	}
	for i := range 1000 {
		document.Pods = append(document.Pods, facts.Pod{
			Namespace: "default", Name: "web-" + strconv.Itoa(i), IP: netip.AddrFrom4([4]byte{10, 0, byte(1 + i/250), byte(1 + i%250)}),
			Labels: map[string]string{"app": "web-" + strconv.Itoa(i), "tier": "front"},
		})
	}
	return facts.New(document, facts.Settings{IPFamily: "ipv4", PrimaryAddress: nodeAddr})
}

// pass decides for everybody and returns the time in ns.
func pass(ctx context.Context, set *policy.Set, snapshot *facts.Snapshot) (float64, error) {
	subjects := snapshot.Subjects()
	names := make([]string, 0, len(subjects))
	decided := 0
	start := time.Now()
	for _, subject := range subjects {
		evaluations, errs := set.Decide(ctx, subject.Name, subject.View)
		if errs != nil {
			return 0, errors.Join(errs...)
		}
		decided += len(evaluations[0].Decision.Entries)
		names = append(names, subject.Name)
	}
	set.Retain(names)
	took := time.Since(start)
	if pods := len(subjects) - 1; decided < pods {
		return 0, fmt.Errorf("%d of %d pods have a prefix excluded", decided, pods)
	}
	return float64(took), nil
}

// smallModule reads 10 facts and excludes one network. Another reason is another
// module.
func smallModule(why string) []byte {
	g := wasmtest.NewGuest()
	var code []byte
	for _, key := range []string{
		"subject.kind", "cluster.ip_family", "node.name", "node.zone", "vpc.cidrs",
		"pod.namespace", "pod.name", "pod.label.app", "pod.label.tier", "pod.annotation.snat",
	} {
		code = append(code, g.Text(key)...)
		code = append(code, wasmtest.Const(4096)...)
		code = append(code, wasmtest.Const(1024)...)
		code = append(code, g.Fact...)
		code = append(code, wasmtest.Drop...)
	}
	return g.Decide(0, code, g.Text("198.51.100.0/24"), g.Text(why), g.Exclude)
}
