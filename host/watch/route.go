package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is how many symbolic links a path may lead over, as in the kernel.
const maxLinks = 40

// route is the directories and names that paths lead over, from the root down,
// with every symbolic link on the way. A path can change its meaning at each of
// them.
type route struct {
	// names are the full names, with all links before the last element resolved,
	// whose change can change a path's content.
	names map[string]bool
	// dirs are the directories where every name can.
	dirs map[string]bool
	// watch watches a directory. It is called before the directory is looked
	// into, so that what changes after the look is seen.
	watch func(dir string) error
}

// concerns says whether an event for name can change a path's content.
func (r *route) concerns(name string) bool {
	return r.names[name] || r.dirs[name] || r.dirs[filepath.Dir(name)]
}

// follow goes along an absolute path, as far as it exists.
func (r *route) follow(path string) error {
	end, info, err := r.walk(path)
	if err != nil || info == nil || !info.IsDir() {
		return err
	}
	if err := r.watch(end); err != nil {
		return err
	}
	r.dirs[end] = true
	// If this fails, the reader will say so; what could be listed is followed.
	entries, _ := os.ReadDir(end)
	for _, entry := range entries {
		if entry.Type()&os.ModeSymlink == 0 {
			continue
		}
		if _, _, err := r.walk(filepath.Join(end, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// walk resolves an absolute path element by element. It returns where the path
// ends and what is there; nil if it ends at something that does not exist or
// cannot be seen.
func (r *route) walk(path string) (end string, info os.FileInfo, err error) {
	dir, rest := "/", elements(path)
	info = look(dir)
	links := 0
	for info != nil && len(rest) > 0 {
		if !info.IsDir() {
			return "", nil, nil
		}
		if err := r.watch(dir); err != nil {
			return "", nil, err
		}
		name := filepath.Join(dir, rest[0])
		rest = rest[1:]
		r.names[name] = true
		info = look(name)
		if info == nil || info.Mode()&os.ModeSymlink == 0 {
			dir = name
			continue
		}
		if links++; links > maxLinks {
			return "", nil, nil
		}
		target := destination(name)
		if filepath.IsAbs(target) {
			dir = "/"
		}
		rest = append(elements(target), rest...)
		info = look(dir)
	}
	return dir, info, nil
}

// look is what is at a name, which may be a link; nil if that cannot be seen.
func look(name string) os.FileInfo {
	info, err := os.Lstat(name)
	if err != nil {
		return nil
	}
	return info
}

// destination is where a link leads: to its own directory if it has just ceased
// to be a link, of which an event tells.
func destination(link string) string {
	target, err := os.Readlink(link)
	if err != nil {
		return "."
	}
	return target
}

// elements are the names in a path.
func elements(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}
