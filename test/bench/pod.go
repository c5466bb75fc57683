package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// measurePodAdded adds a pod to a node with 250 pods and 1,000 excluded CIDRs,
// and takes it away again. All of the pods differ from the node's decision, for
// those that do not need no change at all.
func measurePodAdded(ctx context.Context, o options) (rows []row, err error) {
	const cidrs, pods = 1000, 250
	all := differingPods(pods+1, cidrs)
	before, err := rules.Compile(network, decisions(cidrs), all[:pods])
	if err != nil {
		return nil, err
	}
	after, err := rules.Compile(network, decisions(cidrs), all)
	if err != nil {
		return nil, err
	}
	n, err := newNamespace("node")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	d, err := openDataplane(n)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Apply(rules.Replace(before).Ops); err != nil {
		return nil, err
	}
	added := variant{"pod added to 250, with 1,000 CIDRs", func(context.Context) (float64, error) {
		start := time.Now()
		plan := rules.Diff(before, after)
		if err := d.Apply(plan.Ops); err != nil {
			return 0, err
		}
		took := float64(time.Since(start))
		if err := expectOneElement(plan.Ops); err != nil {
			return 0, err
		}
		return took, d.Apply(rules.Diff(plan.After, before).Ops)
	}}
	samples, err := o.rounds(ctx, 100, []variant{added})
	if err != nil {
		return nil, err
	}
	return []row{newRow(added.name, inTime, samples[0], 0)}, nil
}

// expectOneElement checks that a plan carries one pod and nothing else.
func expectOneElement(plan nft.Plan) error {
	if len(plan) == 1 {
		if add, ok := plan[0].(nft.AddElements); ok && len(add.Elements) == 1 {
			return nil
		}
	}
	return fmt.Errorf("the plan is not one new element but %d changes:\n%s", len(plan), plan)
}

func expectTable(d *dataplane.Dataplane) error {
	exists, err := d.Exists(rules.TableName)
	if err == nil && !exists {
		err = errors.New("the table is not in the kernel")
	}
	return err
}
