package demo

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConfigFile(t *testing.T) {
	f := &files{t.TempDir()}
	if err := f.writeConfig(true); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(f.config())
	if err != nil {
		t.Fatal(err)
	}
	want := `facts: {vpc: static, pods: static, file: "` + f.dir + `/facts.yaml", record: ""}
network: {primaryInterface: eth0, podInterfaces: ["eni*"]}
snat: {external: true}
policies: {directory: "` + f.dir + `/policies.d", cache: ""}
socket: "` + f.dir + `/snatd.sock"
metrics: {listen: ""}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// The daemon reads every file in its folder of policies.
	if left, err := filepath.Glob(filepath.Join(f.dir, "part*")); err != nil || left != nil {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestFactsFile(t *testing.T) {
	want := `node: {name: node-a, zone: eu-west-1a}
vpc: {cidrs: [10.0.0.0/16, 100.64.0.0/16]}
namespaces: [{name: default}]
pods:
- {namespace: default, name: pod-a, ip: 10.0.1.5}
- {namespace: default, name: pod-b, ip: 10.0.65.6}
- {namespace: default, name: host-network, ip: 10.0.0.10, hostNetwork: true}
`
	if diff := cmp.Diff(want, factsYAML()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
