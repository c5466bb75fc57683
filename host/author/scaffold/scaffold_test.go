package scaffold

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is a file that a README of an SDK prints.
var block = regexp.MustCompile("(?ms)^```\\w+ (\\S+)\n(.*?)^```$")

// What a new folder has is the policy that the SDKs' READMEs walk through, but for its
// name and for where the SDK is. test/sdk follows both.
func TestTemplatesAreTheReadmes(t *testing.T) {
	for lang, c := range map[string]struct {
		readme  string
		files   map[string]string // as the README calls them
		replace []string
	}{
		"go": {"README.md", map[string]string{"policy.go": "policy.go", "policy_test.go": "policy_test.go", "wasm/main.go": "wasm/main.go"},
			[]string{`"example.com/partners"`, `policy "example.com/NAME"`, "Package partners", "Package policy", "package partners", "package policy", "partners.Decide", "policy.Decide", "partners.Validate", "policy.Validate"}},
		"c": {"c/README.md", map[string]string{"partners.c": "policy.c", "partners_test.c": "policy_test.c"},
			[]string{"partners.c", "policy.c"}},
		"rust": {"rust/README.md", map[string]string{"src/lib.rs": "src/lib.rs", "Cargo.toml": "Cargo.toml"},
			[]string{`name = "partners"`, `name = "NAME"`, "[lib]\n", "[lib]\nname = \"policy\"\n", "../snatd/sdk/rust", "snatd"}},
		"assemblyscript": {"assemblyscript/README.md", map[string]string{"partners.ts": "policy.ts", "partners.test.mjs": "NAME.test.mjs"},
			[]string{"partners.wasm", "NAME.wasm"}},
	} {
		text, err := os.ReadFile("../../../sdk/" + c.readme)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(languages, func(l language) bool { return l.name == lang })
		files, err := render(policy{languages[i], "NAME", "0"})
		if err != nil {
			t.Fatal(err)
		}
		printed := map[string]string{}
		for _, b := range block.FindAllStringSubmatch(string(text), -1) {
			printed[b[1]] = b[2]
		}
		if got := string(files["NAME.yaml"]); got != printed["partners.yaml"] {
			t.Errorf("%s: NAME.yaml is\n%s", c.readme, got)
		}
		for printedAs, name := range c.files {
			want := strings.NewReplacer(c.replace...).Replace(printed[printedAs])
			if got := string(files[name]); got != want || want == "" {
				t.Errorf("%s of %s is\n%swant\n%s", name, lang, got, want)
			}
		}
	}
}

// A folder has all that the SDK has, and nothing of the templates' language.
func TestNew(t *testing.T) {
	for language, wants := range map[string][]string{
		"go":             {"go.mod", "policy.go", "policy_test.go", "wasm/main.go", "snatd/go.mod", "snatd/sdk/guest_wasip1.go", "snatd/sdk/abi/abi.go"},
		"rust":           {"Cargo.toml", "src/lib.rs", ".cargo/config.toml", "snatd/Cargo.toml", "snatd/src/lib.rs", "snatd/examples/sample.rs"},
		"assemblyscript": {"package.json", "package-lock.json", "policy.ts", "my-policy.test.mjs", "snatd/package.json", "snatd/host.mjs", "snatd/assembly/index.ts"},
		"c":              {"policy.c", "policy_test.c", "snatd/snat.h", "snatd/snat_mock.h", "snatd/flags"},
	} {
		t.Run(language, func(t *testing.T) {
			dir := t.TempDir()
			folder, err := New(dir, language, "my-policy")
			if err != nil || folder != filepath.Join(dir, "my-policy") {
				t.Fatal(folder, err)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("%v, %v", entries, err)
			}
			wants := append(wants, "Makefile", "README.md", ".gitignore", "facts.yaml", "my-policy.yaml", "my-policy_test.yaml", "snatd/LICENSE", "snatd/FACTS.md")
			for _, want := range wants {
				if _, err := os.Stat(filepath.Join(folder, want)); err != nil {
					t.Error(err)
				}
			}
			err = each(os.DirFS(folder), ".", func(name string, content []byte) error {
				own := !strings.HasPrefix(name, "snatd/")
				if own && strings.Contains(string(content), "{{") || strings.HasSuffix(name, "_test.go") && !own || strings.HasSuffix(name, ".tmpl") {
					t.Errorf("%s:\n%s", name, content)
				}
				if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Mode().Perm()&0o444 != 0o444 {
					t.Errorf("%s: %v, %v", name, info.Mode(), err)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// A name makes a folder with all files, or none: two of them never have one path.
func TestNamesOfFiles(t *testing.T) {
	for _, l := range languages {
		whole, err := render(policy{l, "partners", "0"})
		if err != nil {
			t.Fatal(err)
		}
		refused := ""
		for _, name := range []string{
			"facts", "readme", "makefile", "license", "policy", "policy-test", "snatd", "gitignore", "package", "package-lock", "cargo", "go", "wasm", "src", "main", "lib", "test",
		} {
			files, err := render(policy{l, name, "0"})
			if err != nil {
				refused += name + " "
				const want = `"facts" is no name of a policy: the folder has another file facts.yaml, accepted: another name, such as partners`
				if err.Error() != want {
					t.Errorf("%s, %s: %v", l.name, name, err)
				}
				continue
			}
			if len(files) != len(whole) {
				t.Errorf("%s: %s has %d files, want %d", l.name, name, len(files), len(whole))
			}
		}
		if refused != "facts " {
			t.Errorf("%s: refused %q", l.name, refused)
		}
		// Nor does a file of the SDK take the place of one of the templates.
		l.place = func(string) string { return "Makefile" }
		if _, err := render(policy{l, "partners", "0"}); err == nil {
			t.Errorf("%s: there are two files Makefile", l.name)
		}
	}
}

// What npm fetches for a new policy is, to the byte, what it fetches for the SDK.
func TestLockFile(t *testing.T) {
	i := slices.IndexFunc(languages, func(l language) bool { return l.name == "assemblyscript" })
	files, err := render(policy{languages[i], "partners", "0"})
	if err != nil {
		t.Fatal(err)
	}
	fetched := func(lock []byte) map[string]any {
		var read struct{ Packages map[string]map[string]any }
		if err := json.Unmarshal(lock, &read); err != nil {
			t.Fatal(err)
		}
		packages := map[string]any{}
		for path, p := range read.Packages {
			switch {
			case p["link"] == nil && strings.Contains(path, "node_modules/") && p["integrity"] == nil:
				t.Errorf("%s has no hash", path)
			case p["integrity"] != nil:
				packages[path] = p
			}
		}
		return packages
	}
	want, err := os.ReadFile("../../../sdk/assemblyscript/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fetched(files["package-lock.json"]), fetched(want); len(got) == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v: copy it from sdk/assemblyscript/package-lock.json", got, want)
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dir, "taken")); err != nil {
		t.Fatal(err)
	}
	const accepted = " is no name of a policy, accepted: a lower-case letter, then at most 62 lower-case letters, digits and dashes, such as partners"
	const factsTaken = `"facts" is no name of a policy: the folder has another file facts.yaml, accepted: another name, such as partners`
	for _, c := range []struct{ language, name, want string }{
		{"zig", "a", `--lang: "zig" is unknown, accepted: go, rust, assemblyscript, c`},
		{"go", "taken", filepath.Join(dir, "taken") + ": exists already, accepted: a name of nothing in this folder"},
		{"go", "", `""` + accepted},
		{"go", "facts", factsTaken},
		{"rust", "facts", factsTaken},
		{"assemblyscript", "facts", factsTaken},
		{"c", "facts", factsTaken},
		{"go", "a/b", `"a/b"` + accepted},
		{"go", "..", `".."` + accepted},
		{"go", "a-", `"a-"` + accepted},
		{"go", "Partners", `"Partners"` + accepted},
		{"go", strings.Repeat("a", 64), `"` + strings.Repeat("a", 64) + `"` + accepted},
	} {
		if _, err := New(dir, c.language, c.name); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	if entries, err := fs.ReadDir(os.DirFS(dir), "."); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := New(filepath.Join(dir, "none"), "go", "a"); err == nil {
		t.Error("made in a folder that does not exist")
	}
}
