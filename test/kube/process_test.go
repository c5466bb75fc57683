package kube

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// parentVariable makes the test binary start the command that it holds, print
// its process ID, and wait for its own death.
const parentVariable = "SNATD_KUBE_TEST_PARENT"

func parent(command string) {
	p, err := startProcess(os.DevNull, command, "1000")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(p.cmd.Process.Pid)
	select {}
}

// A test that is killed takes its servers with it.
func TestProcessDiesWithItsParent(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), parentVariable+"=sleep")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	cmd.Process.Kill()
	cmd.Wait()
	// It becomes readable when the process ends.
	n, err := 0, error(unix.EINTR)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
	}
	if err != nil || n != 1 {
		t.Errorf("process %d lives on: %v", pid, err)
	}
}

func TestProcessFailure(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p, err := startProcess(log, "/bin/sh", "-c", "seq 10; echo no >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	<-p.done
	const want = "sh has ended: exit status 3\n4\n5\n6\n7\n8\n9\n10\nno"
	if got := p.failure().Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := startProcess(log, "/nonexistent"); err == nil {
		t.Error("started what is not there")
	}
}
