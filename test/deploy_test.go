package test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/aws/imdstest"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/test/deploy"
	"github.com/snatd/snatd/test/kube"
)

// deployed is a daemon in the pod that examples/deploy makes, on a node of a cluster.
type deployed struct {
	*cluster
	kubelet *kubelet
	page    string // README.md
	here    string // the folder where the page's commands run
}

// prepareDeployed makes a node on which the daemon can run as the chart has it by
// default, and installs nothing.
func prepareDeployed(t *testing.T) *deployed {
	t.Helper()
	deploy.Need(t)
	server := kube.Own(t)
	c := &cluster{daemon: prepare(t), server: server}
	c.node = server.CreateNode(t, "node", nil, nil)
	c.namespace = server.CreateNamespace(t, "shop", nil, nil)
	c.proxy = server.ServeOn(t, c.listen)
	metadata(c.daemon)
	page, err := os.ReadFile(filepath.Join(deploy.Folder(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	d := &deployed{c, &kubelet{t: t, server: server, node: c.node.Name, dir: c.path("pod"), api: c.proxy.Address()}, string(page), t.TempDir()}
	for _, name := range []string{"chart", "manifests"} {
		if err := os.CopyFS(filepath.Join(d.here, name), os.DirFS(filepath.Join(deploy.Folder(t), name))); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// metadata serves the metadata service where it is on an EC2 instance.
func metadata(d *daemon) {
	d.t.Helper()
	node := d.lab.Node.Netlink()
	lo, err := node.LinkByName("lo")
	if err != nil {
		d.t.Fatal(err)
	}
	address, err := netlink.ParseAddr("169.254.169.254/32")
	if err != nil {
		d.t.Fatal(err)
	}
	if err := node.AddrAdd(lo, address); err != nil {
		d.t.Fatal(err)
	}
	eth0, err := node.LinkByName("eth0")
	if err != nil {
		d.t.Fatal(err)
	}
	imdstest.StartOn(d.t, "169.254.169.254:80", d.listen).Set(imdstest.Node(imdstest.Interface{
		MAC: eth0.Attrs().HardwareAddr.String(), Device: "0", Subnet: "10.0.0.0/18",
		Addresses: imdstest.Lines(lab.NodePrimary.String(), lab.PodA.String()), VPC: imdstest.Lines("10.0.0.0/16", "100.64.0.0/16"),
	}))
}

// commands are those of a section of the page.
func (d *deployed) commands(section string) (commands []string) {
	d.t.Helper()
	_, text, found := strings.Cut(d.page, "\n## "+section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	for _, match := range regexp.MustCompile(`(?m)^    (.*)$`).FindAllStringSubmatch(text, -1) {
		commands = append(commands, match[1])
	}
	if !found || len(commands) == 0 {
		d.t.Fatalf("README.md has no commands under %q", section)
	}
	return commands
}

// do runs a command of the page. One in a pod runs in the one that is here.
func (d *deployed) do(command string) {
	d.t.Helper()
	if _, inside, found := strings.Cut(command, " exec daemonset/snatd -- "); found {
		if out, said, err := d.kubelet.exec(d.lab.Node, strings.Fields(inside)...); err != nil {
			d.t.Errorf("%s: %v\n%s%s", command, err, out, said)
		}
		return
	}
	if strings.Contains(command, " rollout status ") {
		d.rollOut()
	}
	if out, err := d.try(strings.ReplaceAll(command, "NODE", d.node.Name)); err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
}

// try runs a command where the page's run.
func (d *deployed) try(command string) (out string, err error) {
	d.t.Helper()
	return deploy.Run(d.server.Environment(d.t), "", "sh", "-c", "cd "+d.here+" && "+command)
}

// rollOut says of the DaemonSet what its controller says when all pods are new and ready.
func (d *deployed) rollOut() {
	d.t.Helper()
	sets := d.server.Admin().AppsV1().DaemonSets(deploy.Namespace)
	set, err := sets.Get(d.t.Context(), "snatd", metav1.GetOptions{})
	if err != nil {
		d.t.Fatal(err)
	}
	set.Status = appsv1.DaemonSetStatus{
		ObservedGeneration: set.Generation, DesiredNumberScheduled: 1, CurrentNumberScheduled: 1, UpdatedNumberScheduled: 1, NumberReady: 1, NumberAvailable: 1,
	}
	if _, err := sets.UpdateStatus(d.t.Context(), set, metav1.UpdateOptions{}); err != nil {
		d.t.Fatal(err)
	}
}

// newerChart makes the chart that is here a newer one, with a value that it needs and
// the release has not.
func (d *deployed) newerChart() {
	d.t.Helper()
	add := func(name, text string) {
		d.t.Helper()
		path := filepath.Join(d.here, "chart", name)
		before, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(path, append(before, text...), 0o644); err != nil {
			d.t.Fatal(err)
		}
	}
	add("values.yaml", "global: {newer: {text: hello}}\n")
	add("templates/newer.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: newer, namespace: {{ .Release.Namespace }}}\ndata: {text: {{ .Values.global.newer.text }}}\n")
}

// startPod starts the pod as the API server has it, and waits until it is ready by its
// own probes.
func (d *deployed) startPod() {
	d.t.Helper()
	d.kubelet.sync()
	d.log = &logBuffer{}
	log := d.log
	d.t.Cleanup(func() {
		if d.t.Failed() {
			d.t.Logf("the daemon's log:\n%s", log)
		}
	})
	d.process = d.kubelet.start(d.lab.Node, d.log)
	d.client = api.NewClient(d.kubelet.onNode("/run/snatd/snatd.sock"))
	d.waitSynced()
	container := d.kubelet.spec.Containers[0]
	for _, probe := range []*corev1.Probe{container.LivenessProbe, container.ReadinessProbe} {
		if probe.HTTPGet.Host != "127.0.0.1" || probe.HTTPGet.Port.IntValue() != 9477 {
			d.t.Errorf("probe %+v", probe.HTTPGet)
		}
		d.wait(probe.HTTPGet.Path, func() error {
			code, text, err := d.get(probe.HTTPGet.Path)
			if err == nil && code != 200 {
				err = fmt.Errorf("%d %s", code, text)
			}
			return err
		})
	}
}

// What the page says, done in its order: installed with the chart on an API server, the
// daemon runs in the pod of its DaemonSet, with the rights of its service account.
// Packets show what each step does.
func TestDeployed(t *testing.T) {
	d := prepareDeployed(t)
	install := d.commands("Install")
	d.do(install[0])
	d.startPod()
	d.waitLoaded()
	d.do(install[1])
	d.do(install[2])
	d.check(onlyOutside)
	d.checkProcess()
	d.checkRights()
	if status := d.status(); len(status.Problems) > 0 {
		t.Errorf("problems: %v", status.Problems)
	}
	open := d.open(d.lab.PodB, lab.TCP, lab.Internet)

	// Followed live, as all that is not at-start.
	for _, command := range d.commands("Configure") {
		d.do(command)
	}
	d.kubelet.sync()
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	d.see(d.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.NodePrimary)

	policies := d.commands("Policies")
	d.writeModule("config: {label: " + keeps + "=own-address, cidrs: \"198.51.100.0/24\"}\n")
	d.do(policies[0])
	d.do(policies[1])
	d.stop(syscall.SIGTERM)
	d.startPod()
	pod := d.pod("keeper", lab.PodA, true)
	d.waitAction(lab.PodA, lab.Internet, "exclude")
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.PodA)
	d.see(d.lab.PodB, lab.TCP, lab.Internet, lab.NodePrimary)
	d.server.SetLabels(t, pod, labels(false))
	d.waitAction(lab.PodA, lab.Internet, "translate")
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.NodePrimary)
	d.writeModule("config: {label: " + keeps + "=node, cidrs: \"198.51.100.0/24\"}\n")
	d.do(policies[2])
	d.kubelet.sync()
	d.waitAction(lab.PodA, lab.Internet, "exclude")
	d.see(d.lab.PodA, lab.UDP, lab.Internet, lab.PodA)
	d.writeModule("grants: {everything: true}\n")
	d.do(policies[2])
	d.kubelet.sync()
	d.waitEvent("SNATModuleProblem", "20-partners.yaml")
	d.writeModule("config: {label: " + keeps + "=own-address, cidrs: \"198.51.100.0/24\"}\n")
	d.do(policies[2])
	d.kubelet.sync()
	open.check(t)

	// The newer chart's own defaults come with its version, and what was set before stays.
	d.newerChart()
	upgrade := d.commands("Upgrade")
	if out, err := d.try(strings.Replace(upgrade[0], "--reset-then-reuse-values", "--reuse-values", 1)); err == nil {
		t.Errorf("the page warns of --reuse-values for nothing:\n%s", out)
	}
	for _, command := range upgrade {
		d.do(command)
	}
	d.stop(syscall.SIGTERM)
	d.startPod()
	d.see(d.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	d.see(d.lab.PodB, lab.TCP, lab.Internet, lab.NodePrimary)
	open.check(t)

	uninstall := d.commands("Uninstall")
	d.do(uninstall[0])
	// It stays so in later upgrades, but for one that drops all values.
	for flag, want := range map[string]bool{
		"": true, " --reset-then-reuse-values": true, " --reset-then-reuse-values --set cleanup=false": false, " --set metrics.port=9478": false,
	} {
		const upgrade = "helm upgrade snatd ./chart --namespace kube-system --dry-run"
		if out, err := d.try(upgrade + flag); err != nil || strings.Contains(out, "ipFamily: ipv6") != want {
			t.Errorf("%s%s: %v, want the rules taken out: %t\n%s", upgrade, flag, err, want, out)
		}
	}
	d.kubelet.sync()
	d.waitTakenOut()
	d.see(d.lab.PodB, lab.TCP, lab.Internet, lab.PodB)
	open.check(t)
	// Beside a daemon that runs nobody cleans up.
	if _, said, err := d.kubelet.exec(d.lab.Node, "/snatd", "cleanup"); err == nil || !strings.Contains(said, "stop it first") {
		t.Errorf("cleaned up beside the daemon: %v\n%s", err, said)
	}
	d.do(uninstall[1])
	d.stop(syscall.SIGTERM)
	d.checkNothingInstalled()
	open.check(t)
	d.do(uninstall[2])
	d.checkDebug(uninstall[2])
	if out, said, err := d.kubelet.exec(d.lab.Node, "/snatd", "cleanup"); err != nil || !strings.Contains(out, "live connections keep what they need") {
		t.Errorf("cleanup: %v\n%s%s", err, out, said)
	}
	open.check(t)
}

// The manifests install the same as the chart.
func TestDeployedWithoutHelm(t *testing.T) {
	d := prepareDeployed(t)
	commands := d.commands("Without Helm")
	d.do(commands[0])
	d.startPod()
	d.pod("web", lab.PodA, false)
	d.wait("the pod to be known", func() error {
		if s := d.status(); s.Subjects != 2 {
			return fmt.Errorf("%d subjects", s.Subjects)
		}
		return nil
	})
	d.check(onlyOutside)
	open := d.open(d.lab.PodB, lab.TCP, lab.Internet)

	// A key that waits for the next start.
	file := filepath.Join(d.here, "manifests/configmap.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, "      deadline: 70ms\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	d.do("kubectl apply --filename manifests/configmap.yaml")
	d.kubelet.sync()
	waits := func() bool {
		out, said, _ := d.kubelet.exec(d.lab.Node, "/snatd", "status")
		return strings.Contains(out+said, "policies.deadline")
	}
	d.wait("the daemon to say that a key waits for a start", func() error {
		if !waits() {
			return errors.New("it does not")
		}
		return nil
	})
	before := d.template()
	d.do(commands[1])
	if reflect.DeepEqual(before, d.template()) {
		t.Errorf("%s makes no new pods", commands[1])
	}
	d.stop(syscall.SIGTERM)
	d.startPod()
	if waits() {
		t.Error("a restart does not put the key in force")
	}
	open.check(t)

	for _, command := range commands[2:4] {
		d.do(command)
	}
	d.kubelet.sync()
	d.waitTakenOut()
	d.see(d.lab.PodB, lab.TCP, lab.Internet, lab.PodB)
	open.check(t)
	d.do(commands[4])
	d.checkNothingInstalled()
}

// template is what the DaemonSet's pods are made by.
func (d *deployed) template() corev1.PodTemplateSpec {
	d.t.Helper()
	set, err := d.server.Admin().AppsV1().DaemonSets(deploy.Namespace).Get(d.t.Context(), "snatd", metav1.GetOptions{})
	if err != nil {
		d.t.Fatal(err)
	}
	return set.Spec.Template
}

// waitTakenOut waits until the daemon has taken out all but what live connections need.
func (d *deployed) waitTakenOut() {
	d.t.Helper()
	const left = "live ones keep what they need of earlier rules"
	d.wait("the rules to go", func() error {
		if out, said, _ := d.kubelet.exec(d.lab.Node, "/snatd", "status"); !strings.HasPrefix(out, "healthy: ") || !strings.Contains(out, left) || !strings.Contains(d.page, left) {
			return fmt.Errorf("%s%s", out, said)
		}
		return nil
	})
}

// checkNothingInstalled says that nothing of snatd is in the cluster.
func (d *deployed) checkNothingInstalled() {
	d.t.Helper()
	if list, err := d.try("kubectl get --all-namespaces --output name --selector app.kubernetes.io/name=snatd " +
		"daemonsets,configmaps,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings"); err != nil || list != "" {
		d.t.Errorf("left after uninstalling: %v\n%s", err, list)
	}
}

// writeModule writes the files that the page calls partners.
func (d *deployed) writeModule(sidecar string) {
	d.t.Helper()
	wasm, err := os.ReadFile("../examples/built/exclude-by-label.wasm")
	if err != nil {
		d.t.Fatalf("%v: run make build first", err)
	}
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	if _, err := w.Write(wasm); err != nil {
		d.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		d.t.Fatal(err)
	}
	for name, content := range map[string][]byte{"20-partners.wasm.gz": compressed.Bytes(), "20-partners.yaml": []byte(sidecar)} {
		if err := os.WriteFile(filepath.Join(d.here, name), content, 0o644); err != nil {
			d.t.Fatal(err)
		}
	}
}

// checkProcess says that the kernel gives the daemon no more than the pod's security
// context does.
func (d *deployed) checkProcess() {
	d.t.Helper()
	// The bounding set can be given up only with CAP_SETPCAP, which it never had.
	want := kept
	want.Bnd = netAdmin
	threads, err := privilegesOf(d.process.PID())
	if err != nil || len(threads) == 0 {
		d.t.Errorf("%d threads: %v", len(threads), err)
	}
	for _, got := range threads {
		if got != want {
			d.t.Errorf("a thread of the daemon has %+v, want %+v", got, want)
		}
	}
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mounts", d.process.PID()))
	if err != nil || !regexp.MustCompile(`(?m)^box / tmpfs ro,`).Match(mounts) {
		d.t.Errorf("%v: the root is not read-only:\n%s", err, mounts)
	}
}

// checkRights says that the service account may do what the daemon asks for, and beside
// that no more than any other account.
func (d *deployed) checkRights() {
	d.t.Helper()
	for namespace, events := range map[string]bool{"default": true, deploy.Namespace: false, d.namespace.Name: false} {
		want := []string{"list namespaces", "list nodes", "list pods", "watch namespaces", "watch nodes", "watch pods"}
		if events {
			want = append([]string{"create events"}, want...)
		}
		others := d.rights(namespace, "default", "nobody")
		got := slices.DeleteFunc(d.rights(namespace, deploy.Namespace, "snatd"), func(right string) bool { return slices.Contains(others, right) })
		if !slices.Equal(got, want) {
			d.t.Errorf("in %s the daemon may %q, want %q", namespace, got, want)
		}
	}
}

// rights are what a service account may do in a namespace, by its own token, sorted.
func (d *deployed) rights(namespace, of, account string) (rights []string) {
	d.t.Helper()
	client := d.server.As(d.t, d.server.Token(d.t, of, account))
	review, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(d.t.Context(),
		&authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}, metav1.CreateOptions{})
	if err != nil || review.Status.Incomplete {
		d.t.Fatalf("the rights of %s: %v %+v", account, err, review)
	}
	add := func(verbs, names []string) {
		for _, verb := range verbs {
			for _, name := range names {
				rights = append(rights, verb+" "+name)
			}
		}
	}
	for _, rule := range review.Status.ResourceRules {
		add(rule.Verbs, rule.Resources)
	}
	for _, rule := range review.Status.NonResourceRules {
		add(rule.Verbs, rule.NonResourceURLs)
	}
	slices.Sort(rights)
	return slices.Compact(rights)
}

// checkDebug says that the pod which kubectl debug has made can clean up: on the node's
// network, with the capability for it.
func (d *deployed) checkDebug(command string) {
	d.t.Helper()
	pods, err := d.server.Admin().CoreV1().Pods(metav1.NamespaceDefault).List(d.t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + d.node.Name})
	if err != nil || len(pods.Items) != 1 {
		d.t.Fatalf("%v, %d pods", err, len(pods.Items))
	}
	spec := pods.Items[0].Spec
	_, inside, _ := strings.Cut(command, " -- ")
	if c := spec.Containers[0]; !spec.HostNetwork || !slices.Contains(c.SecurityContext.Capabilities.Add, "NET_ADMIN") || strings.Join(append(c.Command, c.Args...), " ") != inside {
		d.t.Errorf("%s makes %+v", command, spec)
	}
}
