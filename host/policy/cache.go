package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cacheLimit bounds the directory, in bytes; the default module takes 10 MiB.
// wazero itself never removes anything.
const cacheLimit = 256 << 20

// sealSuffix names the file with an entry's SHA-256 beside the entry.
const sealSuffix = ".sha256"

// cache is the directory of compiled modules. It holds native code that will
// run: nobody else may write there. wazero checks only a part of an entry, so
// each is sealed by its hash, and what has no good seal is removed.
type cache struct {
	dir   string
	limit int64 // bytes of all entries
}

// openCache creates the directory if needed and removes damaged and old
// entries.
func openCache(dir string) (*cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() {
		return nil, fmt.Errorf("cache directory %s belongs to user %d; accepted: user %d, who runs this", dir, owner, os.Geteuid())
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return nil, fmt.Errorf("cache directory %s has mode %04o, others may write to it; accepted: 0700", dir, mode)
	}
	c := &cache{dir: dir, limit: cacheLimit}
	if err := c.verify(); err != nil {
		return nil, err
	}
	return c, nil
}

// path is the directory, or empty if there is no cache.
func (c *cache) path() string {
	if c == nil {
		return ""
	}
	return c.dir
}

// files returns what wazero stored, and the seals.
func (c *cache) files() ([]string, error) {
	return filepath.Glob(filepath.Join(c.dir, "wazero-*", "*"))
}

// entry is what wazero stored of one module.
type entry struct {
	file string
	size int64
	time time.Time
}

// verify removes every entry whose seal is missing or wrong, and the oldest of the
// others until they fit into the limit.
func (c *cache) verify() error {
	files, err := c.files()
	if err != nil {
		return err
	}
	var entries []entry
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if file, ok := strings.CutSuffix(file, sealSuffix); ok {
			if _, err := os.Stat(file); err == nil {
				continue
			}
		} else if sealed(file) {
			entries = append(entries, entry{file, info.Size(), info.ModTime()})
			continue
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return c.evict(entries)
}

// evict removes the oldest entries until the rest fits into the limit.
func (c *cache) evict(entries []entry) error {
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(a.time.Compare(b.time), cmp.Compare(a.file, b.file)) })
	var total int64
	for _, e := range entries {
		total += e.size
	}
	for ; total > c.limit; entries = entries[1:] {
		if err := errors.Join(os.Remove(entries[0].file), remove(entries[0].file+sealSuffix)); err != nil {
			return err
		}
		total -= entries[0].size
	}
	return nil
}

// remove removes a file that may be gone.
func remove(file string) error {
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func sealed(file string) bool {
	seal, err := os.ReadFile(file + sealSuffix)
	if err != nil {
		return false
	}
	sum, err := sum(file)
	return err == nil && sum == string(seal)
}

// seal writes the seals of new entries, and makes room for them. Call it right
// after a compilation.
func (c *cache) seal() error {
	files, err := c.files()
	if err != nil {
		return err
	}
	var entries []entry
	for _, file := range files {
		if len(filepath.Base(file)) != hex.EncodedLen(sha256.Size) {
			continue // a seal, or a file that wazero is writing
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		entries = append(entries, entry{file, info.Size(), info.ModTime()})
		if _, err := os.Stat(file + sealSuffix); err == nil {
			continue
		}
		sum, err := sum(file)
		if err != nil {
			return err
		}
		// A seal that is half written is a wrong one: the entry is removed.
		if err := os.WriteFile(file+sealSuffix, []byte(sum), 0o600); err != nil {
			return err
		}
	}
	return c.evict(entries)
}

func sum(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
