package deploy

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	k8slabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/snatd/snatd/host/config"
)

// values are the flags of helm for sets of values: the defaults, and the files in
// testdata.
var values = map[string][]string{
	"defaults":   nil,
	"everything": {"--values", "testdata/everything.yaml"},
	"static":     {"--values", "testdata/static.yaml"},
	"cleanup":    {"--values", "testdata/cleanup.yaml"},
}

func render(t *testing.T, flags ...string) string {
	t.Helper()
	text, err := Render(t, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestLint(t *testing.T) {
	Need(t)
	for name, flags := range values {
		if out, err := Run(nil, "", "helm", append([]string{"lint", "--strict", filepath.Join(Folder(t), "chart")}, flags...)...); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// A value that does not exist, or says nothing that can be meant, is an error that
// names it.
func TestWrongValues(t *testing.T) {
	for set, want := range map[string]string{
		"imagee.tag=1":                                 "imagee",
		"image.tagg=1":                                 "tagg",
		"image.digest=sha256:12":                       "/image/digest",
		"image.pullPolicy=Sometimes":                   "/image/pullPolicy",
		"config.snat.excludeCIDR={10.0.0.0/8}":         "excludeCIDR",
		"config.metrics.listen=0.0.0.0:1":              "listen",
		"config.socketGroup=ops":                       "socketGroup",
		"config.policies.directory=/tmp":               "directory",
		"config.snat.external=maybe":                   "/config/snat/external",
		"metrics.port=70000":                           "/metrics/port",
		"metrics.serviceMonitor.enable=true":           "enable",
		"policies.configMap=partners":                  "configMap",
		"policies.modules.partners\\.wasm=AAAA":        "partners.wasm",
		"policies.files.20-partners\\.yml=x":           "20-partners.yml",
		"cleanup=yes":                                  "/cleanup",
		"maxUnavailable=0":                             "/maxUnavailable",
		"maxUnavailable=0%":                            "/maxUnavailable",
		"maxUnavailable=999%":                          "/maxUnavailable",
		"seccompProfile.type=Custom":                   "/seccompProfile/type",
		"seccompProfile.type=Localhost":                "seccompProfile.localhostProfile: empty",
		"policies.hostPath=/p,policies.configMaps={a}": "policies.hostPath: accepted without",
		"env.AWS_VPC_K8S_CNI_EXTERNALSNAT=true":        "env",
	} {
		_, err := Render(t, "--set", set)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
}

// What the chart refuses of the configuration's words, times, numbers and networks, the
// daemon refuses too, and what the daemon takes, the chart takes.
func TestWordsOfConfiguration(t *testing.T) {
	for key, texts := range map[string]struct{ right, wrong []string }{
		"facts.vpc":                {[]string{"imds", "static"}, []string{"ec2", `""`}},
		"facts.interval":           {[]string{"15s", "1m30s", "1.5s"}, []string{"never", `"15"`, "-1s"}},
		"facts.grace":              {[]string{"0s", "2m"}, []string{"1d"}},
		"facts.prefixLists":        {[]string{"[pl-0123456789abcdef0, partners]"}, []string{`[""]`}},
		"network.primaryAddress":   {[]string{"10.0.0.10"}, []string{"10.0.0", "10.0.0.256", "10.0.0.10/16"}},
		"network.primaryInterface": {[]string{"eth0", `""`}, []string{"eth0*", "a/b", "sixteen-letters-"}},
		"network.podInterfaces":    {[]string{`["eni*", veth0, "fourteen-lette*"]`}, []string{"[]", `["*"]`, `["e*i"]`, `["a b"]`, `["fifteen-letters*"]`}},
		"network.ipFamily":         {[]string{"ipv4", "ipv6"}, []string{"ipv5"}},
		"network.protect":          {[]string{"auto", `"off"`}, []string{"on"}},
		"snat.excludeCIDRs":        {[]string{"[]", "[0.0.0.0/0, 192.168.0.0/16, 10.1.2.3/32]"}, []string{"[not-a-cidr]", "[10.0.0.0]", "[10.0.0.0/33]", "[300.0.0.0/8]", `["fd00::/8"]`}},
		"snat.randomize":           {[]string{"prng", "hashrandom", "none"}, []string{"bogus"}},
		"snat.mark":                {[]string{"128", "0x80", `"0x80"`, `"0x80000000"`, `"128"`}, []string{"0", "0x100000000", `"0x3"`, "bit"}},
		"snat.onChange":            {[]string{"keep", "drain", "flush"}, []string{"break"}},
		"guard.maxChange":          {[]string{"{pods: 30%, addresses: 0.5%}", "{pods: 100%}"}, []string{"{pods: 101%}", "{pods: 30}", `{addresses: "30"}`}},
		"policies.memory":          {[]string{"4", "1024", `"16"`}, []string{"3", "1025", "16Mi"}},
		"log.level":                {[]string{"debug", "info", "warn", "error"}, []string{"trace"}},
	} {
		section, name, _ := strings.Cut(key, ".")
		for want, texts := range map[bool][]string{true: texts.right, false: texts.wrong} {
			for _, text := range texts {
				file := filepath.Join(t.TempDir(), "file.yaml")
				text = "config: {" + section + ": {" + name + ": " + text + "}}\n"
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := Render(t, "--values", file); (err == nil) != want || (err != nil && !strings.Contains(err.Error(), "/config/"+section+"/"+name)) {
					t.Errorf("the chart, %s: %v", text, err)
				}
				inner := strings.TrimSuffix(strings.TrimPrefix(text, "config: "), "\n")
				if err := os.WriteFile(file, []byte(inner), 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := config.Load(config.Options{File: file}); (err == nil) != want {
					t.Errorf("the daemon, %s: %v", text, err)
				}
			}
		}
	}
}

// The daemon takes the configuration that each set of values leads to, and what the
// pod's mounts and probes rely on is in it.
func TestConfiguration(t *testing.T) {
	loaded := map[string]config.Config{}
	for name, flags := range values {
		objects := decode(t, render(t, flags...))
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(find[*corev1.ConfigMap](t, objects, "snatd").Data["config.yaml"]), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Options{File: file, Environ: func(string) (string, bool) { return "", false }})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		mounts := find[*appsv1.DaemonSet](t, objects, "snatd").Spec.Template.Spec.Containers[0].VolumeMounts
		for _, path := range []string{c.Facts.File, c.Facts.Record, c.Policies.Cache, c.Socket, filepath.Join(c.History.Directory, "x"), filepath.Join(c.Policies.Directory, "x")} {
			mounted := slices.ContainsFunc(mounts, func(m corev1.VolumeMount) bool { return strings.HasPrefix(path, m.MountPath) })
			if !mounted {
				t.Errorf("%s: nothing is mounted at %s", name, path)
			}
		}
		loaded[name] = c
	}
	for what, ok := range map[string]bool{
		"the port is local by default":  loaded["defaults"].Metrics.Listen == "127.0.0.1:9477",
		"it is not where it is scraped": loaded["everything"].Metrics.Listen == "0.0.0.0:9999",
		"a large mark":                  loaded["everything"].SNAT.Mark == 1<<31,
		"static facts":                  loaded["static"].Facts.VPC == config.VPCStatic,
		"cleaning up":                   loaded["cleanup"].Network.IPFamily == config.IPv6,
	} {
		if !ok {
			t.Errorf("not so: %s\n%+v", what, loaded)
		}
	}
	account := find[*corev1.ServiceAccount](t, decode(t, render(t, values["everything"]...)), "snatd")
	if account.Annotations["eks.amazonaws.com/role-arn"] != "arn:aws:iam::123456789012:role/snatd" {
		t.Errorf("the service account has %v", account.Annotations)
	}
	// Who turns on the monitor alone is scraped too.
	if text := render(t, "--set", "metrics.serviceMonitor.enabled=true"); !strings.Contains(text, "listen: 0.0.0.0:9477") {
		t.Error("with a ServiceMonitor the port is not exposed")
	}
}

// Pods start again for what only a start puts in force, and for nothing else in the
// configuration.
func TestRestart(t *testing.T) {
	daemonSet := func(flags ...string) string {
		return render(t, append(flags, "--show-only", "templates/daemonset.yaml")...)
	}
	before := daemonSet()
	for set, restarts := range map[string]bool{
		"config.snat.excludeCIDRs={192.168.0.0/16}": false,
		"config.network.verify=2m":                  false,
		"config.policies.routes=true":               false,
		"policies.files.20-a\\.yaml=mode: shadow":   false,
		"cleanup=true":                              false,
		"config.policies.memory=32":                 true,
		"config.policies.deadline=100ms":            true,
		"config.network.protect=off":                true,
		"config.metrics.page=true":                  true,
		"metrics.exposed=true":                      true,
	} {
		if got := daemonSet("--set", set) != before; got != restarts {
			t.Errorf("%s: the DaemonSet differs: %t, want %t", set, got, restarts)
		}
	}
}

// Pods are on every node where they can run, whatever its taints, and on no other: one
// that stays pending would use up what an upgrade may have unavailable.
func TestNodes(t *testing.T) {
	on := func(labels map[string]string, flags ...string) bool {
		t.Helper()
		pod := find[*appsv1.DaemonSet](t, decode(t, render(t, flags...)), "snatd").Spec.Template.Spec
		terms := pod.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
		if len(terms) != 1 || len(pod.Tolerations) != 1 || pod.Tolerations[0] != (corev1.Toleration{Operator: corev1.TolerationOpExists}) {
			t.Fatalf("%+v, tolerations %+v", terms, pod.Tolerations)
		}
		matches := k8slabels.SelectorFromSet(pod.NodeSelector).Matches(k8slabels.Set(labels))
		for _, e := range terms[0].MatchExpressions {
			requirement, err := k8slabels.NewRequirement(e.Key, map[corev1.NodeSelectorOperator]selection.Operator{
				corev1.NodeSelectorOpIn: selection.In, corev1.NodeSelectorOpNotIn: selection.NotIn,
			}[e.Operator], e.Values)
			if err != nil {
				t.Fatal(err)
			}
			matches = matches && requirement.Matches(k8slabels.Set(labels))
		}
		return matches
	}
	for _, test := range []struct {
		os, arch, compute string
		want              bool
	}{
		{"linux", "amd64", "", true},
		{"linux", "arm64", "ec2", true},
		{"linux", "amd64", "fargate", false},
		{"linux", "s390x", "", false},
		{"windows", "amd64", "", false},
	} {
		labels := map[string]string{"kubernetes.io/os": test.os, "kubernetes.io/arch": test.arch}
		if test.compute != "" {
			labels["eks.amazonaws.com/compute-type"] = test.compute
		}
		if got := on(labels); got != test.want {
			t.Errorf("on a node with %v: %t", labels, got)
		}
		if test.want && on(labels, "--set", "nodeSelector.pool=a") {
			t.Errorf("nodeSelector does not keep it from a node with %v", labels)
		}
	}
}

// A value that is taken away leaves a chart that is right, or an error that names it.
func TestWithoutValues(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(Folder(t), "chart/values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := utilyaml.Unmarshal(text, &all); err != nil || len(all) == 0 {
		t.Fatalf("%d values: %v", len(all), err)
	}
	for name := range all {
		text, err := Render(t, "--set", name+"=null")
		if err == nil {
			decode(t, text)
		} else if !strings.Contains(err.Error(), "missing propert") || !strings.Contains(err.Error(), "'"+name+"'") {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for _, optional := range []string{"config", "tolerations", "nodeSelector", "affinity"} {
		if _, err := Render(t, "--set", optional+"=null"); err != nil {
			t.Errorf("without %s: %v", optional, err)
		}
	}
}

// The image that the documents build and run is the one that the chart takes.
func TestTag(t *testing.T) {
	version := regexp.MustCompile(`image: ghcr\.io/snatd/snatd:(\S+)`).FindStringSubmatch(render(t))
	page, err := os.ReadFile(filepath.Join(Folder(t), "README.md"))
	if version == nil || err != nil {
		t.Fatal(version, err)
	}
	for pattern, want := range map[string]string{`/snatd:([^\s\x60]+)`: version[1], `VERSION=(\S+)`: "v" + version[1]} {
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(string(page), -1)
		if len(found) < 2 {
			t.Errorf("the page has %d of %s", len(found), pattern)
		}
		for _, match := range found {
			if match[1] != want {
				t.Errorf("the page has %s, want %s", match[0], want)
			}
		}
	}
}

// A pod has the one capability, and no way to more.
func TestPrivileges(t *testing.T) {
	for name, flags := range values {
		pod := find[*appsv1.DaemonSet](t, decode(t, render(t, flags...)), "snatd").Spec.Template.Spec
		if len(pod.Containers) != 1 || len(pod.InitContainers) > 0 {
			t.Fatalf("%s: %d containers", name, len(pod.Containers))
		}
		c := pod.Containers[0]
		s := c.SecurityContext
		profile := pod.SecurityContext.SeccompProfile
		for what, ok := range map[string]bool{
			"capabilities":         slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) && slices.Equal(s.Capabilities.Add, []corev1.Capability{"NET_ADMIN"}),
			"no escalation":        !*s.AllowPrivilegeEscalation && !*s.Privileged,
			"a read-only root":     *s.ReadOnlyRootFilesystem,
			"a seccomp profile":    profile.Type == corev1.SeccompProfileTypeRuntimeDefault || *profile.LocalhostProfile == "snatd.json",
			"its own processes":    !pod.HostPID && !pod.HostIPC,
			"the node's network":   pod.HostNetwork && pod.DNSPolicy == corev1.DNSDefault,
			"nothing when stopped": c.Lifecycle == nil,
			"one variable":         len(c.Env) == 1 && c.Env[0].ValueFrom.FieldRef.FieldPath == "spec.nodeName" && len(c.EnvFrom) == 0,
			"memory to compile in": c.Resources.Limits.Memory().Value() >= 512<<20,
		} {
			if !ok {
				t.Errorf("%s: not so: %s", name, what)
			}
		}
		for _, volume := range pod.Volumes {
			if h := volume.HostPath; h != nil && !slices.Contains([]string{"/run/snatd", "/var/lib/snatd", "/var/cache/snatd", "/opt/policies.d", "/etc/pki"}, h.Path) {
				t.Errorf("%s: the node's %s is mounted", name, h.Path)
			}
		}
	}
}

// Everything is stable in the oldest version that the chart accepts, as the API's own
// types say, and versions before are refused.
func TestOldest(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(Folder(t), "chart/Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^kubeVersion: ">=1\.([0-9]+)\.0-0"$`).FindSubmatch(text)
	if version == nil {
		t.Fatalf("no kubeVersion in\n%s", text)
	}
	oldest, err := strconv.Atoi(string(version[1]))
	if err != nil {
		t.Fatal(err)
	}
	// A pod's seccompProfile is stable since 1.19: kubernetes.io/docs, "Restrict a
	// Container's Syscalls with seccomp".
	const newestField = 19
	if oldest != newestField {
		t.Errorf("the oldest version is 1.%d, the newest field is of 1.%d", oldest, newestField)
	}
	checked := 0
	for name, flags := range values {
		for _, accepted := range []string{strconv.Itoa(oldest) + ".0", strconv.Itoa(oldest) + ".3-eks-113cf36", "36.3"} {
			if _, err := Render(t, append(flags, "--kube-version", "v1."+accepted)...); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := Render(t, append(flags, "--kube-version", "v1."+strconv.Itoa(oldest-1)+".9")...); err == nil {
			t.Errorf("%s: an older version is accepted", name)
		}
		for _, o := range decode(t, render(t, flags...)) {
			// Types that are as old as the API itself have no note of it.
			if since, ok := o.(interface{ APILifecycleIntroduced() (major, minor int) }); ok {
				checked++
				if _, minor := since.APILifecycleIntroduced(); minor > oldest {
					t.Errorf("%s: %T exists since 1.%d", name, o, minor)
				}
			}
			if v := o.GetObjectKind().GroupVersionKind().Version; v != "v1" {
				t.Errorf("%s: %T is of version %s", name, o, v)
			}
		}
	}
	if checked == 0 {
		t.Error("the API's types do not say since when they exist")
	}
}

// decode is the objects of Kubernetes itself in a text; those of others are left out.
func decode(t *testing.T, text string) (objects []runtime.Object) {
	t.Helper()
	documents := utilyaml.NewDocumentDecoder(io.NopCloser(strings.NewReader(text)))
	buffer := make([]byte, 1<<20)
	for {
		n, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		document := string(buffer[:n])
		if strings.Contains(document, "apiVersion: monitoring.coreos.com/") {
			continue
		}
		o, kind, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(document), nil, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		o.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{Group: kind.Group, Version: kind.Version, Kind: kind.Kind})
		objects = append(objects, o)
	}
}

// find is the object of a type with a name.
func find[O interface{ GetName() string }](t *testing.T, objects []runtime.Object, name string) (found O) {
	t.Helper()
	for _, o := range objects {
		if o, ok := o.(O); ok && o.GetName() == name {
			return o
		}
	}
	t.Fatalf("there is no %T %s", found, name)
	return found
}
