// Package scaffold makes the folder of a new policy: its code, its tests, facts to test
// it on, a Makefile and a README, with the sources of the SDK in it. What it makes builds
// wherever it is moved, without a clone of this repository. Nothing is fetched but
// AssemblyScript's compiler, from npm's registry, in exactly the versions of a lock file.
//
// The templates are the policy that the SDKs' READMEs walk through, which a test holds
// them to; test/sdk follows what they print.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/snatd/snatd"
)

// templates are the files of a folder, by language; those in all are for each. One that
// ends in .tmpl is filled in.
//
//go:embed all:templates
var templates embed.FS

// policy is what templates are filled in with.
type policy struct {
	language
	Name string
	Go   string // the version of Go that the SDK needs
}

var pattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// New makes the folder of a policy in a language, in the folder dir, under its name. It is
// there as a whole or not at all; it must not be there before.
func New(dir, languageName, name string) (folder string, err error) {
	i := slices.IndexFunc(languages, func(l language) bool { return l.name == languageName })
	switch {
	case i < 0:
		return "", fmt.Errorf("--lang: %q is unknown, accepted: %s", languageName, strings.Join(Languages(), ", "))
	case !pattern.MatchString(name) || strings.HasSuffix(name, "-"):
		return "", fmt.Errorf("%q is no name of a policy, accepted: a lower-case letter, then at most 62 lower-case letters, digits and dashes, such as partners", name)
	}
	folder = filepath.Join(dir, name)
	if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
		return "", errors.Join(err, fmt.Errorf("%s: exists already, accepted: a name of nothing in this folder", folder))
	}
	files, err := render(policy{languages[i], name, goVersion()})
	if err != nil {
		return "", err
	}
	temporary, err := os.MkdirTemp(dir, "."+name+".*")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }() // nothing is there once it has its name
	if err := write(temporary, files); err != nil {
		return "", err
	}
	return folder, os.Rename(temporary, folder)
}

// render is the content of all files of a folder by their paths. A name by which two of
// them would have one path is refused.
func render(p policy) (map[string][]byte, error) {
	files := map[string][]byte{inSDK("LICENSE"): snatd.Licence, inSDK("FACTS.md"): snatd.Facts}
	add := func(path string, content []byte) error {
		if _, ok := files[path]; ok {
			return fmt.Errorf("%q is no name of a policy: the folder has another file %s, accepted: another name, such as partners", p.Name, path)
		}
		files[path] = content
		return nil
	}
	for _, from := range []string{"templates/all", "templates/" + p.name} {
		err := each(templates, from, func(name string, content []byte) error {
			filled, isTemplate := strings.CutSuffix(strings.ReplaceAll(name, "NAME", p.Name), ".tmpl")
			if isTemplate {
				var err error
				if content, err = p.fill(string(content)); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			return add(filled, content)
		})
		if err != nil {
			return nil, err
		}
	}
	err := each(snatd.SDK, p.sdk, func(name string, content []byte) error {
		if to := p.place(name); to != "" {
			return add(to, content)
		}
		return nil
	})
	return files, err
}

func (p policy) fill(text string) ([]byte, error) {
	t, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, p)
	return out.Bytes(), err
}

// goVersion is that of the project.
func goVersion() string {
	for line := range strings.Lines(string(snatd.GoMod)) {
		if version, ok := strings.CutPrefix(line, "go "); ok {
			return strings.TrimSpace(version)
		}
	}
	panic("go.mod names no version")
}

// each calls f for the files below a folder, by their paths in it.
func each(from fs.FS, folder string, f func(name string, content []byte) error) error {
	below, err := fs.Sub(from, folder)
	if err != nil {
		return err
	}
	return fs.WalkDir(below, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(below, name)
		if err != nil {
			return err
		}
		return f(name, content)
	})
}

func write(folder string, files map[string][]byte) error {
	if err := os.Chmod(folder, 0o755); err != nil {
		return err
	}
	for name, content := range files {
		to := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// inSDK is a path below the folder with the SDK.
func inSDK(name string) string { return path.Join("snatd", name) }
