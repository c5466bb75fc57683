package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// namedTest is a test as SECURITY.md names one, with a link to its file.
	namedTest = regexp.MustCompile("\\[`(Test[A-Za-z0-9]+)`\\]\\(([^)]+)\\)")
	anyTest   = regexp.MustCompile("`Test[A-Za-z0-9]+`")
	localLink = regexp.MustCompile(`\]\(([^):]+)\)`)
)

// What SECURITY.md promises is tested where it says.
func TestSecurityNamesTests(t *testing.T) {
	text, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	named := namedTest.FindAllStringSubmatch(string(text), -1)
	if all := anyTest.FindAllString(string(text), -1); len(named) < 50 || len(named) != len(all) {
		t.Errorf("%d tests are named, %d with their files", len(all), len(named))
	}
	for _, n := range named {
		code, err := os.ReadFile(filepath.Join("..", n[2]))
		if err != nil || !strings.Contains(string(code), "\nfunc "+n[1]+"(t *testing.T)") {
			t.Errorf("there is no %s in %s: %v", n[1], n[2], err)
		}
	}
	for _, link := range localLink.FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join("..", link[1])); err != nil {
			t.Error(err)
		}
	}
}
