package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestMain is a host of its own when the suite starts this program as one.
func TestMain(m *testing.M) {
	switch os.Getenv("TCK_TEST_HOST") {
	case "silent":
		return
	case "polite": // knows nothing, and never fails
		input := make([]byte, 1<<16)
		for {
			n, err := os.Stdin.Read(input)
			if err != nil {
				return
			}
			os.Stdout.WriteString(strings.Repeat("{}\n", bytes.Count(input[:n], []byte("\n"))))
		}
	}
	os.Exit(m.Run())
}

// A host that does nothing is told so, module by module.
func TestPoliteHost(t *testing.T) {
	t.Setenv("TCK_TEST_HOST", "polite")
	var out bytes.Buffer
	problems, err := hold(&out, []string{os.Args[0]}, "", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"FAIL c-unknown-function: imports what this version has not: no error, want load",
		"FAIL rust-sample: own: entries: got  []",
		"FAIL assemblyscript-sample: 10000 random sets of facts: digest ",
		"FAIL rust-sample: 300 random configurations: digest ",
		"FAIL c-raw: a loop without end: no error, want deadline",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if problems < 100 {
		t.Errorf("only %d problems", problems)
	}
}

func TestBadHosts(t *testing.T) {
	t.Setenv("TCK_TEST_HOST", "silent")
	for _, test := range []struct {
		command []string
		want    string
	}{
		{[]string{os.Args[0]}, "the host does not answer"},
		{[]string{"/nowhere"}, "start the host"},
	} {
		if _, err := hold(&bytes.Buffer{}, test.command, "", false); err == nil ||
			!strings.Contains(err.Error(), test.want) && !strings.Contains(err.Error(), "ask the host") {
			t.Errorf("%s: got %v, want %s", test.command, err, test.want)
		}
	}
}
