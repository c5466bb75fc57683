package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/config"
)

// The configuration goes to standard output, what differs to standard error too. Whose
// defaults the agent's flags change is asked for.
func TestConvert(t *testing.T) {
	dir := t.TempDir()
	empty, converted := filepath.Join(dir, "ip-masq-agent"), filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		arguments       []string
		excluded, notes int
	}{
		{nil, 4, 3},
		{[]string{"--nomasq-all-reserved-ranges", "-o", "yaml"}, 12, 3},
		{[]string{"--enable-ipv6"}, 4, 4},
	} {
		var stdout, stderr bytes.Buffer
		command := exec.Command(binary(t), append([]string{"convert", "ip-masq-agent", empty}, test.arguments...)...)
		command.Stdout, command.Stderr = &stdout, &stderr
		if err := command.Run(); err != nil {
			t.Fatalf("%v: %s", err, &stderr)
		}
		if err := os.WriteFile(converted, stdout.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(config.Options{File: converted})
		if err != nil || len(cfg.SNAT.ExcludeCIDRs) != test.excluded {
			t.Errorf("%v, excluded are %v, want %d\n%s", err, cfg.SNAT.ExcludeCIDRs, test.excluded, &stdout)
		}
		notes := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		for _, note := range notes {
			if text, ok := strings.CutPrefix(note, "snatd: "); !ok || !strings.Contains(stdout.String(), "# Note: "+text+".\n") {
				t.Errorf("%q is on standard error alone", note)
			}
		}
		if len(notes) != test.notes {
			t.Errorf("%q: standard error has\n%s", test.arguments, &stderr)
		}
	}
}
