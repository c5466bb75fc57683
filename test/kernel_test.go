package test

import (
	"log/slog"
	"os/exec"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/nstest"
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
	marks, err := d.marks()
	if err != nil {
		d.t.Fatal(err)
	}
	held.rule = len(marks) > 0
	return held
}

// marks are those that the node's routing rules look for.
func (d *daemon) marks() (marks []uint32, err error) {
	list, err := d.lab.Node.Netlink().RuleList(unix.AF_INET)
	for _, rule := range list {
		if rule.Mark != 0 {
			marks = append(marks, rule.Mark)
		}
	}
	return marks, err
}

// ip runs iproute2 on the node, and returns what it prints.
func (d *daemon) ip(arguments ...string) string {
	d.t.Helper()
	nstest.Need(d.t, "ip", "iproute2")
	var out []byte
	err := d.lab.Node.Do(func() (err error) {
		out, err = exec.Command("ip", arguments...).CombinedOutput()
		return err
	})
	if err != nil {
		d.t.Fatalf("ip %q: %v\n%s", arguments, err, out)
	}
	return string(out)
}

// routing is the node's routing rules as ip lists them, without a word that only some
// versions print.
func (d *daemon) routing() (rules []string) {
	d.t.Helper()
	for line := range strings.Lines(d.ip("-details", "rule")) {
		rules = append(rules, strings.Replace(strings.Join(strings.Fields(line), " "), ": unicast from", ": from", 1))
	}
	return rules
}

// counterValues are what counters show.
var counterValues = regexp.MustCompile(`packets [0-9]+ bytes [0-9]+`)

// listing is all that nft lists on the node, without what was counted; handles change
// with every change.
func (d *daemon) listing() string {
	d.t.Helper()
	needs(d.t, "nft")
	var out []byte
	err := d.lab.Node.Do(func() (err error) {
		out, err = exec.Command("nft", "--handle", "list", "ruleset").CombinedOutput()
		return err
	})
	if err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
	return counterValues.ReplaceAllString(string(out), "counted")
}
