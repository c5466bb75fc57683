package test

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/neighbour"
	"github.com/snatd/snatd/host/nstest"
)

// migration follows a page of examples/migrate on a node.
type migration struct {
	*daemon
	page     string
	iptables iptables
	// kubectl is what the page's commands for the cluster do to the node.
	kubectl map[string]func()
	// after is what else changes with a command on the node.
	after map[string]func()
	// warnings are what snatd status warns of, each time that the page asks for it.
	warnings [][]neighbour.Kind
	// seen says as whom a pod must be seen.
	seen func(pod *lab.Host, to netip.Addr) netip.Addr

	followed map[string]bool
	looked   bool        // for other programs
	open     []*openConn // of before, and of each step
	dropped  uint64
}

func newMigration(t *testing.T, page string, program iptables) *migration {
	t.Helper()
	nstest.Need(t, "nft", "nftables")
	nstest.Need(t, string(program), "iptables")
	text, err := os.ReadFile("../examples/migrate/" + page)
	if err != nil {
		t.Fatal(err)
	}
	m := &migration{daemon: prepare(t), page: string(text), iptables: program, followed: map[string]bool{}}
	m.write("facts.yaml", replace(t, baseFacts, "name: pod-a", "name: web-1"))
	return m
}

// yaml is the page's nth example of a file, from 0.
func (m *migration) yaml(n int) string {
	m.t.Helper()
	blocks := regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```$").FindAllStringSubmatch(m.page, -1)
	if n >= len(blocks) {
		m.t.Fatalf("the page has %d files", len(blocks))
	}
	return regexp.MustCompile(`(?m)^  (vpc:)`).ReplaceAllString(blocks[n][1], "$1") // one is in a list
}

// follow does what a part of the page says, and looks around after each command.
func (m *migration) follow(part string) {
	m.t.Helper()
	_, text, found := strings.Cut(m.page, "\n## "+part+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	commands := regexp.MustCompile(`(?m)^    ((?:kubectl|helm|snatd|iptables) .*)$`).FindAllStringSubmatch(text, -1)
	if !found || len(commands) < 3 {
		m.t.Fatalf("the part %s has the commands %q", part, commands)
	}
	for _, c := range commands {
		m.do(c[1])
		m.look(part + ", " + c[1])
		m.openMore()
	}
}

// finish checks that nothing of the test is about a page of another day.
func (m *migration) finish() {
	m.t.Helper()
	maps.Copy(m.kubectl, m.after)
	for _, command := range slices.Sorted(maps.Keys(m.kubectl)) {
		if !m.followed[command] {
			m.t.Errorf("the page does not say %s", command)
		}
	}
	if len(m.warnings) > 0 {
		m.t.Errorf("the page does not ask for the warnings %v", m.warnings)
	}
}

func (m *migration) do(command string) {
	m.t.Helper()
	command = m.inImage(command)
	m.followed[command] = true
	if strings.HasPrefix(command, "kubectl ") || strings.HasPrefix(command, "helm ") {
		effect := m.kubectl[command]
		if effect == nil {
			m.t.Fatalf("the page says %s, whose effect is not known here", command)
		}
		effect()
		return
	}
	if command == "snatd status" {
		m.expectWarnings()
	}
	err := m.example(strings.ReplaceAll(command, "iptables ", string(m.iptables)+" ")).Wait()
	out, _ := os.ReadFile(m.path("example.out"))
	if planned := strings.HasPrefix(command, "snatd plan ") && exitCode(err) == 2; err != nil && !planned {
		m.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	if then := m.after[command]; then != nil {
		then()
	}
}

// inImage makes of a command that the page has snatd's image run on a node one for its
// shell. Nothing else is in the image, and no PATH.
func (m *migration) inImage(command string) string {
	m.t.Helper()
	way, inside, found := strings.Cut(command, " -- ")
	if !found {
		if regexp.MustCompile(`^snatd (status|explain|flows|cleanup)`).MatchString(command) {
			m.t.Fatalf("the page says %s, which is for a node, and not how to run it there", command)
		}
		return command
	}
	// TestDeployed has an API server make the pod of the second.
	ways := []string{"kubectl -n kube-system exec POD", printed(m.t, "README.md", `(?m)^    (kubectl debug .*) -- `)}
	program := printed(m.t, "Dockerfile", `(?m)^ENTRYPOINT \["(.*)"\]$`)
	arguments, ok := strings.CutPrefix(inside, program+" ")
	if !ok || !slices.Contains(ways, way) {
		m.t.Fatalf("the page says %s, accepted: %q, of %s alone", command, ways, program)
	}
	return "snatd " + arguments
}

// printed is what a file of examples/deploy has for the pattern's group.
func printed(t *testing.T, name, pattern string) string {
	t.Helper()
	text, err := os.ReadFile("../examples/deploy/" + name)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(pattern).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s has no %s", name, pattern)
	}
	return string(found[1])
}

// expectWarnings waits for the warnings that are due.
func (m *migration) expectWarnings() {
	m.t.Helper()
	if len(m.warnings) == 0 {
		m.t.Fatal("the page asks for the status once more than is known here")
	}
	want := m.warnings[0]
	m.warnings = m.warnings[1:]
	// What else translates is looked for each minute, and when the daemon has started.
	if m.looked {
		m.stop(syscall.SIGTERM)
		m.install()
	}
	m.looked = true
	m.wait(fmt.Sprintf("the warnings %v", want), func() error {
		status, err := m.client.Status(m.t.Context())
		var kinds []neighbour.Kind
		for _, f := range status.Neighbours {
			kinds = append(kinds, f.Kind)
		}
		if err == nil && (!status.Healthy || !slices.Equal(kinds, want)) {
			err = fmt.Errorf("healthy %v, %v, warnings %+v", status.Healthy, status.Why, status.Neighbours)
		}
		return err
	})
}

// look checks all that is open, and that what is opened now is seen as it should be.
func (m *migration) look(when string) {
	m.t.Helper()
	for _, conn := range m.open {
		seen, err := conn.Ask(m.t.Context())
		if err != nil || seen != conn.seen {
			m.t.Fatalf("%s: the open connection %s is seen as %s, was %s: %v", when, conn.name, seen, conn.seen, err)
		}
	}
	for _, pod := range []*lab.Host{m.lab.PodA, m.lab.PodB} {
		for _, to := range []netip.Addr{lab.VPC, lab.Second, lab.Peered, lab.Internet} {
			for _, proto := range kubeProtocols {
				seen, err := askTwice(m.t.Context(), pod, proto, netip.AddrPortFrom(to, lab.Port))
				if want := m.seen(pod, to); err != nil || seen != want {
					m.t.Fatalf("%s: %s from %s to %s is seen as %s, want %s: %v", when, proto, pod.Name, to, seen, want, err)
				}
			}
		}
	}
	if dropped, err := m.lab.Dropped(); err != nil || dropped != m.dropped {
		m.t.Fatalf("%s: the VPC dropped %d packets that left by the wrong interface: %v", when, dropped-m.dropped, err)
	}
}

// openMore opens connections that every later step must keep.
func (m *migration) openMore() {
	m.t.Helper()
	for _, pod := range []*lab.Host{m.lab.PodA, m.lab.PodB} {
		for _, to := range []netip.Addr{lab.VPC, lab.Internet} {
			for _, proto := range kubeProtocols {
				m.open = append(m.open, m.daemon.open(pod, proto, to))
			}
		}
	}
}

// install starts the daemon, as its DaemonSet does.
func (m *migration) install() {
	m.run()
	m.waitReady()
}

// installBeside is install, with what becomes better by it while the plugin translates.
func (m *migration) installBeside() {
	m.t.Helper()
	m.install()
	if err := m.lab.AddService(lab.ServiceAddress, lab.Internet); err != nil {
		m.t.Fatal(err)
	}
	m.see(m.lab.PodB, lab.TCP, lab.ServiceAddress, lab.NodePrimary)
	m.see(m.lab.PodB, lab.UDP, lab.ServiceAddress, lab.NodePrimary)
}

// withPlugin is a node where the AWS plugin translates.
func withPlugin(t *testing.T, plugin awsPlugin) *migration {
	t.Helper()
	m := newMigration(t, "aws-vpc-cni.md", plugin.iptables)
	printed := m.yaml(0)
	m.write("printed.yaml", printed)
	if _, err := config.Load(config.Options{File: m.path("printed.yaml")}); err != nil {
		t.Error(err)
	}
	m.setConfig(replace(t, printed, "facts: {vpc: imds, pods: kubernetes}\n", ""))
	m.seen = func(pod *lab.Host, to netip.Addr) netip.Addr {
		if to == lab.Internet {
			return lab.NodePrimary
		}
		return pod.Addr
	}
	plugin.restart(m.daemon, false, func(string) {})
	external := false
	m.kubectl = map[string]func(){
		"kubectl -n kube-system get daemonset/aws-node -o jsonpath='{.spec.template.spec.containers[0].env}'": func() {},
		"kubectl -n kube-system rollout status daemonset/snatd":                                               func() { m.installBeside(); plugin.restart(m.daemon, false, m.look) },
		"kubectl -n kube-system set env daemonset/aws-node AWS_VPC_K8S_CNI_EXTERNALSNAT=true":                 func() { external = true },
		"kubectl -n kube-system set env daemonset/aws-node AWS_VPC_K8S_CNI_EXTERNALSNAT=false":                func() { external = false },
		"kubectl -n kube-system rollout status daemonset/aws-node":                                            func() { plugin.restart(m.daemon, external, m.look) },
		"helm uninstall snatd --namespace kube-system":                                                        func() { m.stop(syscall.SIGTERM) },
	}
	return m
}

// Moving over from the AWS plugin and back breaks no connection, and leaves none without
// the right address, in any form of its rules.
func TestMigrateAWSPlugin(t *testing.T) {
	for _, plugin := range []awsPlugin{{"iptables-nft", true}, {"iptables-nft", false}, {"iptables-legacy", true}, {"iptables-legacy", false}} {
		t.Run(fmt.Sprintf("%s node ports %v", plugin.iptables, plugin.nodePorts), func(t *testing.T) {
			m := withPlugin(t, plugin)
			m.look("before")
			m.openMore()
			if plugin.nodePorts {
				m.open = append(m.open, m.openAt(m.lab.Peered, lab.TCP, m.servePort(false)))
			}
			both := []neighbour.Kind{neighbour.AWSTranslates}
			if plugin.iptables == "iptables-nft" {
				both = append(both, neighbour.AWSTable)
			}
			m.warnings = [][]neighbour.Kind{both, nil, both}
			m.follow("There")

			// The plugin's pods are replaced, and so is snatd's: none of it is noticed.
			plugin.restart(m.daemon, true, m.look)
			m.stop(syscall.SIGTERM)
			m.look("snatd is away")
			m.install()
			m.look("snatd is back")

			m.follow("Back")
			m.finish()
			if held := m.kernel(); held.table {
				t.Error("cleanup left the table")
			}
			if marks, err := m.marks(); err != nil || len(marks) != 1 {
				t.Errorf("routing rules for marks %#x, want the plugin's: %v", marks, err)
			}
		})
	}
}

// The page says why its order matters, and why cleanup needs --force.
func TestMigrateAWSPluginOtherwise(t *testing.T) {
	plugin := awsPlugin{"iptables-nft", true}
	m := withPlugin(t, plugin)
	plugin.restart(m.daemon, true, func(string) {})
	m.see(m.lab.PodA, lab.TCP, lab.Internet, lab.PodA) // which no internet gateway lets pass

	plugin.restart(m.daemon, false, func(string) {})
	m.install()
	m.openMore()
	m.leaveToPlugin()
	m.stop(syscall.SIGTERM)
	if out := m.succeed("cleanup"); !strings.Contains(out, "live connections keep what they need") {
		t.Error(out)
	}
	m.openMore() // of the plugin alone
	m.look("cleanup")
	m.daemon.open(m.lab.PodB, lab.TCP, lab.Internet)
	if out := m.succeed("cleanup"); !strings.Contains(out, "live connections keep what they need") {
		t.Error(out)
	}
	m.forced("removed\n", "")
	m.look("cleanup --force")
	m.forced("nothing to remove\n", "")
}

// leaveToPlugin has the daemon take its rules out, as the pages about uninstalling do. What it
// keeps for live connections beside the plugin it keeps for the plugin's too, so that the
// pages have to say that waiting is in vain.
func (m *migration) leaveToPlugin() {
	m.t.Helper()
	for _, page := range []struct{ file, heading string }{{"README.md", "Uninstall"}, {"systemd/README.md", "Remove"}} {
		text := printed(m.t, page.file, `(?s)\n## `+page.heading+`\n(.*?)(?:\n## |$)`)
		if !strings.Contains(text, "--force") || !strings.Contains(text, "migrate/aws-vpc-cni.md#3-stop-snatd-and-clean-up)") {
			m.t.Errorf("%s does not say how to clean up beside the plugin:\n%s", page.file, text)
		}
	}
	m.setConfig("network: {ipFamily: ipv6}\n") // the chart's cleanup=true
	m.waitKept(1)
	m.openMore() // of the plugin alone
	m.look("cleanup=true")
	m.waitKept(len(m.open) / 2) // the other half is not translated
}

// waitKept waits until the daemon keeps something for so many live connections.
func (m *migration) waitKept(least int) {
	m.t.Helper()
	m.wait("connections to keep something for", func() error {
		if kept := m.status().Kept; kept < least {
			return fmt.Errorf("%d, want %d", kept, least)
		}
		return nil
	})
}

// forced cleans up by force, and checks what that prints. It needs no configuration.
func (d *daemon) forced(out, warning string) {
	d.t.Helper()
	d.write("config.yaml", "snat: [\n")
	if stdout, stderr, err := d.output(nil, "cleanup", "--force"); err != nil || stdout != out || stderr != warning {
		d.t.Errorf("cleanup --force: %v\n%s%s", err, stdout, stderr)
	}
}

// adoptConverted makes the converted configuration this daemon's, with the lab's paths.
func (m *migration) adoptConverted() {
	m.t.Helper()
	converted, err := os.ReadFile(m.path("config.yaml"))
	if err != nil {
		m.t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(converted), "facts:\n")
	facts, after, found := strings.Cut(rest, "network:\n")
	if !found || !strings.Contains(facts, "vpc: static") {
		m.t.Fatalf("converted to\n%s", converted)
	}
	m.setConfig(before + "network:\n" + after)
	m.write("facts.yaml", m.yaml(1)+"pods: [{namespace: default, name: web-1, ip: 10.0.1.5}, {namespace: default, name: pod-b, ip: 10.0.65.6}]\n")
}

// masqAgent is what ip-masq-agent hands to iptables-restore, of the configuration on its
// page. The comment of its jump is one with quotes, as in its newer versions. These also
// give MASQUERADE ports, which iptables 1.8.9 refuses without a protocol.
func (m *migration) masqAgent() {
	m.t.Helper()
	m.write("ip-masq-agent", m.agentConfig())
	m.iptables.restore(m.daemon, `*nat
:IP-MASQ-AGENT - [0:0]
-A IP-MASQ-AGENT -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 169.254.0.0/16 -j RETURN
-A IP-MASQ-AGENT -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 10.0.0.0/8 -j RETURN
-A IP-MASQ-AGENT -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 172.16.0.0/12 -j RETURN
-A IP-MASQ-AGENT -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully
COMMIT
`)
	m.iptables.ensure(m.daemon, "nat", "-A", `POSTROUTING -m comment --comment '"ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ-AGENT chain"' `+
		`-m addrtype ! --dst-type LOCAL -j IP-MASQ-AGENT`)
}

// agentConfig is the agent's configuration on its page.
func (m *migration) agentConfig() string {
	m.t.Helper()
	text := m.yaml(0)
	if text != "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- 172.16.0.0/12\nresyncInterval: 60s\n" {
		m.t.Fatalf("the agent's rules here are those of another configuration than the page's:\n%s", text)
	}
	return text
}

// Moving over from ip-masq-agent and back does neither. Only what the page says changes:
// the address of pods that are on another interface than the primary one.
func TestMigrateIPMasqAgent(t *testing.T) {
	for _, program := range []iptables{"iptables-nft", "iptables-legacy"} {
		t.Run(string(program), func(t *testing.T) {
			m := newMigration(t, "ip-masq-agent.md", program)
			secondary := lab.NodeSecondary
			m.seen = func(pod *lab.Host, to netip.Addr) netip.Addr {
				switch {
				case to == lab.VPC || to == lab.Peered:
					return pod.Addr
				case pod == m.lab.PodB:
					return secondary
				}
				return lab.NodePrimary // also in the VPC's second CIDR, which the agent does not know
			}
			m.masqAgent()
			m.look("before")
			m.openMore()
			m.kubectl = map[string]func(){
				"kubectl -n kube-system get configmap/ip-masq-agent -o jsonpath='{.data.config}' > agent.yaml": func() { m.write("agent.yaml", m.agentConfig()) },
				"kubectl -n kube-system rollout status daemonset/snatd":                                        func() { m.install(); secondary = lab.NodePrimary },
				"kubectl -n kube-system delete daemonset/ip-masq-agent":                                        func() {},
				"kubectl apply -f ip-masq-agent.yaml":                                                          m.masqAgent,
				"kubectl -n kube-system rollout status daemonset/ip-masq-agent":                                m.masqAgent, // it does so each minute
				"helm uninstall snatd --namespace kube-system":                                                 func() { m.stop(syscall.SIGTERM) },
			}
			m.after = map[string]func(){
				"snatd convert ip-masq-agent agent.yaml > config.yaml": m.adoptConverted,
				"snatd cleanup": func() { secondary = lab.NodeSecondary },
			}
			both := []neighbour.Kind{neighbour.Translates}
			if program == "iptables-legacy" {
				both = []neighbour.Kind{neighbour.Legacy}
			}
			m.warnings = [][]neighbour.Kind{both, nil, both}
			m.follow("There")
			if out, err := program.try(m.daemon, "-t nat -S"); err != nil || strings.Contains(out, "MASQ") {
				t.Errorf("%v: left are\n%s", err, out)
			}

			m.follow("Back")
			m.finish()
			if held := m.kernel(); !held.table {
				t.Error("cleanup left nothing for live connections")
			}
		})
	}
}
