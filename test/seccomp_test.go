package test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/test/kube"
)

// confining is the variable by which this program knows that it shall become another one
// under the profile. What is refused, and how, is in its value.
const confining = "SNATD_TEST_SECCOMP"

// trapCalls ends a process at the first call that is not in the profile, so that none goes
// unnoticed. With refuseCalls and the name of a call this one is refused too, as the profile
// refuses all others.
const (
	trapCalls   = "trap"
	refuseCalls = "refuse"
)

// confined has the daemon run under the profile, less one call if that is not empty.
func (d *daemon) confined(how, without string) {
	d.t.Helper()
	program, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	d.through = []string{"env", confining + "=" + how + " " + without, program}
}

// confine becomes the program with arguments, and returns why it cannot.
func confine(value string, program []string) error {
	how, without, _ := strings.Cut(value, " ")
	p, err := readProfile()
	if err != nil {
		return err
	}
	action := seccomp.ActionTrap
	if how == refuseCalls {
		action = seccomp.ActionErrno
	}
	filter, err := p.filter(action, without)
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the filter is this thread's, and the program's that it becomes
	if err := errors.Join(os.Unsetenv(confining), seccomp.LoadFilter(filter)); err != nil {
		return err
	}
	return fmt.Errorf("%q: %w", program, unix.Exec(program[0], program, os.Environ()))
}

// strictly has the daemon run under the profile, and says at the end which call ended it, if
// one did.
func (d *daemon) strictly() {
	d.t.Helper()
	d.confined(trapCalls, "")
	d.t.Cleanup(func() {
		if call := trapped(d.log.String()); call != "" {
			d.t.Errorf("the daemon needs %s, which examples/deploy/seccomp.json does not allow", call)
		}
	})
}

// callRegisters are those that Go prints of a process that is ended, by architecture, which
// have the number of the call.
var callRegisters = map[string]*regexp.Regexp{
	"amd64": regexp.MustCompile(`(?m)^rax +0x([0-9a-f]+)`),
	"arm64": regexp.MustCompile(`(?m)^r8 +0x([0-9a-f]+)`),
}

// trapped is the call that ended a process with this log; empty if none did. That which
// ended the process that compiles is not known.
func trapped(log string) string {
	if !strings.Contains(log, "SIGSYS") {
		return ""
	}
	here, err := arch.GetInfo("")
	found := callRegisters[runtime.GOARCH].FindStringSubmatch(log)
	if err != nil || found == nil {
		return "a call"
	}
	number, _ := strconv.ParseUint(found[1], 16, 31)
	return cmp.Or(here.SyscallNumbers[int(number)], "call "+found[1])
}

// The profile allows all that the daemon does.
func TestSeccomp(t *testing.T) {
	d := worker(t)
	d.strictly()
	d.run()
	d.work()
	d.checkThreads(kept)

	// Who asks in its container is under the profile too. It refuses ioctl, by which status asks
	// whether it writes to a terminal: it goes without an answer.
	var err error
	if d.program, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	out, stderr, err := d.output([]string{confining + "=" + refuseCalls + " "}, binary(t), "status")
	if err != nil || stderr != "" || !strings.Contains(out, "healthy") {
		t.Errorf("snatd status under the profile: %v\n%s%s", err, out, stderr)
	}
}

// So it does where facts come from the metadata service.
func TestSeccompIMDS(t *testing.T) {
	d, server, _ := withIMDS(t)
	d.strictly()
	d.runWithIMDS(server)
	d.waitReady()
	d.check(onlyOutside)
}

// So it does where they come from an API server.
func TestSeccompKubernetes(t *testing.T) {
	c := withCluster(t, kube.Shared(t))
	c.strictly()
	c.run()
	c.waitSynced()
	c.pod("keeper", lab.PodA, true)
	c.waitAction(lab.PodA, lab.Peered, "exclude")
	c.see(c.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
}

// The tests above would notice a call that is not in the profile.
func TestSeccompNotices(t *testing.T) {
	d := prepare(t)
	d.confined(trapCalls, "inotify_init1")
	d.run()
	<-d.process.Done()
	if call := trapped(d.log.String()); call != "inotify_init1" {
		t.Errorf("trapped %q:\n%s", call, d.log)
	}

	compiling := prepare(t)
	compiling.compiled = compiling.path("cache")
	compiling.setConfig(baseConfig)
	compiling.confined(trapCalls, "getpriority")
	compiling.run()
	compiling.wait("the process that compiles to be ended", func() error {
		if trapped(compiling.log.String()) == "" {
			return errors.New("it is not")
		}
		return nil
	})
}

// A daemon that cannot give up its privileges does not run with them, and says so in a line.
func TestPrivilegesNotGivenUp(t *testing.T) {
	for call, what := range map[string]string{"capset": "capabilities", "prctl": "bounding set"} {
		d := prepare(t)
		d.confined(refuseCalls, call)
		d.run()
		<-d.process.Done()
		want := "snatd: give up privileges: " + what + ": operation not permitted; nothing runs with more than it needs\n"
		if text := d.log.String(); text != want || exitCode(d.process.Wait()) != 1 {
			t.Errorf("without %s: %v\n%s", call, d.process.Wait(), text)
		}
		if held := d.kernel(); held != (kernel{}) {
			t.Errorf("the kernel holds %+v", held)
		}
	}
}

// The profile refuses what the daemon has no use for, and others much.
func TestSeccompRefuses(t *testing.T) {
	const nothing = ^uintptr(0)
	calls := []struct {
		name   string
		number uintptr
		args   [3]uintptr // with which it does no harm where it is not refused
	}{
		{"mount", unix.SYS_MOUNT, [3]uintptr{}},
		{"umount2", unix.SYS_UMOUNT2, [3]uintptr{}},
		{"ptrace", unix.SYS_PTRACE, [3]uintptr{unix.PTRACE_PEEKTEXT, nothing, 0}},
		{"bpf", unix.SYS_BPF, [3]uintptr{nothing, 0, 0}},
		{"init_module", unix.SYS_INIT_MODULE, [3]uintptr{}},
		{"unshare", unix.SYS_UNSHARE, [3]uintptr{0, 0, 0}},
		{"setns", unix.SYS_SETNS, [3]uintptr{nothing, 0, 0}},
		{"kexec_load", unix.SYS_KEXEC_LOAD, [3]uintptr{0, nothing, 0}},
		{"keyctl", unix.SYS_KEYCTL, [3]uintptr{nothing, 0, 0}},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, [3]uintptr{}},
		{"clone3", unix.SYS_CLONE3, [3]uintptr{}},
		{"clone of a user namespace", unix.SYS_CLONE, [3]uintptr{unix.CLONE_NEWUSER | unix.CLONE_FS, 0, 0}}, // which do not go together
		{"socket of packets", unix.SYS_SOCKET, [3]uintptr{unix.AF_PACKET, nothing, 0}},
		{"socket of another family", unix.SYS_SOCKET, [3]uintptr{unix.AF_VSOCK, nothing, 0}},
		{"prlimit64 of a process by its number", unix.SYS_PRLIMIT64, [3]uintptr{uintptr(os.Getpid()), unix.RLIMIT_NOFILE, 0}},
	}
	p, err := readProfile()
	if err != nil {
		t.Fatal(err)
	}
	filter, err := p.filter(seccomp.ActionErrno, "")
	if err != nil {
		t.Fatal(err)
	}
	free, under := make([]unix.Errno, len(calls)), make([]unix.Errno, len(calls))
	try := func(into []unix.Errno) {
		for i, c := range calls {
			_, _, into[i] = unix.RawSyscall(c.number, c.args[0], c.args[1], c.args[2])
		}
	}
	loaded := make(chan error)
	go func() {
		runtime.LockOSThread() // which ends with this goroutine, and the filter with it
		try(free)
		err := seccomp.LoadFilter(filter)
		if err == nil {
			try(under)
		}
		loaded <- err
	}()
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	for i, c := range calls {
		if under[i] != unix.EPERM {
			t.Errorf("%s is not refused: %v", c.name, under[i])
		}
		// In a user namespace the kernel refuses some itself.
		if free[i] == unix.EPERM && manyUsers(t) {
			t.Errorf("%s is refused without the profile too", c.name)
		}
	}
}
