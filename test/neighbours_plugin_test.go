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

// awsPlugin is the AWS VPC CNI plugin, as of version 1.23. What it does for each pod the
// lab has done: the ip rules 512 and 1536, and the routing table of the secondary
// interface.
type awsPlugin struct {
	iptables  iptables
	nodePorts bool // AWS_VPC_CNI_NODE_PORT_SUPPORT, which is true by default
}

// awsExempt are the networks that it does not translate to: the VPC's, and one of
// AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS.
var awsExempt = []string{lab.VPCNetwork.String(), lab.SecondNetwork.String(), lab.PeeredNetwork.String()}

// awsMangle are rules of the plugin in mangle.
var awsMangle = []string{
	"PREROUTING -m comment --comment 'AWS, primary ENI' -i " + lab.PrimaryInterface + " -m addrtype --dst-type LOCAL --limit-iface-in -j CONNMARK --set-mark 0x80/0x80",
	"PREROUTING -m comment --comment 'AWS, primary ENI' -i eni+ -j CONNMARK --restore-mark --mask 0x80",
	"PREROUTING -m comment --comment 'AWS, primary ENI' -i vlan+ -j CONNMARK --restore-mark --mask 0x80",
}

// start does what the plugin does whenever it starts with AWS_VPC_K8S_CNI_EXTERNALSNAT=true.
func (p awsPlugin) start(d *daemon) {
	d.t.Helper()
	p.restart(d, true, func(string) {})
}

// restart does what it does with either value: it deletes its ip rule and adds it again,
// and looks after its rules, one call after the other, in its order. After each that
// changes something it calls changed.
func (p awsPlugin) restart(d *daemon, external bool, changed func(what string)) {
	d.t.Helper()
	if err := d.lab.Node.Netlink().RuleDel(awsRule()); err == nil {
		changed("ip rule del")
	} else if !errors.Is(err, unix.ENOENT) {
		d.t.Fatal(err)
	}
	if p.nodePorts || !external {
		if err := d.lab.Node.Netlink().RuleAdd(awsRule()); err != nil {
			d.t.Fatal(err)
		}
		changed("ip rule add")
	}
	want := func(wanted bool, table, how, rule string) {
		d.t.Helper()
		_, err := p.iptables.try(d, "-t "+table+" -C "+rule)
		if there := err == nil; there == wanted {
			return
		}
		if !wanted {
			how = "-D"
		}
		p.iptables.run(d, "-t "+table+" "+how+" "+rule)
		changed(how + " " + rule)
	}
	p.chain(d, "AWS-SNAT-CHAIN-0")
	want(!external, "nat", "-A", "POSTROUTING -m comment --comment 'AWS SNAT CHAIN' -j AWS-SNAT-CHAIN-0")
	for _, cidr := range awsExempt {
		want(!external, "nat", "-A", "AWS-SNAT-CHAIN-0 -d "+cidr+" -m comment --comment 'AWS SNAT CHAIN' -j RETURN")
	}
	const snat = "AWS-SNAT-CHAIN-0 ! -o vlan+ -m comment --comment 'AWS, SNAT' -m addrtype ! --dst-type LOCAL -j SNAT --to-source 10.0.0.10 --random-fully"
	want(false, "nat", "-D", snat) // a window without it, whenever it starts
	want(!external, "nat", "-A", snat)
	for i, rule := range awsMangle {
		want(p.nodePorts || i == 1 && !external, "mangle", "-A", rule)
	}
	if p.iptables == "iptables-nft" {
		p.markByTable(d, external, changed)
		return
	}
	const jump = "PREROUTING -i eni+ -m comment --comment 'AWS, outbound connections' -j AWS-CONNMARK-CHAIN-0"
	const restore = "PREROUTING -m comment --comment 'AWS, CONNMARK' -j CONNMARK --restore-mark --mask 0x80"
	if external {
		want(false, "nat", "-D", jump)
		want(false, "nat", "-D", restore)
		_, _ = p.iptables.try(d, "-t nat -F AWS-CONNMARK-CHAIN-0") // if it exists
		_, _ = p.iptables.try(d, "-t nat -X AWS-CONNMARK-CHAIN-0")
		return
	}
	p.chain(d, "AWS-CONNMARK-CHAIN-0")
	want(true, "nat", "-A", jump)
	for _, cidr := range awsExempt {
		want(true, "nat", "-I", "AWS-CONNMARK-CHAIN-0 -d "+cidr+" -m comment --comment 'AWS CONNMARK CHAIN' -j RETURN")
	}
	want(false, "nat", "-D", restore)
	want(true, "nat", "-A", restore)
	want(true, "nat", "-A", "AWS-CONNMARK-CHAIN-0 -m comment --comment 'AWS, CONNMARK' -j CONNMARK --set-xmark 0x80/0x80")
}

// chain makes one of its chains, if it is not there.
func (p awsPlugin) chain(d *daemon, name string) {
	d.t.Helper()
	if out, err := p.iptables.try(d, "-t nat -N "+name); err != nil && !strings.Contains(out, "exists") {
		d.t.Fatalf("%v: %s", err, out)
	}
}

// markByTable is how it marks connections where iptables is iptables-nft.
func (p awsPlugin) markByTable(d *daemon, external bool, changed func(string)) {
	d.t.Helper()
	const table = "table ip aws-cni"
	d.others(table + "\ndelete " + table + "\n")
	if external {
		changed("delete " + table)
		return
	}
	d.others(table + ` {
	chain snat-mark { ip daddr { ` + strings.Join(awsExempt, ", ") + ` } return; ct mark set ct mark | 0x80; }
	chain nat-prerouting { type nat hook prerouting priority -90; policy accept
		fib daddr type local return
		iifname "eni*" jump snat-mark
		ct mark & 0x80 == 0 meta mark set meta mark & 0xffffff7f
		ct mark & 0x80 == 0x80 meta mark set meta mark | 0x80; }
}`)
	changed("add " + table)
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
