package test

import (
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/rules"
)

// kernel is what of snatd's is in a node's kernel.
type kernel struct{ table, rule bool }

func (d *daemon) kernel() (held kernel) {
	d.t.Helper()
	err := d.lab.Node.Do(func() error {
		dp, err := dataplane.Open(slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer dp.Close()
		held.table, err = dp.Exists(rules.TableName)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	list, err := d.lab.Node.Netlink().RuleList(unix.AF_INET)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, rule := range list {
		held.rule = held.rule || rule.Mark == 0x80
	}
	return held
}
