package test

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/lab"
)

// awsPlugin is the AWS VPC CNI plugin with AWS_VPC_K8S_CNI_EXTERNALSNAT=true. What it
// does for each pod the lab has done: the ip rules 512 and 1536, and the routing table
// of the secondary interface.
type awsPlugin struct {
	iptables  iptables
	nodePorts bool // AWS_VPC_CNI_NODE_PORT_SUPPORT, which is true by default
}

// awsMangle are rules of the plugin in mangle PREROUTING.
var awsMangle = []string{
	"-m comment --comment 'AWS, primary ENI' -i " + lab.PrimaryInterface + " -m addrtype --dst-type LOCAL --limit-iface-in -j CONNMARK --set-mark 0x80/0x80",
	"-m comment --comment 'AWS, primary ENI' -i eni+ -j CONNMARK --restore-mark --mask 0x80",
	"-m comment --comment 'AWS, primary ENI' -i vlan+ -j CONNMARK --restore-mark --mask 0x80",
}

// start does what the plugin does whenever it starts: it deletes its ip rule and adds
// it again, and looks after its rules.
func (p awsPlugin) start(d *daemon) {
	d.t.Helper()
	if err := d.lab.Node.Netlink().RuleDel(awsRule()); err != nil && !errors.Is(err, unix.ENOENT) {
		d.t.Fatal(err)
	}
	if p.nodePorts {
		if err := d.lab.Node.Netlink().RuleAdd(awsRule()); err != nil {
			d.t.Fatal(err)
		}
	}
	// With external SNAT these stay empty.
	for _, chain := range []string{"AWS-SNAT-CHAIN-0", "AWS-CONNMARK-CHAIN-0"} {
		if out, err := p.iptables.try(d, "-t nat -N "+chain); err != nil && !strings.Contains(out, "exists") {
			d.t.Fatalf("%v: %s", err, out)
		}
	}
	for _, rule := range awsMangle {
		if p.nodePorts {
			p.iptables.ensure(d, "mangle", "-A", "PREROUTING "+rule)
		} else if _, err := p.iptables.try(d, "-t mangle -C PREROUTING "+rule); err == nil {
			p.iptables.run(d, "-t mangle -D PREROUTING "+rule)
		}
	}
}

// awsRule routes what has the plugin's mark. The plugin names no protocol.
func awsRule() *netlink.Rule {
	mark := uint32(0x80)
	rule := netlink.NewRule()
	rule.Family, rule.Priority, rule.Table = unix.AF_INET, 1024, unix.RT_TABLE_MAIN
	rule.Mark, rule.Mask = mark, &mark
	return rule
}

// checkRules tells whether the plugin's ip rules and the daemon's are there, and no
// others: each once.
func (p awsPlugin) checkRules(d *daemon) error {
	list, err := d.lab.Node.Netlink().RuleList(unix.AF_INET)
	if err != nil {
		return err
	}
	var marked []int
	for _, rule := range list {
		if rule.Mark != 0 {
			marked = append(marked, rule.Priority)
		}
	}
	want := []int{1024, 1025}
	if !p.nodePorts {
		want = want[1:]
	}
	if !slices.Equal(marked, want) {
		return fmt.Errorf("ip rules for marks have the priorities %v, want %v", marked, want)
	}
	return nil
}

// remove takes everything of the plugin away that start brings.
func (p awsPlugin) remove(d *daemon) {
	d.t.Helper()
	if err := d.lab.Node.Netlink().RuleDel(awsRule()); err != nil {
		d.t.Fatal(err)
	}
	p.iptables.run(d, "-t mangle -F PREROUTING")
}
