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
// defaults the agent's flag changes is asked for.
func TestConvert(t *testing.T) {
	dir := t.TempDir()
	empty, converted := filepath.Join(dir, "ip-masq-agent"), filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for excluded, arguments := range map[int][]string{4: nil, 12: {"--nomasq-all-reserved-ranges", "-o", "yaml"}} {
		var stdout, stderr bytes.Buffer
		command := exec.Command(binary(t), append([]string{"convert", "ip-masq-agent", empty}, arguments...)...)
		command.Stdout, command.Stderr = &stdout, &stderr
		if err := command.Run(); err != nil {
			t.Fatalf("%v: %s", err, &stderr)
		}
		if err := os.WriteFile(converted, stdout.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(config.Options{File: converted})
		if err != nil || len(cfg.SNAT.ExcludeCIDRs) != excluded {
			t.Errorf("%v, excluded are %v, want %d\n%s", err, cfg.SNAT.ExcludeCIDRs, excluded, &stdout)
		}
		notes := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		for _, note := range notes {
			if text, ok := strings.CutPrefix(note, "snatd: "); !ok || !strings.Contains(stdout.String(), "# Note: "+text+".\n") {
				t.Errorf("%q is on standard error alone", note)
			}
		}
		if len(notes) != 3 {
			t.Errorf("standard error has\n%s", &stderr)
		}
	}
}
