package test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// waitLog waits until the daemon's log has a line with all of the texts.
func (d *daemon) waitLog(texts ...string) {
	d.t.Helper()
	d.wait(fmt.Sprintf("a line of the log with %q", texts), func() error {
	lines:
		for line := range strings.Lines(d.log.String()) {
			for _, text := range texts {
				if !strings.Contains(line, text) {
					continue lines
				}
			}
			return nil
		}
		return errors.New("there is none")
	})
}

// Each change is one line that says what and why.
func TestLogSaysWhy(t *testing.T) {
	d := start(t)
	d.waitLog(`msg="rules changed"`, "because=start")
	d.setConfig(baseConfig + "snat: {external: true}\n")
	d.waitLog(`msg="rules changed"`, "because=snat.external")
	d.setConfig(baseConfig)
	d.dropIn("50-peering", "config: {cidrs: 172.31.0.0/16}\n")
	d.waitLog(`msg="rules changed"`, "module 50-peering.wasm added")
}

// The level is that of the configuration at the moment, and a flag overrides it.
func TestLogLevel(t *testing.T) {
	d := start(t)
	if log := d.log.String(); strings.Contains(log, "level=DEBUG") {
		t.Errorf("debugging is on from the start:\n%s", log)
	}
	d.setConfig(baseConfig + "log: {level: debug}\nsnat: {external: true}\n")
	d.waitLog("level=DEBUG")
	_, stderr, err := d.output(nil, "run", "--log-level", "loud")
	if want := `--log-level: "loud" is not a level, accepted: debug, info, warn, error`; err == nil || !strings.Contains(stderr, want) {
		t.Errorf("run: %v\n%s", err, stderr)
	}
	d.setConfig(baseConfig + "log: {level: loud}\n")
	d.waitProblem("log.level")
}
