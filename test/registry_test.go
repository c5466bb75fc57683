package test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/vishvananda/netlink"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
)

// newRegistry serves an OCI registry in the namespace of the tests; it returns its host
// and port.
func newRegistry(t *testing.T) string {
	t.Helper()
	loopback, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(loopback)
	}
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// writeKeys makes a pair of keys, NAME.key and NAME.pub, as openssl does.
func writeKeys(t *testing.T, dir, name string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	write := func(ending, kind string, der []byte, err error) {
		t.Helper()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+ending), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	write(".key", "PRIVATE KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(public)
	write(".pub", "PUBLIC KEY", der, err)
}

// carry runs snatd policy push or pull in the daemon's directory.
func (d *daemon) carry(arguments ...string) (string, error) {
	command := exec.Command(binary(d.t), append([]string{"policy"}, arguments...)...)
	command.Dir, command.Env = d.dir, []string{"DOCKER_CONFIG=" + d.dir}
	out, err := command.CombinedOutput()
	return string(out), err
}

// carried is carry of what has to work.
func (d *daemon) carried(arguments ...string) string {
	d.t.Helper()
	out, err := d.carry(arguments...)
	if err != nil {
		d.t.Fatalf("snatd policy %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
	return out
}

// A signed module goes through a registry into the directory of a running daemon, and
// decides. What is not signed by the sidecar's key does not, and costs nothing.
func TestRegistry(t *testing.T) {
	d := start(t)
	at := "oci://" + newRegistry(t) + "/policies/peering"
	writeKeys(t, d.dir, "mine")
	writeKeys(t, d.dir, "other")
	writeKeys(t, d.dir, "third")
	peered, internet := excluding("172.31.0.0/16"), excluding("198.51.100.0/24")
	// decides waits until the version that decides is this one, refused or not what is in
	// its place.
	decides := func(wasm, state string, where world) {
		t.Helper()
		d.waitModule("10-peering.wasm", state+", with "+hashOf(wasm), func(m engine.ModuleStatus) bool { return m.SHA256 == hashOf(wasm) && m.State == state })
		d.check(where)
	}

	d.write("10-peering.wasm", peered)
	pinned := strings.TrimSpace(d.carried("push", "10-peering.wasm", at+":1", "--key", "mine.key", "--plain-http"))
	out := d.carried("pull", pinned, "policies.d", "--key", "mine.pub", "--plain-http")
	if want := "policies.d/10-peering.wasm: " + pinned + "\npinned in policies.d/10-peering.yaml, signed, as its publicKey wants\n"; out != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
	decides(peered, "active", world{internet: true})

	// Somebody else's version does not even get into the directory.
	signed, err := os.ReadFile(d.path("policies.d/10-peering.sig"))
	if err != nil {
		t.Fatal(err)
	}
	sidecar, err := os.ReadFile(d.path("policies.d/10-peering.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.write("10-peering.wasm", internet)
	d.carried("push", "10-peering.wasm", at+":2", "--key", "other.key", "--plain-http")
	out, err = d.carry("pull", at+":2", "policies.d", "--plain-http")
	if want := ": none of its 1 signatures is one of this module by that key; policies.d/10-peering.yaml asks for one by its publicKey; nothing was written. "; err == nil || !strings.Contains(out, want) {
		t.Errorf("%v\n%s", err, out)
	}

	// If it gets there in another way, the daemon refuses it, pinned or not.
	d.write("policies.d/10-peering.wasm", internet)
	d.waitProblem("10-peering.yaml: sha256: " + hashOf(peered) + " is wanted, the module has " + hashOf(internet))
	decides(peered, "failed", world{internet: true})
	pin := "sha256: " + hashOf(peered)
	d.write("policies.d/10-peering.yaml", replace(t, string(sidecar), pin, "# "+pin))
	const strange = "10-peering.sig: no signature in it is one of this module by that key, publicKey in 10-peering.yaml; " +
		"the module, the signature or the key is another one's; accepted: the signature of the module by the key of publicKey, "
	d.waitProblem(strange)
	decides(peered, "failed", world{internet: true})
	if err := os.Remove(d.path("policies.d/10-peering.sig")); err != nil {
		t.Fatal(err)
	}
	d.waitProblem("10-peering.sig: missing, 10-peering.yaml asks for it by publicKey; accepted: ")
	decides(peered, "failed", world{internet: true})

	// It is another matter once it is signed as it has to be, beside the other signature.
	d.carried("push", "10-peering.wasm", at+":3", "--key", "mine.key", "--plain-http")
	d.carried("pull", at+":3", "policies.d", "--plain-http")
	decides(internet, "active", world{peered: true})

	// A pull that was killed before its last write costs no policy: the module before, and
	// then the new one, decides from a start on.
	after, err := os.ReadFile(d.path("policies.d/10-peering.sig"))
	if err != nil {
		t.Fatal(err)
	}
	pin = "sha256: " + hashOf(peered)
	d.write("policies.d/10-peering.yaml", replace(t, string(sidecar), pin, pin+" "+hashOf(internet)))
	d.write("policies.d/10-peering.sig", string(after)+string(signed))
	for _, c := range []struct {
		wasm  string
		where world
	}{{peered, world{internet: true}}, {internet, world{peered: true}}} {
		d.write("policies.d/10-peering.wasm", c.wasm)
		d.stop(syscall.SIGKILL)
		d.run()
		d.waitReady()
		decides(c.wasm, "active", c.where)
	}
	d.carried("pull", at+":3", "policies.d", "--plain-http")
	if text, err := os.ReadFile(d.path("policies.d/10-peering.yaml")); err != nil || strings.Contains(string(text), hashOf(peered)) {
		t.Errorf("the version before is accepted still: %v\n%s", err, text)
	}

	// What fits no ABI is not written, and nobody says of a signature what nobody knows.
	d.write("10-peering.wasm", "\x00asm\x01\x00\x00\x00")
	out = d.carried("push", "10-peering.wasm", at+":4", "--signature", "policies.d/10-peering.sig", "--key", "mine.key", "--plain-http")
	if want := "the signatures in policies.d/10-peering.sig went along, unverified: "; !strings.Contains(out, want) {
		t.Errorf("%s\nwant %s", out, want)
	}
	out, err = d.carry("pull", at+":4", "policies.d", "--plain-http")
	if want := ": module 10-peering.wasm: load: exports no function decide; accepted: decide() -> i32; nothing was written"; err == nil || !strings.Contains(out, want) {
		t.Errorf("%v\n%s", err, out)
	}
	decides(internet, "active", world{peered: true})

	// With another key in the sidecar the version that decides stays.
	third, err := os.ReadFile(d.path("third.pub"))
	if err != nil {
		t.Fatal(err)
	}
	d.write("policies.d/10-peering.yaml", "publicKey: |\n  "+strings.ReplaceAll(strings.TrimSpace(string(third)), "\n", "\n  ")+"\n")
	d.waitProblem(strange)
	decides(internet, "failed", world{peered: true})
	d.waitAction(lab.PodB, lab.Internet, "exclude")
}

// The examples in the help of push and pull work, with a registry of this machine.
func TestRegistryExamples(t *testing.T) {
	d := newDesk(t)
	writeKeys(t, d.dir, "cosign")
	to := filepath.Join(d.dir, "policies.d")
	if err := os.Mkdir(to, 0o755); err != nil {
		t.Fatal(err)
	}
	// Here the user of the desk writes.
	for _, dir := range []string{d.dir, to} {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	here := strings.NewReplacer("registry.example.com", newRegistry(t), "/etc/snatd/policies.d", to)
	for _, c := range []struct {
		command string
		wants   []string
	}{
		{"push", []string{"oci://HOST/policies/partners@sha256:", "oci://HOST/policies/partners@sha256:"}},
		{"pull", []string{"/20-partners.yaml, with signatures that nobody verifies: the sidecar has no publicKey\n", "pinned in 30-partners.yaml, signed, as its publicKey wants\n"}},
	} {
		for i, line := range d.examples(c.command) {
			arguments, ok := strings.CutPrefix(line, "  snatd policy "+c.command+" ")
			if !ok || i >= len(c.wants) {
				t.Fatalf("%q is no example of snatd policy %s", line, c.command)
			}
			out, stderr, code := d.policy(append([]string{c.command, "--plain-http"}, strings.Fields(here.Replace(arguments))...)...)
			if want := strings.Replace(c.wants[i], "HOST", here.Replace("registry.example.com"), 1); code != 0 || stderr != "" || !strings.Contains(out, want) {
				t.Errorf("%s: exit code %d\n%s%swant %s", line, code, out, stderr, want)
			}
		}
	}
	out, stderr, code := d.policy("check", "30-partners.wasm")
	if code != 1 || !strings.Contains(out, ", as the sidecar wants, signed with its publicKey\n") || strings.Contains(out, "failed   abi") {
		t.Errorf("check of what was pulled, without its settings: exit code %d\n%s%s", code, out, stderr)
	}
}

// What is missing is told in one line.
func TestRegistryBadInput(t *testing.T) {
	d := newDesk(t)
	host := newRegistry(t)
	for arguments, want := range map[string]string{
		"push": "0 arguments, accepted: one module, FILE.wasm or FILE.wasm.gz, and oci://REGISTRY/REPOSITORY:TAG",
		"pull": "0 arguments, accepted: oci://REGISTRY/REPOSITORY:TAG, and a directory",
		fmt.Sprintf("pull --plain-http oci://%s/a:1", host):                      "there is no such artifact",
		"pull registry.example.com/a:1":                                          "the reference names no artifact; accepted: oci://",
		"push none.wasm oci://registry.example.com/a:1":                          "open none.wasm: no such file or directory",
		"push 20-partners.wasm oci://registry.example.com/a:1 --key node-a.yaml": "node-a.yaml: it is no PEM; accepted: ",
	} {
		out, stderr, code := d.policy(strings.Fields(arguments)...)
		if code != 1 || out != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d\n%s%swant %s", arguments, code, out, stderr, want)
		}
	}
}
