package sdk

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stranger is somebody with the program snatd, and a machine that has the toolchain of one
// language and no other.
type stranger struct {
	t    *testing.T
	home string
	env  []string
}

// toolchains are the programs of each language, with those that they start. Debian's
// clang starts wasm-ld with its version in the name.
var toolchains = map[string][]string{
	"go":             {"go"},
	"c":              {"clang", "/usr/bin/wasm-ld*", "ld"},
	"rust":           {"/usr/bin/cargo", "/usr/bin/rustc", "rust-lld", "cc", "as", "ld"},
	"assemblyscript": {"node", "npm", "npx"},
}

// every are the programs that every machine has.
var every = []string{"sh", "env", "cat", "cp", "mkdir", "rm", "touch", "make"}

func newStranger(t *testing.T, language string) *stranger {
	t.Helper()
	need(t, language)
	s := &stranger{t: t, home: t.TempDir()}
	bin := t.TempDir()
	for _, tool := range slices.Concat(every, toolchains[language], []string{program(t, "snatd", "./host")}) {
		paths, err := filepath.Glob(tool)
		if len(paths) == 0 {
			paths = make([]string, 1)
			paths[0], err = exec.LookPath(tool)
		}
		for _, path := range paths {
			if err == nil {
				err = os.Symlink(path, filepath.Join(bin, filepath.Base(path)))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.env = []string{"PATH=" + bin, "HOME=" + t.TempDir()}
	switch language {
	case "go": // needs no network: what is fetched would be no module of ours
		s.env = append(s.env, "GOPROXY=off", "GOCACHE="+output(t, "go", "env", "GOCACHE"))
	case "assemblyscript": // the compiler is fetched once
		s.env = append(s.env, "npm_config_prefer_offline=true", "npm_config_cache="+output(t, "npm", "config", "get", "cache"))
	}
	return s
}

// clone gives the stranger a clone of this repository.
func (s *stranger) clone() {
	s.t.Helper()
	// What is not in a fresh clone: what was built or installed there.
	skipped := []string{"built", "node_modules", "target"}
	s.copy("go.mod")
	err := filepath.WalkDir(filepath.Join(root, "sdk"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skipped, d.Name()):
			return fs.SkipDir
		case !d.IsDir():
			name, err := filepath.Rel(root, path)
			s.copy(name)
			return err
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// copy copies a file of this repository into the clone.
func (s *stranger) copy(name string) {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	to := filepath.Join(s.home, "snatd", name)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, content, 0o644)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// run runs commands in a folder of the stranger's, and returns what they print; an error
// has all of it.
func (s *stranger) run(folder, commands string) (out string, err error) {
	command := exec.Command("sh", "-eu")
	command.Dir, command.Env = filepath.Join(s.home, folder), s.env
	command.Stdin = strings.NewReader(commands)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err = command.Run(); err != nil {
		err = fmt.Errorf("%w\n%s%s", err, stdout.String(), stderr.String())
	}
	return stdout.String(), err
}

// block is a block of code in a README. What stands behind the language is the name of
// the file that it is the content of.
var block = regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$")

// follow does in a folder what a README prints: it makes the files, and runs the commands.
// The last of them must print what the README says.
func (s *stranger) follow(folder, readme string) (commands string) {
	s.t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		s.t.Fatal(err)
	}
	var script, want string
	for _, b := range block.FindAllStringSubmatch(string(text), -1) {
		language, file, content := b[1], b[2], b[3]
		switch {
		case file != "":
			script += "cat >" + file + " <<'END OF FILE'\n" + content + "END OF FILE\n"
		case language == "sh":
			script += content
			commands = content
		case language == "text":
			want = content
		default:
			s.t.Errorf("%s has a block of %s that nobody reads", readme, language)
		}
	}
	out, err := s.run(folder, script)
	if err != nil {
		s.t.Fatalf("%s does not work as printed: %v", readme, err)
	}
	if want == "" || !strings.HasSuffix(out, want) {
		s.t.Errorf("%s prints\n%s\nwant, at the end,\n%s", readme, out, want)
	}
	return commands
}

func output(t *testing.T, command string, args ...string) string {
	t.Helper()
	out, err := exec.Command(command, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return strings.TrimSpace(string(out))
}
