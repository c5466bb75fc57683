package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// demoRow is what a reader of snatd demo -o json relies on.
type demoRow struct {
	Act       int    `json:"act"`
	From      string `json:"from"`
	To        string `json:"to"`
	Protocol  string `json:"protocol"`
	Seen      string `json:"seen"`
	DecidedBy string `json:"decidedBy"`
	OK        bool   `json:"ok"`
}

func TestDemo(t *testing.T) {
	out, err := exec.Command(binary(t), "demo", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var rows []demoRow
	if err := json.Unmarshal(out, &rows); err != nil {
		t.Fatal(err)
	}
	acts := map[int]int{}
	dropIn := false
	for _, row := range rows {
		acts[row.Act]++
		dropIn = dropIn || strings.HasPrefix(row.DecidedBy, "10-") && row.Seen == "10.0.65.6"
		if !row.OK {
			t.Errorf("%+v", row)
		}
	}
	if len(acts) != 4 || !dropIn {
		t.Errorf("rows by act: %v; a drop-in decided: %v", acts, dropIn)
	}
}

// The README shows what the demo prints, but for the time that it took.
func TestDemoAsPrinted(t *testing.T) {
	out, err := exec.Command(binary(t), "demo").Output()
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	acts := regexp.MustCompile(`(?s)Act 1: .*should be \(`)
	got := acts.FindString(string(out))
	want := acts.FindString(regexp.MustCompile(`(?m)^    `).ReplaceAllString(string(readme), ""))
	if got == "" || got != want {
		t.Errorf("the demo prints\n%s\nREADME.md has\n%s", got, want)
	}
}

// Interrupted at any time, the demo ends soon. That nothing outlives its process
// is tested with package lab.
func TestDemoInterrupted(t *testing.T) {
	for _, after := range []string{"", "Act 1", "Act 3"} {
		command := exec.Command(binary(t), "demo")
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		command.Stderr = &stderr
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(out); after != "" && lines.Scan(); {
			if strings.HasPrefix(lines.Text(), after) {
				break
			}
		}
		if err := command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- command.Wait() }()
		select {
		case err := <-ended:
			if err == nil && after != "Act 3" {
				t.Errorf("interrupted after %q the demo succeeds", after)
			}
		case <-time.After(patience):
			t.Fatalf("interrupted after %q the demo does not end", after)
		}
	}
}
