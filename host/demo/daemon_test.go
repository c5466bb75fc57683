package demo

import (
	"slices"
	"testing"

	"github.com/snatd/snatd/host/config"
)

// The demo shows its own configuration, whatever the caller's environment says.
func TestEnvironment(t *testing.T) {
	t.Setenv("SNATD_DEMO_TEST", "kept")
	for _, name := range config.Variables() {
		t.Setenv(name, "true")
	}
	got := environment()
	for _, name := range config.Variables() {
		if slices.Contains(got, name+"=true") {
			t.Errorf("%s is kept", name)
		}
	}
	if !slices.Contains(got, "SNATD_DEMO_TEST=kept") {
		t.Error("another variable is not kept")
	}
}
