package lab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mainVariable chooses what the test binary does in place of its tests.
const mainVariable = "SNATD_LAB_TEST_MAIN"

var mains = map[string]func() int{
	"wait": waitMain,
	"lab":  labMain,
}

// waitMain is a program that does nothing.
func waitMain() int {
	fmt.Println("started")
	select {}
}

// labMain is a program with a lab in which another program runs.
func labMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	l, err := New(ctx)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer l.Close()
	child := self("wait")
	child.Stdout = os.Stdout
	if _, err := l.PodA.Start(child); err != nil {
		fmt.Println(err)
		return 1
	}
	<-ctx.Done()
	return 3
}

// self is the test binary with another main.
func self(name string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), mainVariable+"="+name)
	return cmd
}

// start starts a program, and returns its output up to its first line. The rest
// ends when no process holds the program's output any more.
func start(t *testing.T, name string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	if err := read.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	cmd := self(name)
	cmd.Stdout = write
	err = cmd.Start()
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	output := bufio.NewReader(read)
	if line, err := output.ReadString('\n'); err != nil || line != "started\n" {
		cmd.Process.Kill()
		t.Fatalf("%s: %q, %v", name, line, err)
	}
	return cmd, output
}

// When the first process dies, whatever the signal, the second one and what that
// has started die too.
func TestNothingOutlivesTheProcess(t *testing.T) {
	for _, test := range []struct {
		signal unix.Signal
		code   int
	}{
		{unix.SIGKILL, -1},
		{unix.SIGINT, 3},
		{unix.SIGTERM, 3},
	} {
		t.Run(test.signal.String(), func(t *testing.T) {
			cmd, output := start(t, "lab")
			if err := cmd.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(output); err != nil || len(rest) > 0 {
				t.Errorf("a process is left: %q, %v", rest, err)
			}
			cmd.Wait() // its error says what the exit code says
			if got := cmd.ProcessState.ExitCode(); got != test.code {
				t.Errorf("exit code %d, want %d", got, test.code)
			}
		})
	}
}

// A plain user has a lab too.
func TestPlainUser(t *testing.T) {
	if maps, err := os.ReadFile("/proc/self/uid_map"); err != nil {
		t.Fatal(err)
	} else if strings.HasSuffix(strings.TrimSpace(string(maps)), " 1") {
		return // in a user namespace with one user: so every test here is the proof
	}
	const nobody = 65534
	cmd := exec.Command("/proc/self/exe", "-test.run", "^(TestEveryPair|TestService|TestSourceCheck|TestNothingOutlivesTheProcess)$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as user %d: %v\n%s", nobody, err, output)
	}
}
