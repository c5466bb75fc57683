package deploy

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/test/kube"
)

// The Prometheus operator, as a Go module: its custom resources are in it.
const (
	operator = "github.com/prometheus-operator/prometheus-operator@v0.87.1"
	// As sum.golang.org has it.
	operatorSum = "h1:zjzxO10Rv3goA/GDbE3Vgf2TNhhcOp7fZbRG0Tkm3OY="
)

// The API server takes all that the chart makes, by its own word and strictly: a
// field that it does not know is an error.
func TestServer(t *testing.T) {
	environment := kube.Own(t).Environment(t)
	kubectl := func(input string, arguments ...string) error {
		_, err := Run(environment, input, "kubectl", arguments...)
		return err
	}
	for _, resource := range []string{"servicemonitors", "prometheusrules"} {
		definition := filepath.Join(download(t, operator, operatorSum), "example/prometheus-operator-crd/monitoring.coreos.com_"+resource+".yaml")
		for _, err := range []error{
			kubectl("", "apply", "--server-side", "-f", definition),
			established(kubectl, "crd/"+resource+".monitoring.coreos.com"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	checkNotes(t, environment)
	ask := func(text string) error {
		return kubectl(text, "apply", "--dry-run=server", "--validate=strict", "-f", "-")
	}
	for name, flags := range values {
		if err := ask(render(t, flags...)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	everything := render(t, values["everything"]...)
	for right, wrong := range map[string]string{
		"readOnlyRootFilesystem: true": "readOnlyRootFileSystem: true", "jobLabel:": "joblabel:", "annotations:\n        summary": "notes:\n        summary", "automountServiceAccountToken: false": "automountToken: false",
	} {
		if !strings.Contains(everything, right) {
			t.Errorf("nowhere is %s", right)
		} else if ask(strings.Replace(everything, right, wrong, 1)) == nil {
			t.Errorf("the server takes %s", wrong)
		}
	}
	if err := kubectl("", "apply", "--dry-run=server", "--validate=strict", "-f", filepath.Join(Folder(t), "manifests")); err != nil {
		t.Error(err)
	}
}

// established waits until a custom resource is served. Kubectl's own waiting fails as long
// as nobody has said anything about it.
func established(kubectl func(input string, arguments ...string) error, name string) (err error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = kubectl("", "wait", "--for=condition=Established", name, "--timeout=60s"); err == nil {
			return nil
		}
	}
	return err
}

// checkNotes says that what is printed after an installation has the order in which no
// connection breaks. Helm prints it only beside a server.
func checkNotes(t *testing.T, environment []string) {
	t.Helper()
	Need(t)
	notes := func(flags ...string) string {
		t.Helper()
		text, err := Run(environment, "", "helm", append([]string{"install", "snatd", filepath.Join(Folder(t), "chart"), "--dry-run=client"}, flags...)...)
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ = strings.Cut(text, "\nNOTES:\n")
		return text
	}
	text := notes()
	for _, want := range []string{"ready on every node, and not before,\n\n  kubectl", "add-on", "examples/migrate/aws-vpc-cni.md", "--reset-then-reuse-values --set cleanup=true"} {
		if !strings.Contains(text, want) {
			t.Errorf("the notes lack %q:\n%s", want, text)
		}
	}
	const memory = "the limit 48 MiB more"
	if strings.Contains(text, memory) || !strings.Contains(notes("--set", "config.policies.memory=64"), memory) {
		t.Error("that larger policies need a larger limit of memory is not said, or without need")
	}
}

// download is the folder of a Go module, which has to have this sum.
func download(t *testing.T, module, sum string) string {
	t.Helper()
	out, err := Run(nil, "", "go", "mod", "download", "-json", module)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got struct{ Dir, Sum string }
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Sum != sum {
		t.Fatalf("%s has the sum %s (%v), want %s", module, got.Sum, err, sum)
	}
	return got.Dir
}
