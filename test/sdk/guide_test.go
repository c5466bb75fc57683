package sdk

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/snatd/snatd/host/nstest"
)

// TestGuide follows the author's guide with the policy that snatd policy new makes: its
// cases and its sidecar are taken, and its commands run in their order, with a registry.
func TestGuide(t *testing.T) {
	nstest.Need(t, "openssl", "openssl")
	s := newStranger(t, "go")
	s.env[0] += ":" + os.Getenv("PATH")
	if _, err := s.run(".", firstSteps(t, "go")); err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile(filepath.Join(root, "sdk/AUTHORS.md"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(s.home, "partners", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Keys and hashes are left out in what is printed.
	left := regexp.MustCompile(`(?m)^(sha256: \.\.\.|publicKey: \|).*\n((  .*)\n)*`)
	var sidecar string
	for _, b := range block.FindAllStringSubmatch(string(guide), -1) {
		if strings.Contains(b[3], "cases:\n") {
			write("partners_test.yaml", b[3])
		} else {
			sidecar = left.ReplaceAllString(b[3], "")
			write("partners.yaml", sidecar)
		}
	}
	if sidecar == "" || strings.Contains(sidecar, "...") {
		t.Fatalf("the sidecar that is printed: %q", sidecar)
	}
	if _, err := s.run("partners", `cp facts.yaml node-a.yaml
mkdir ../policies.d
openssl genpkey -algorithm ed25519 -out cosign.key
openssl pkey -in cosign.key -pubout -out cosign.pub
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem
openssl pkey -in key.pem -pubout -out key.pub
`); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	t.Cleanup(server.Close)
	here := strings.NewReplacer("registry.example.com", strings.TrimPrefix(server.URL, "http://"), "/etc/snatd/policies.d", "../policies.d",
		" --key", " --plain-http --key")
	var digest string
	commands := regexp.MustCompile(`(?m)^    ((?:snatd policy|openssl) .*)$`).FindAllStringSubmatch(string(guide), -1)
	for _, match := range commands {
		command, _, _ := strings.Cut(match[1], "  #")
		command = here.Replace(strings.ReplaceAll(command, "@sha256:...", digest))
		switch {
		case strings.HasPrefix(command, "snatd policy new"):
			continue // TestNew's
		case strings.HasPrefix(command, "openssl"):
			key := "key"
			if strings.Contains(command, "rawin") { // which is Ed25519's
				key, command = "cosign", strings.Replace(command, "key.pem", "cosign.key", 1)
			}
			public, err := os.ReadFile(filepath.Join(s.home, "partners", key+".pub"))
			if err != nil {
				t.Fatal(err)
			}
			write("partners.yaml", sidecar+"publicKey: |\n  "+strings.ReplaceAll(strings.TrimSpace(string(public)), "\n", "\n  ")+"\n")
			command += "\nsnatd policy check partners.wasm"
		}
		out, err := s.run("partners", command)
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		if strings.HasPrefix(command, "snatd policy push") {
			digest = regexp.MustCompile(`@sha256:[0-9a-f]{64}`).FindString(out)
		}
	}
	if len(commands) < 10 || digest == "" {
		t.Errorf("only %d commands are printed", len(commands))
	}
	for _, ending := range []string{"wasm", "yaml", "sig"} {
		if _, err := os.Stat(filepath.Join(s.home, "policies.d", "20-partners."+ending)); err != nil {
			t.Error(err)
		}
	}
}
