package main

import (
	"context"
	"fmt"

	"github.com/snatd/snatd/test/kube"
)

// measurePodChange takes a label from a pod at a real API server and gives it
// back, on a node with 10 pods and on one with 250. The time goes from the server's
// event until the kernel has deleted or added the pod's element. Beside it stands
// what the daemon measures itself, from when it has got the event.
func measurePodChange(ctx context.Context, o options) (rows []row, err error) {
	const few, many = 10, 250
	if !serverBuilt(ctx) {
		for _, pods := range []int{few, many} {
			rows = append(rows, row{Name: podChangeName("given", pods), NotMeasured: needsServer},
				row{Name: podChangeName("taken", pods), NotMeasured: needsServer})
		}
		return rows, nil
	}
	err = withServer(ctx, func(t kube.T, server *kube.Server) error {
		small, err := newFlipper(t, o, server, few)
		if err != nil {
			return err
		}
		large, err := newFlipper(t, o, server, many)
		if err != nil {
			return err
		}
		return small.with(t.Context(), func(ctx context.Context) error {
			return large.with(ctx, func(ctx context.Context) error {
				samples, err := o.rounds(ctx, 100, []variant{
					{podChangeName("given", few), small.once},
					{podChangeName("given", many), large.once},
				})
				if err != nil {
					return err
				}
				n := len(samples[0])
				rows = append(podChangeRows("given", n, small.given, large.given, few, many),
					podChangeRows("taken", n, small.taken, large.taken, few, many)...)
				return nil
			})
		})
	})
	return rows, err
}

func podChangeName(what string, pods int) string {
	return fmt.Sprintf("label %s until the kernel has it, %d pods", what, pods)
}

// podChangeRows are what n rounds gave on both nodes.
func podChangeRows(what string, n int, small, large flips, few, many int) []row {
	rowsOf := func(f flips, pods int) (kernel, own row) {
		name := podChangeName(what, pods)
		return newRow(name, inTime, f.kernel.last(n), 0).slowest(f.kernel.last(n)),
			newRow(name+", as snatd measures it", inTime, f.own.last(n), 0).slowest(f.own.last(n))
	}
	a, ownA := rowsOf(small, few)
	b, ownB := rowsOf(large, many)
	ratio := large.kernel.last(n).against(small.kernel.last(n))
	return []row{a, ownA, b.compare(fmt.Sprintf("%d pods", few), ratio, 0), ownB}
}
