package test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

// machine is a Debian with systemd, booted in a container whose network is that of a lab's
// node. It has this repository at /src, read only.
type machine struct {
	t      *testing.T
	leader int // process ID of its systemd
}

// boot boots a machine that is gone with the test, and with this process whatever becomes of
// that. What it writes is in memory: nothing of the Debian that it is made from changes.
func boot(t *testing.T, node *lab.Host) *machine {
	t.Helper()
	nstest.Need(t, "systemd-nspawn", "systemd-container")
	nstest.Need(t, "nsenter", "util-linux") // and unshare
	root := mountDebian(t)
	source, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	// Its cgroups are below one of its own, beside nobody's. The process namespace around
	// it ends with unshare, and then no process in it is left.
	script := `for f in "$@"; do echo 0 >"$f"/cgroup.procs; done
exec unshare --pid --fork --kill-child=KILL --mount-proc systemd-nspawn --quiet --boot --directory="$ROOT" --bind-ro="$SOURCE":/src \
	--network-namespace-path=/proc/self/ns/net --capability=CAP_NET_ADMIN --machine=snatd-test --register=no --keep-unit --link-journal=no --console=pipe`
	command := exec.Command("sh", append([]string{"-eu", "-c", script, "sh"}, makeCgroups(t)...)...)
	command.Env = append(os.Environ(), "ROOT="+root, "SOURCE="+source)
	var console logBuffer
	command.Stdout, command.Stderr = &console, &console
	process, err := node.Start(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// unshare ends when the first process of its namespace has, and that ends last.
		for _, id := range children(process.PID()) {
			if err := unix.Kill(id, unix.SIGKILL); err != nil {
				t.Error(err)
			}
		}
		<-process.Done()
		if t.Failed() {
			t.Logf("the machine's console:\n%s", &console)
		}
	})
	m := &machine{t: t}
	eventually(t, "the machine to boot", func() error {
		select {
		case <-process.Done():
			t.Fatalf("the machine ended: %v", process.Wait())
		default:
		}
		if m.leader = leaderBelow(process.PID()); m.leader == 0 {
			return errors.New("there is no systemd")
		}
		// It fails with "degraded" too, which a container may be for reasons of its own.
		if state, err := m.try("systemctl is-system-running"); err != nil && strings.TrimSpace(state) != "degraded" {
			return fmt.Errorf("%s%w", state, err)
		}
		return nil
	})
	return m
}

// mountDebian is a writable view of the Debian that make debian has made.
func mountDebian(t *testing.T) string {
	t.Helper()
	packages, err := os.ReadFile("debian.packages")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	debian := filepath.Join(cache, "snatd", fmt.Sprintf("debian-%.8x", sha256.Sum256(packages)))
	if _, err := os.Stat(debian); err != nil {
		lacks(t, fmt.Sprintf("%v: apt-get install debootstrap, and run make debian as root, once", err))
	}
	if nstest.InUserNamespace() {
		lacks(t, "a machine is booted by root only")
	}
	dir, err := os.MkdirTemp(lab.Files, "machine") // in memory, and gone with this process
	if err != nil {
		t.Fatal(err)
	}
	upper, work, root := filepath.Join(dir, "upper"), filepath.Join(dir, "work"), filepath.Join(dir, "root")
	for _, d := range []string{upper, work, root} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", debian, upper, work)
	if err := unix.Mount("overlay", root, "overlay", 0, options); err != nil {
		lacks(t, fmt.Sprintf("mount an overlay of %s: %v", debian, err))
	}
	t.Cleanup(func() {
		if err := errors.Join(unix.Unmount(root, unix.MNT_DETACH), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return root
}

// lacks ends the test for a reason that lies in the machine it runs on: on CI as failed,
// elsewhere as skipped.
func lacks(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// makeCgroups makes a cgroup below this process's in each hierarchy that systemd keeps
// services in, and returns their paths. They are gone with the test. They have one name,
// since systemd-nspawn would make the one that it has missed.
func makeCgroups(t *testing.T) (paths []string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	name := "snatd-test-" + rand.Text()
	for mount := range strings.Lines(string(mounts)) {
		fields := strings.Fields(mount)
		prefix := ""
		switch {
		case fields[2] == "cgroup2":
			prefix = "0::"
		case fields[2] == "cgroup" && strings.Contains(fields[3], "name=systemd"):
			prefix = ":name=systemd:"
		default:
			continue
		}
		for line := range strings.Lines(string(own)) {
			if _, path, ok := strings.Cut(strings.TrimSpace(line), prefix); ok {
				made := filepath.Join(fields[1], path, name)
				if err := os.Mkdir(made, 0o755); err != nil {
					lacks(t, fmt.Sprintf("make a cgroup to boot a machine in: %v", err))
				}
				t.Cleanup(func() { removeCgroup(t, made) })
				paths = append(paths, made)
			}
		}
	}
	return paths
}

// removeCgroup removes a cgroup with those below it, once their processes have ended.
func removeCgroup(t *testing.T, path string) {
	var below []string
	err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			below = append(below, path)
		}
		return err
	})
	for i := len(below) - 1; i >= 0; i-- {
		err = errors.Join(err, unix.Rmdir(below[i]))
	}
	if err != nil {
		t.Errorf("a cgroup is left: %v", err)
	}
}

// leaderBelow finds the first process of a container among those that a process has started:
// it is the first one of its process namespace, and that is inside of unshare's.
func leaderBelow(pid int) int {
	for _, id := range children(pid) {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", id)) // it may have ended
		name, ids := "", []string{}
		for line := range strings.Lines(string(status)) {
			switch key, value, _ := strings.Cut(line, ":"); key {
			case "Name":
				name = strings.TrimSpace(value)
			case "NSpid":
				ids = strings.Fields(value)
			}
		}
		if name == "systemd" && len(ids) > 2 && ids[len(ids)-1] == "1" {
			return id
		}
		if found := leaderBelow(id); found != 0 {
			return found
		}
	}
	return 0
}

// children are the processes that a process has started and that have not ended.
func children(pid int) (ids []int) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, thread := range threads {
		list, _ := os.ReadFile(thread) // it may have ended
		for _, child := range strings.Fields(string(list)) {
			if id, err := strconv.Atoi(child); err == nil {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// try runs commands of the shell on the machine, at the top of the repository, and returns
// what they print.
func (m *machine) try(commands string) (string, error) {
	m.t.Helper()
	command := exec.Command("nsenter", "--target", strconv.Itoa(m.leader), "--all", "sh", "-eu", "-c", "cd /src\n"+commands)
	command.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	return out.String(), err
}

// do is try, for commands that must not fail.
func (m *machine) do(commands string) string {
	m.t.Helper()
	out, err := m.try(commands)
	if err != nil {
		m.t.Fatalf("%s\n%s%v", commands, out, err)
	}
	return strings.TrimSpace(out)
}
