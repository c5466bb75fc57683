package test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
)

// Commands that run modules have, while they do, what they need and nothing else: each is
// looked at while it runs one that goes on and on.
func TestPrivilegesOfCommands(t *testing.T) {
	d := prepare(t)
	d.setConfig(baseConfig)
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.write("config.yaml", replace(t, string(config), "deadline: 250ms", "deadline: 10s"))
	forever := string(wasmtest.NewGuest().Decide(0, wasmtest.Forever()))
	d.write("policies.d/20-forever.wasm", forever)
	d.write("20-forever.wasm", forever)
	d.write("20-forever_test.yaml", "cases:\n- {to: 172.31.0.5, action: none}\n")

	ways := []string{"--config", d.path("config.yaml")}
	for _, c := range []struct {
		want      privileges
		arguments []string
	}{
		{kept, append([]string{"plan"}, ways...)},
		{kept, append([]string{"explain", "--at", "plan", "--from", "default/pod-a", "--to", "198.51.100.10"}, ways...)},
		{none, []string{"policy", "check", "20-forever.wasm", patient}},
		{none, []string{"policy", "run", "20-forever.wasm", patient}},
		{none, []string{"policy", "bench", "20-forever.wasm", patient}},
		{none, []string{"policy", "test", "20-forever_test.yaml", patient}},
	} {
		var said logBuffer
		command := exec.Command(binary(t), c.arguments...)
		command.Dir, command.Stdout, command.Stderr = d.dir, &said, &said
		process, err := d.lab.Node.Start(command)
		if err != nil {
			t.Fatal(err)
		}
		eventuallyHas(t, command, process.PID(), c.want, &said)
		_ = process.Signal(os.Kill) // it ended if it is too late
		_ = process.Wait()          // by that
	}

	// A registry is where the tests are.
	at := "oci://" + newRegistry(t) + "/policies/forever:1"
	d.carried("push", "20-forever.wasm", at, "--plain-http")
	var said logBuffer
	command := exec.CommandContext(t.Context(), binary(t), "policy", "pull", at, "policies.d", "--name", "30-forever", "--plain-http")
	command.Dir, command.Stdout, command.Stderr = d.dir, &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	eventuallyHas(t, command, command.Process.Pid, none, &said)
	_ = command.Process.Kill()
	_ = command.Wait()
}

// eventuallyHas waits until a command has these privileges, in all threads, while it runs.
func eventuallyHas(t *testing.T, command *exec.Cmd, pid int, want privileges, said *logBuffer) {
	t.Helper()
	eventually(t, fmt.Sprintf("%q to have %+v", command.Args, want), func() error {
		threads, err := privilegesOf(pid)
		if err == nil && (len(threads) == 0 || slices.ContainsFunc(threads, func(p privileges) bool { return p != want })) {
			err = fmt.Errorf("%+v\n%s", threads, said)
		}
		return err
	})
}
