package test

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"

	"github.com/snatd/snatd/host/lab"
)

// iptables is the name of a program that works on the node.
type iptables string

// try runs it with arguments as in a shell.
func (i iptables) try(d *daemon, arguments string) (string, error) {
	d.t.Helper()
	needs(d.t, string(i))
	var out []byte
	err := d.lab.Node.Do(func() (err error) {
		out, err = exec.Command("sh", "-c", string(i)+" -w "+arguments).CombinedOutput()
		return err
	})
	return string(out), err
}

func (i iptables) run(d *daemon, arguments string) {
	d.t.Helper()
	if out, err := i.try(d, arguments); err != nil {
		d.t.Fatalf("%s %s: %v: %s", i, arguments, err, out)
	}
}

// ensure adds a rule, by -A or -I, if it is not there.
func (i iptables) ensure(d *daemon, table, how, rule string) {
	d.t.Helper()
	if _, err := i.try(d, "-t "+table+" -C "+rule); err != nil {
		i.run(d, "-t "+table+" "+how+" "+rule)
	}
}

// restore replaces the chains that are in the text.
func (i iptables) restore(d *daemon, text string) {
	d.t.Helper()
	needs(d.t, string(i))
	command := exec.Command(string(i)+"-restore", "-w", "--noflush")
	command.Stdin = strings.NewReader(text)
	var out strings.Builder
	command.Stdout, command.Stderr = &out, &out
	if err := d.lab.Node.Do(command.Run); err != nil {
		d.t.Fatalf("%s: %v: %s\n%s", command, err, &out, text)
	}
}

func iptablesProxy(program iptables) kubeProxy {
	return kubeProxy{
		form: string(program), plugin: program,
		sync: func(d *daemon, services []kubeService) {
			d.t.Helper()
			program.restore(d, iptablesServices(services))
			program.ensure(d, "nat", "-I", "PREROUTING -j KUBE-SERVICES")
			program.ensure(d, "nat", "-I", "OUTPUT -j KUBE-SERVICES")
			program.ensure(d, "nat", "-I", "POSTROUTING -j KUBE-POSTROUTING")
			program.ensure(d, "filter", "-I", "FORWARD -j KUBE-FORWARD")
		},
		remove: func(d *daemon) {
			d.t.Helper()
			for _, arguments := range []string{"-t nat -F", "-t nat -X", "-t filter -F", "-t filter -X"} {
				program.run(d, arguments)
			}
		},
	}
}

// iptablesServices is what kube-proxy hands to iptables-restore.
func iptablesServices(services []kubeService) string {
	nat := &iptablesText{}
	nat.chain("KUBE-MARK-MASQ", "-j MARK --or-mark 0x4000")
	nat.chain("KUBE-POSTROUTING",
		"-m mark ! --mark 0x4000/0x4000 -j RETURN",
		"-j MARK --xor-mark 0x4000",
		"-j MASQUERADE --random-fully")
	var clusterIPs, nodePorts []string
	for _, s := range services {
		for _, proto := range kubeProtocols {
			name := strings.ToUpper(s.name) + "-" + string(proto)
			match := fmt.Sprintf("-d %s -m %s -p %[2]s --dport %d", s.addr, proto, servicePort)
			clusterIPs = append(clusterIPs, match+" -j KUBE-SVC-"+name)
			nodePorts = append(nodePorts, fmt.Sprintf("-m %s -p %[1]s --dport %d -j KUBE-EXT-%s", proto, s.nodePort, name))
			service := []string{match + " ! -s " + lab.VPCNetwork.String() + " -j KUBE-MARK-MASQ"}
			nat.chain("KUBE-SVC-"+name, append(service, iptablesChoice(name, s.endpoints)...)...)
			for _, e := range s.endpoints {
				nat.chain(iptablesEndpoint(name, e),
					fmt.Sprintf("-s %s -j KUBE-MARK-MASQ", e),
					fmt.Sprintf("-m %s -p %[1]s -j DNAT --to-destination %s:%d", proto, e, lab.Port))
			}
			if !s.local {
				nat.chain("KUBE-EXT-"+name, "-j KUBE-MARK-MASQ", "-j KUBE-SVC-"+name)
				continue
			}
			nat.chain("KUBE-EXT-"+name,
				"-s "+lab.VPCNetwork.String()+" -j KUBE-SVC-"+name,
				"-m addrtype --src-type LOCAL -j KUBE-MARK-MASQ",
				"-m addrtype --src-type LOCAL -j KUBE-SVC-"+name,
				"-j KUBE-SVL-"+name)
			nat.chain("KUBE-SVL-"+name, iptablesChoice(name, s.here())...)
		}
	}
	nat.chain("KUBE-NODEPORTS", nodePorts...)
	nat.chain("KUBE-SERVICES", append(clusterIPs, "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS")...)
	filter := &iptablesText{}
	filter.chain("KUBE-FORWARD",
		"-m conntrack --ctstate INVALID -j DROP",
		"-m mark --mark 0x4000/0x4000 -j ACCEPT",
		"-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
	return filter.table("filter") + nat.table("nat")
}

// iptablesChoice are rules that choose one of the endpoints.
func iptablesChoice(name string, endpoints []netip.Addr) (rules []string) {
	for n := len(endpoints); n > 0; n-- {
		rule := "-j " + iptablesEndpoint(name, endpoints[n-1])
		if n > 1 {
			rule = fmt.Sprintf("-m statistic --mode random --probability %.10f %s", 1/float64(n), rule)
		}
		rules = append(rules, rule)
	}
	return rules
}

func iptablesEndpoint(name string, endpoint netip.Addr) string {
	bytes := endpoint.As4()
	return fmt.Sprintf("KUBE-SEP-%s-%x", name, bytes[2:])
}

// iptablesText collects a table for iptables-restore.
type iptablesText struct{ chains, rules strings.Builder }

func (t *iptablesText) chain(name string, rules ...string) {
	fmt.Fprintf(&t.chains, ":%s - [0:0]\n", name)
	for _, rule := range rules {
		fmt.Fprintf(&t.rules, "-A %s %s\n", name, rule)
	}
}

func (t *iptablesText) table(name string) string {
	return "*" + name + "\n" + t.chains.String() + t.rules.String() + "COMMIT\n"
}
