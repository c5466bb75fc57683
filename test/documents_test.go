package test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// guides are the documents for operators whose commands the tests execute.
var guides = []string{"../README.md", "../host/OPERATING.md", "../host/TROUBLESHOOTING.md"}

// printedCommands are the commands of a document that stand on lines of their own, without
// the output of any; those that are printed with theirs are TestPrintedCommands'.
func printedCommands(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, match := range regexp.MustCompile(`(?m)^ {4,}((?:cd DIR && )?snatd [a-z].*)$`).FindAllStringSubmatch(string(text), -1) {
		command, _, _ := strings.Cut(match[1], "  #")
		list = append(list, strings.TrimSpace(command))
	}
	return list
}

// Every document of the repository that another one refers to is there, and has the heading
// that is meant.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]*)(?:#([^)]*))?\)`)
	found := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "testdata" || entry.Name() == ".git"):
			return fs.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			found++
			target := path
			if match[1] != "" {
				target = filepath.Join(filepath.Dir(path), match[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s refers to %s: %v", path, match[0], err)
				continue
			}
			if match[2] == "" {
				continue
			}
			if content, err := os.ReadFile(target); err != nil || !headings(string(content))[match[2]] {
				t.Errorf("%s refers to %s, which has no such heading", path, match[0])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 50 {
		t.Errorf("only %d links were found", found)
	}
}

// headings are a document's, as GitHub names them in links.
func headings(text string) map[string]bool {
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(match[1]), "")
		names[strings.ReplaceAll(name, " ", "-")] = true
	}
	return names
}

// What the page on troubleshooting quotes is what the program prints: each quotation is in
// its sources, but for the parts that are left out with dots.
func TestQuotedMessages(t *testing.T) {
	text, err := os.ReadFile("../host/TROUBLESHOOTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	err = filepath.WalkDir("../host", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		sources.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("(?m)(?:^- | or )\\*\\*`([^`]+)`")
	found := quoted.FindAllStringSubmatch(string(text), -1)
	for _, message := range found {
		for part := range strings.SplitSeq(message[1], "…") {
			if part = strings.TrimSpace(part); !strings.Contains(sources.String(), part) {
				t.Errorf("%q of %q is nowhere in the sources", part, message[1])
			}
		}
	}
	if len(found) < 12 {
		t.Errorf("only %q were found", found)
	}
}

// Each configuration, and each facts file, that a guide prints is one that snatd takes.
func TestPrintedFiles(t *testing.T) {
	d := prepare(t)
	found := 0
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllStringSubmatch(string(text), -1) {
			config, facts := "config.yaml", "facts.yaml"
			switch {
			case regexp.MustCompile(`(?m)^(config|cases):`).MatchString(block[1]):
				continue // sidecars and cases are the author's guide's
			case regexp.MustCompile(`(?m)^pods:`).MatchString(block[1]):
				facts = "printed.yaml"
			default:
				config = "printed.yaml"
			}
			found++
			d.write("printed.yaml", block[1])
			_, stderr, err := d.output(nil, "plan", "--config", d.path(config), "--facts", d.path(facts))
			if code := exitCode(err); code != 0 && code != 2 {
				t.Errorf("%s: exit code %d for\n%s%s", guide, code, block[1], stderr)
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d files were found", found)
	}
}
