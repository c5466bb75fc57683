package test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/snatd/snatd/"

// boundary limits who may import what. A package or import path stands for those
// below it too, but for the packages beside Only. Tests may import what they like.
type boundary struct {
	from []string // our packages, without the module path
	may  []string // without Not and Only: From imports these and the standard library, nothing else
	not  []string // From does not import these, but for those in May
	only []string // nothing but From imports these

	reason string
}

var boundaries = []boundary{
	{from: []string{"rules"}, may: ours("rules"),
		reason: "the compiler is pure and importable by anyone: values in, values out"},
	{from: []string{"sdk"}, may: ours("sdk"),
		reason: "policy authors get the SDK and nothing else into their module"},
	{from: []string{"plugins"}, may: ours("sdk", "plugins"),
		reason: "shipped policies are built on the SDK like anyone's"},
	{from: []string{"examples"}, may: ours("sdk", "examples"),
		reason: "an example must work outside of this repository"},
	{from: []string{"host/attribute", "host/bounded", "host/file", "host/instance", "host/link", "host/netspace", "host/policy", "host/privilege", "host/roots", "host/signature", "host/watch"},
		not:    ours("host"),
		reason: "each does one thing for the rest of host, and knows nothing of it"},
	{from: []string{"host/dataplane", "host/flow", "host/neighbour"}, not: ours("host"), may: ours("host/attribute"),
		reason: "each looks at one thing in the kernel; what is done about it is for the rest of host"},
	{from: []string{"host/document"}, not: ours("host"), may: ours("host/file"),
		reason: "what is read means nothing here yet"},
	{from: []string{"host/policy"}, only: []string{"github.com/tetratelabs/wazero"},
		reason: "one package knows the Wasm engine, so that one place answers for the sandbox"},
	{from: []string{"host/dataplane"}, only: []string{"github.com/google/nftables"},
		reason: "one package talks to nf_tables, so that everything is one transaction"},
	{from: []string{"host/aws"}, only: []string{"github.com/aws"},
		reason: "one package asks AWS, so that one place answers for what is believed"},
	{from: []string{"host/kubernetes", "test/kube"}, only: []string{"k8s.io", "sigs.k8s.io"},
		reason: "one package asks the API server, so that one place answers for what is believed; the other is tests' own cluster"},
	{from: []string{"host/metrics"}, only: []string{"github.com/prometheus"},
		reason: "what is measured does not know who counts it"},
	{from: []string{"host/source", "host/health"}, not: ours("host"), may: ours("host/facts"),
		reason: "both handle values that say how current facts are, and nothing else of host"},
	{from: []string{"host/metrics"}, not: ours("host"), may: ours("host/bounded", "host/facts", "host/health"),
		reason: "it tells what it is handed, and asks no other part of the daemon"},
	{from: []string{"host/page"}, not: ours("host"), may: ours("host/api", "host/bounded", "host/engine", "host/health", "host/page", "host/screen"),
		reason: "it shows what others say and decide"},
	{from: []string{"host/screen"}, not: ours("host"), may: ours("host/api", "host/engine", "host/facts", "host/history", "host/neighbour", "host/dataplane"),
		reason: "it puts into words what a status says, and nothing else"},
	{from: []string{"host/aws", "host/kubernetes"}, not: ours("host"), may: ours("host/aws", "host/kubernetes", "host/document", "host/facts", "host/roots", "host/source"),
		reason: "a source tells facts; what follows from them is not for it to know"},
	{from: []string{"host/history"}, not: ours("host"), may: ours("host/config", "host/document", "host/dropin", "host/facts"),
		reason: "it keeps what a change followed from; what a change is, the engine says"},
	{from: []string{"host/compiler"}, not: ours("host"), may: ours("host/compiler", "host/policy", "host/privilege"),
		reason: "it is another process for a part of host/policy"},
	{from: []string{"host/convert"}, not: ours("host"), may: ours("host/config", "host/document"),
		reason: "it goes from a text to a text; what is on the node is not for it to know"},
	{from: []string{"host/author"}, not: ours("host"), may: ours("host/author", "host/document", "host/dropin", "host/facts", "host/file", "host/policy"),
		reason: "a module is tried from its file alone: no daemon, no kernel, no services"},
	{from: []string{"host"}, only: ours("host/author"),
		reason: "what authors of modules are told is for no part of the daemon"},
	{from: []string{"host/registry"}, only: []string{"oras.land/oras-go", "github.com/opencontainers", "github.com/secure-systems-lab"},
		reason: "one package talks to registries, and knows how an artifact is laid out there"},
	{from: []string{"host/registry"}, not: ours("host"), may: ours("host/dropin", "host/file", "host/signature"),
		reason: "it carries files between a registry and a directory; what they decide is not for it to know"},
	{from: []string{"host"}, only: ours("host/registry"),
		reason: "the daemon reads a directory, and asks no registry: a node's rules do not wait for one"},
	{from: []string{"host/privilege"}, only: []string{"kernel.org", "github.com/landlock-lsm"},
		reason: "one package gives up privileges, so that one place answers for what is left"},
	{from: []string{"host", "host/compiler"}, only: ours("host/privilege"),
		reason: "a process gives up privileges where it begins, not on its way"},
	{from: []string{"host/watch"}, only: []string{"github.com/fsnotify/fsnotify"},
		reason: "one package knows the pitfalls of file notifications"},
	{from: []string{"host/systemd"}, only: []string{"github.com/coreos/go-systemd"},
		reason: "one package talks to the service manager"},
	{from: []string{"host/systemd"}, not: ours("host"), may: ours("host/health"),
		reason: "it tells how the daemon is; that is judged elsewhere"},
	{from: []string{"host/document"}, only: []string{"github.com/goccy/go-yaml"},
		reason: "every file is parsed equally strictly, with file, line and key in the error"},
	{from: []string{"host/dataplane", "host/link", "host/netspace", "host/lab", "test/bench"}, only: []string{"github.com/vishvananda"},
		reason: "links, addresses and routes are read in link, and changed in the dataplane and in test networks only"},
	{from: []string{"host"}, only: []string{"github.com/spf13/cobra"},
		reason: "the command line is thin: what it calls works without it"},
	{from: []string{"host/lab", "host/nstest", "test/bench"}, only: ours("host/netspace"),
		reason: "the daemon stays in the namespaces that it is started in"},
	{from: []string{"host", "host/demo", "test/bench"}, only: ours("host/lab"),
		reason: "the daemon does not know that the network is a simulated one"},
	{from: []string{"test/bench"}, only: ours("test/kube", "host/policy/wasmtest"),
		reason: "a node has no use for a cluster of tests, which the benchmarks measure with"},
	{from: []string{"host/aws/imdstest", "host/aws/ec2test"}, only: ours("host/aws/fake"),
		reason: "it is what the fakes of AWS's services have in common"},
	{only: []string{"github.com/elastic"},
		reason: "filters for system calls are loaded by runtimes of containers, and by tests"},
	{only: ours("host/aws/imdstest", "host/aws/ec2test", "host/fresh", "host/nstest", "rules/nft/nfttest", "rules/oracle"),
		reason: "what is made for tests is not for a node"},
}

// ours are import paths of packages of this module.
func ours(packages ...string) []string {
	paths := make([]string, len(packages))
	for i, p := range packages {
		paths[i] = module + p
	}
	return paths
}

func TestImports(t *testing.T) {
	for importer, imports := range listImports(t) {
		for _, imported := range imports {
			for _, b := range boundaries {
				if b.forbids(importer, imported) {
					t.Errorf("%s must not import %s: %s", importer, imported, b.reason)
				}
			}
		}
	}
}

func (b boundary) forbids(importer, imported string) bool {
	from := ours(b.from...)
	switch {
	case b.only != nil:
		return within(imported, b.only) && !slices.Contains(from, importer)
	case !within(importer, from):
		return false
	case b.not != nil:
		return within(imported, b.not) && !within(imported, b.may)
	}
	first, _, _ := strings.Cut(imported, "/")
	standard := !strings.Contains(first, ".")
	return !standard && !within(imported, b.may)
}

// within tells that path is one of paths or below one.
func within(path string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

// listImports returns what each package imports, as built for the node and as
// built for Wasm.
func listImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	for _, environment := range [][]string{nil, {"GOOS=wasip1", "GOARCH=wasm"}} {
		list := exec.Command("go", "list", "-e", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
		list.Dir = ".."
		list.Env = append(list.Environ(), environment...)
		out, err := list.Output()
		if err != nil {
			t.Fatalf("%s: %v", list, err)
		}
		for line := range strings.Lines(string(out)) {
			if fields := strings.Fields(line); len(fields) > 0 {
				imports[fields[0]] = append(imports[fields[0]], fields[1:]...)
			}
		}
	}
	if len(imports) < 10 {
		t.Fatalf("only %d packages found", len(imports))
	}
	return imports
}

// A boundary that forbids nothing would pass for ever.
func TestBoundariesForbid(t *testing.T) {
	for _, c := range []struct {
		importer, imported string
		forbidden          bool
	}{
		{module + "rules", "net/netip", false},
		{module + "host/author", module + "host/engine", true},
		{module + "host/author", module + "host/policy", false},
		{module + "host/convert", module + "host/neighbour", true},
		{module + "host", module + "host/author", false},
		{module + "host", module + "host/registry", false},
		{module + "host/engine", module + "host/registry", true},
		{module + "host/author", module + "host/registry", true},
		{module + "host/dropin", "oras.land/oras-go/v2", true},
		{module + "host/registry", "oras.land/oras-go/v2/registry/remote", false},
		{module + "host/registry", module + "host/policy", true},
		{module + "rules/nft", module + "rules", false},
		{module + "rules", "github.com/google/nftables", true},
		{module + "sdk", module + "rules", true},
		{module + "plugins/default", module + "sdk", false},
		{module + "plugins/default", module + "host/facts", true},
		{module + "host/engine", "github.com/tetratelabs/wazero/api", true},
		{module + "host/policy", "github.com/tetratelabs/wazero/api", false},
		{module + "host/dataplane", module + "rules/nft", false},
		{module + "host/dataplane", module + "host/link", true},
		{module + "host/flow", module + "host/attribute", false},
		{module + "host/neighbour", module + "host/dataplane", true},
		{module + "host/neighbour", "github.com/google/nftables", true},
		{module + "host/document", module + "host/file", false},
		{module + "host/document", module + "host/config", true},
		{module + "host/engine", module + "host/dataplane", false},
		{module + "host/engine", module + "host/lab", true},
		{module + "host", module + "host/lab", false},
		{module + "host/engine", "kernel.org/pub/linux/libs/security/libcap/cap", true},
		{module + "host/engine", module + "host/privilege", true},
		{module + "host/compiler", module + "host/privilege", false},
		{module + "host/engine", "github.com/vishvananda/netlink", true},
		{module + "host/engine", module + "host/netspace", true},
		{module + "host/lab", module + "host/netspace", false},
		{module + "host/lab", module + "host/nstest", true},
		{module + "host/aws", "github.com/aws/smithy-go", false},
		{module + "host/engine", "github.com/aws/smithy-go", true},
		{module + "host/aws", module + "host/aws/imdstest", true},
		{module + "host/systemd", module + "host/health", false},
		{module + "host/systemd", module + "host/engine", true},
		{module + "host/engine", "github.com/coreos/go-systemd/v22/daemon", true},
		{module + "rules", module + "rules/oracle", true},
		{module + "rules/nft", module + "rules/nft/nfttest", true},
		{module + "host/policy", module + "host/policy/wasmtest", true},
	} {
		forbidden := false
		for _, b := range boundaries {
			forbidden = forbidden || b.forbids(c.importer, c.imported)
		}
		if forbidden != c.forbidden {
			t.Errorf("%s importing %s: forbidden is %v, want %v", c.importer, c.imported, forbidden, c.forbidden)
		}
	}
}
