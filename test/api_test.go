package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/lab"
)

// The examples of the API's reference work as they are printed.
func TestPrintedRequests(t *testing.T) {
	needs(t, "curl")
	text, err := os.ReadFile("../host/api/README.md")
	if err != nil {
		t.Fatal(err)
	}
	d := prepare(t)
	d.write("facts.yaml", replace(t, baseFacts, "name: pod-a", "name: web-1"))
	d.run()
	d.waitReady()
	printed := regexp.MustCompile(`(?m)^    \$ (curl .*)\n((?:    [^$\n].*\n)*)`).FindAllStringSubmatch(string(text), -1)
	if len(printed) < 7 {
		t.Fatalf("%d requests are printed", len(printed))
	}
	for _, p := range printed {
		command := exec.Command("sh", "-c", strings.ReplaceAll(p[1], "/run/snatd/snatd.sock", d.path("snatd.sock")))
		out, err := command.CombinedOutput()
		want := regexp.MustCompile(`(?m)^    `).ReplaceAllString(p[2], "")
		switch {
		case err != nil:
			t.Errorf("%s: %v\n%s", p[1], err, out)
		case want != "" && string(out) != want:
			t.Errorf("%s:\n%s\nprinted:\n%s", p[1], out, want)
		case !json.Valid(out) && !strings.Contains(string(out), "name: web-1"):
			t.Errorf("%s:\n%s", p[1], out)
		}
	}
}

// needs skips a test whose tool is missing, where that is no failure.
func needs(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err == nil {
		return
	}
	const hint = "%s is missing; .ci/run says which package has it"
	if os.Getenv("CI") == "true" {
		t.Fatalf(hint, tool)
	}
	t.Skipf(hint, tool)
}

// Members of the group may ask, others may not.
func TestSocketGroup(t *testing.T) {
	needs(t, "curl")
	const member, stranger = 54321, 54322
	d := prepare(t)
	for _, folder := range []string{d.dir, d.dir + "/.."} { // others may look into it
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d.setConfig(fmt.Sprintf("%ssocketGroup: %q\n", baseConfig, fmt.Sprint(member)))
	d.run()
	d.waitReady()
	for group, answered := range map[uint32]bool{member: true, stranger: false} {
		command := exec.Command("curl", "-fsS", "--unix-socket", d.path("snatd.sock"), "http://snatd/v1/status")
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54320, Gid: group}}
		if out, err := command.CombinedOutput(); (err == nil) != answered {
			t.Errorf("group %d: %v\n%s", group, err, out)
		}
	}
	// Approving is root's alone.
	for user, want := range map[uint32]string{54320: "accepted from root alone", 0: "nothing is held"} {
		command := exec.Command("curl", "-sS", "-X", "POST", "--unix-socket", d.path("snatd.sock"), "http://snatd/v1/approve?digest=0123456789ab")
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: member}}
		if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("user %d approves: %v\n%s", user, err, out)
		}
	}
	d.setConfig(baseConfig)
	d.waitProblem("socketGroup: the change takes effect when snatd is started again")
}

// Clients of all kinds ask, the impolite among them, while one change follows the other:
// each is made all the same, and each good question is answered. CI runs it against a
// binary with the race detector.
func TestClientsDuringChanges(t *testing.T) {
	const changes, askers = 30, 8
	d := start(t)
	d.waitLoaded()
	var asking sync.WaitGroup
	stop := make(chan struct{})
	ended := func() bool {
		select {
		case <-stop:
			return true
		default:
			return false
		}
	}
	questions := []func(c *api.Client) error{
		func(c *api.Client) error { _, err := c.Status(t.Context()); return err },
		func(c *api.Client) error {
			_, err := c.Explain(t.Context(), "default/pod-a", lab.Internet.String())
			return err
		},
		func(c *api.Client) error { _, err := c.Facts(t.Context()); return err },
		func(c *api.Client) error { _, err := c.Ruleset(t.Context()); return err },
		func(c *api.Client) error { _, err := c.Installed(t.Context()); return err },
		func(c *api.Client) error { _, err := c.Flows(t.Context(), 10); return err },
		func(c *api.Client) error {
			if _, err := c.Explain(t.Context(), "default/nobody", "::1"); err == nil {
				return errors.New("an IPv6 address is explained")
			}
			return nil
		},
	}
	for i := range askers {
		asking.Go(func() {
			client := api.NewClient(d.path("snatd.sock"))
			for n := i; !ended(); n++ {
				// Two at a time may ask for large answers, and the others wait.
				if err := questions[n%len(questions)](client); err != nil && !strings.HasPrefix(err.Error(), "busy: ") {
					t.Errorf("question %d: %v", n%len(questions), err)
				}
			}
		})
	}
	for _, says := range []string{"", "GET /v1/status HTTP/1.1\r\nHost:", "GET /v1/ruleset HTTP/1.1\r\nHost: x\r\n\r\n", "\x00\xff rubbish\r\n\r\n"} {
		asking.Go(func() {
			for !ended() {
				connection, err := net.Dial("unix", d.path("snatd.sock"))
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(connection, says)
				_, _ = connection.Read(make([]byte, 1)) // until it answers, or hangs up
				connection.Close()
			}
		})
	}
	before := d.status().Changes
	for n := range changes {
		external := n%2 == 0
		d.setConfig(fmt.Sprintf("%ssnat: {external: %t}\n", baseConfig, external))
		d.waitAction(lab.PodA, lab.Internet, map[bool]string{true: "exclude", false: "translate"}[external])
	}
	close(stop)
	asking.Wait()
	if after := d.status(); after.Changes < before+changes || !after.Healthy {
		t.Errorf("%d changes after %d: %v", after.Changes, before, after.Why)
	}
	d.check(onlyOutside)
	d.stop(syscall.SIGTERM)
	if strings.Contains(d.log.String(), "DATA RACE") {
		t.Error("there are data races")
	}
}
