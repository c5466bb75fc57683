package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// containVariable has the box that this program is to become, in JSON.
const containVariable = "SNATD_TEST_BOX"

// box is what a container runtime makes of a pod's container, as far as a test can:
// the file system, the capabilities and the environment. It has the processes of
// the machine, and no seccomp profile.
type box struct {
	Root         string  // an empty folder
	Mounts       []mount // what is in it, parents first
	ReadOnlyRoot bool
	Capabilities []int // all others are gone for good
	NoNewPrivs   bool
	Environment  []string
	Arguments    []string // the first is the program, as a path in there
}

type mount struct {
	From, To string // To is absolute in there
	ReadOnly bool
}

// command is a process that becomes what the box says.
func (b box) command() (*exec.Cmd, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	command := exec.Command("/proc/self/exe")
	command.Env = []string{containVariable + "=" + string(text)}
	command.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	return command, nil
}

// contain makes this process what the box says, in the mount namespace that it was
// started in. It returns only with an error.
func contain(text string) error {
	var b box
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return err
	}
	// Capabilities belong to a thread, and a program has those of the one that starts it.
	runtime.LockOSThread()
	if err := b.build(); err != nil {
		return err
	}
	if err := unix.Chroot(b.Root); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	if err := b.drop(); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return syscall.Exec(b.Arguments[0], b.Arguments, b.Environment)
}

// build makes the file system.
func (b box) build() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to itself: %w", err)
	}
	if err := unix.Mount("box", b.Root, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount a root: %w", err)
	}
	for _, m := range append([]mount{{From: "/proc", To: "/proc"}, {From: "/proc/sys", To: "/proc/sys", ReadOnly: true}, {From: "/dev/null", To: "/dev/null"}}, b.Mounts...) {
		if err := b.bind(m); err != nil {
			return fmt.Errorf("mount %s at %s: %w", m.From, m.To, err)
		}
	}
	if !b.ReadOnlyRoot {
		return nil
	}
	return readOnly(b.Root)
}

func (b box) bind(m mount) error {
	at := filepath.Join(b.Root, m.To)
	info, err := os.Stat(m.From)
	if err != nil {
		return err
	}
	if _, err := os.Stat(at); errors.Is(err, os.ErrNotExist) {
		dir := at
		if !info.IsDir() {
			dir = filepath.Dir(at)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if !info.IsDir() {
			if err := os.WriteFile(at, nil, 0o600); err != nil {
				return err
			}
		}
	}
	if err := unix.Mount(m.From, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if m.ReadOnly {
		return readOnly(at)
	}
	return nil
}

// readOnly keeps what else a mount forbids: a user namespace may not lift it.
func readOnly(path string) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return err
	}
	kept := uintptr(stat.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME)
	if stat.Flags&unix.ST_RELATIME != 0 {
		kept |= unix.MS_RELATIME
	}
	return unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|kept, "")
}

// drop gives up all capabilities but those of the box, and the way to others.
func (b box) drop() error {
	for c := 0; ; c++ {
		if slices.Contains(b.Capabilities, c) {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			break // the kernel has no more
		}
		if err != nil {
			return err
		}
	}
	var sets [2]unix.CapUserData
	for _, c := range b.Capabilities {
		sets[c/32].Permitted |= 1 << (c % 32)
		sets[c/32].Effective |= 1 << (c % 32)
	}
	if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &sets[0]); err != nil {
		return err
	}
	if !b.NoNewPrivs {
		return nil
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}
