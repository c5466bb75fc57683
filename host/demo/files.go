package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/snatd/snatd/examples"
	"github.com/snatd/snatd/host/lab"
)

// Pods as the facts file names them.
const (
	podAName        = "default/pod-a"
	podBName        = "default/pod-b"
	hostNetworkName = "default/host-network"
)

// The drop-in of act 3. The daemon names it by its file.
const (
	dropInName  = "10-peering.wasm"
	sidecarName = "10-peering.yaml"
)

// files are the daemon's files, in a directory that dies with this process.
type files struct{ dir string }

func newFiles() (*files, error) {
	dir, err := os.MkdirTemp(lab.Files, "snatd-demo-")
	if err != nil {
		return nil, err
	}
	f := &files{dir}
	if err := f.writeAll(); err != nil {
		return nil, errors.Join(err, f.remove())
	}
	return f, nil
}

func (f *files) writeAll() error {
	if err := os.Mkdir(f.policies(), 0o755); err != nil {
		return err
	}
	if err := f.write(f.facts(), []byte(factsYAML())); err != nil {
		return err
	}
	return f.writeConfig(false)
}

func (f *files) config() string   { return filepath.Join(f.dir, "config.yaml") }
func (f *files) facts() string    { return filepath.Join(f.dir, "facts.yaml") }
func (f *files) policies() string { return filepath.Join(f.dir, "policies.d") }
func (f *files) socket() string   { return filepath.Join(f.dir, "snatd.sock") }

// writeConfig writes the configuration. Compiled modules are not kept: nothing
// should be left.
func (f *files) writeConfig(external bool) error {
	return f.write(f.config(), fmt.Appendf(nil, `facts: {vpc: static, pods: static, file: %q, record: ""}
network: {primaryInterface: %s, podInterfaces: [%q]}
snat: {external: %t}
policies: {directory: %q, cache: ""}
socket: %q
metrics: {listen: ""}
`, f.facts(), lab.PrimaryInterface, lab.PodInterfaces, external, f.policies(), f.socket()))
}

func factsYAML() string {
	return fmt.Sprintf(`node: {name: node-a, zone: eu-west-1a}
vpc: {cidrs: [%s, %s]}
namespaces: [{name: default}]
pods:
- {namespace: default, name: pod-a, ip: %s}
- {namespace: default, name: pod-b, ip: %s}
- {namespace: default, name: host-network, ip: %s, hostNetwork: true}
`, lab.VPCNetwork, lab.SecondNetwork, lab.PodA, lab.PodB, lab.NodePrimary)
}

// addDropIn adds the drop-in that excludes the peered VPC, its sidecar first: a
// module that comes alone would be loaded without its configuration.
func (f *files) addDropIn() error {
	module := examples.ExcludeCIDRs()
	if module == nil {
		return errors.New("this binary carries no example modules: build it with make build")
	}
	sidecar := fmt.Appendf(nil, "config: {cidrs: %q, why: peered vpc}\n", lab.PeeredNetwork)
	if err := f.write(filepath.Join(f.policies(), sidecarName), sidecar); err != nil {
		return err
	}
	return f.write(filepath.Join(f.policies(), dropInName), module)
}

// write replaces a file at once: the daemon must not read a part of it.
func (f *files) write(path string, data []byte) error {
	part := filepath.Join(f.dir, "part")
	if err := os.WriteFile(part, data, 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}

func (f *files) remove() error { return os.RemoveAll(f.dir) }
