// Package deploy holds what operators are given to install snatd with,
// examples/deploy, against the programs that they use: helm, kubectl and a real API
// server. Its tests need no daemon; one that runs from the chart is tested in package
// test, which renders it by this package.
//
// The plain manifests, the chart's alerts and the schema of its configuration are
// made here, from the chart, from examples/prometheus and from package config.
package deploy

//go:generate go test . -run Fresh -write

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Namespace is where the documents install.
const Namespace = "kube-system"

// Need ends the test if helm is missing: on CI as failed, elsewhere as skipped.
func Need(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("helm"); err == nil {
		return
	}
	const hint = "helm is missing: go install helm.sh/helm/v3/cmd/helm@v3.22.0"
	if os.Getenv("CI") == "true" {
		t.Fatal(hint)
	}
	t.Skip(hint)
}

// Folder is examples/deploy, for tests in a folder below test or in test itself.
func Folder(t *testing.T) string {
	t.Helper()
	for _, up := range []string{"..", "../.."} {
		folder, err := filepath.Abs(filepath.Join(up, "examples/deploy"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(folder); err == nil {
			return folder
		}
	}
	t.Fatal("there is no examples/deploy above this package")
	return ""
}

// Render is what helm makes of the chart, with flags of helm template. The error has
// what helm says.
func Render(t *testing.T, flags ...string) (string, error) {
	t.Helper()
	Need(t)
	return Run(nil, "", "helm", append([]string{"template", "snatd", filepath.Join(Folder(t), "chart"), "--namespace", Namespace}, flags...)...)
}

// Run runs a command, with an environment unless that is nil, and returns what it
// prints. The error has what it says on standard error.
func Run(environment []string, input, name string, arguments ...string) (string, error) {
	var out, said bytes.Buffer
	command := exec.Command(name, arguments...)
	command.Env, command.Stdin, command.Stdout, command.Stderr = environment, bytes.NewReader([]byte(input)), &out, &said
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w\n%s", command, err, said.Bytes())
	}
	return out.String(), nil
}
