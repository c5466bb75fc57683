package netspace

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// marker is the environment variable by which the second process knows itself.
// It holds the first one's process ID, so that a program that the second one
// starts does not take itself for it.
const marker = "SNATD_NETSPACE_PARENT"

// Enter runs main in namespaces that no other program shares, and returns what
// it returns. A process that has threads cannot move itself, so Enter starts the
// program again, with the same arguments, and waits: code that stands before
// Enter runs twice, and main runs in the second process only. In both, the
// caller should exit with the code.
//
// Root gets a network and a mount namespace. Others, and root without the
// capabilities for that, get a user namespace around them in which they are root.
//
// SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed on to the second process, which
// is not in the terminal's process group and so gets each once. It is killed if
// the first one dies. A code above 128 is the signal that ended it, plus 128.
func Enter(main func() int) (code int, err error) {
	if os.Getenv(marker) == strconv.Itoa(os.Getppid()) {
		return main(), nil
	}
	return again()
}

func again() (code int, err error) {
	// The kernel sends Pdeathsig when the thread that forked ends, not when the
	// process does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	defer signal.Stop(signals)

	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", marker, os.Getpid()))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return 1, Explain(fmt.Errorf("start %s in namespaces of its own: %w", os.Args[0], err))
	}

	ended := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				_ = cmd.Process.Signal(s) // an error is that it has just ended
			case <-ended:
				return
			}
		}
	}()
	err = cmd.Wait()
	close(ended)

	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, fmt.Errorf("wait for %s: %w", os.Args[0], err)
	}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

func attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		Pdeathsig:  unix.SIGKILL,
		Setpgid:    true,
	}
	if !privileged() {
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return a
}

// privileged says whether this process needs no user namespace to make
// namespaces and mounts, to set up networks and to open raw sockets.
func privileged() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	const needed = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW
	return data[0].Effective&needed == needed
}
