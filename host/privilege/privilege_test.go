package privilege

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain is a process that gives something up, where it is started as that: it is for
// good.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if play := plays[os.Args[1]]; play != nil {
			if err := play(os.Args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

var plays = map[string]func(arguments []string) error{"keep": playKeep, "say": playSay, "confine": playConfine}

// play runs this program as another process, and returns the lines that it says.
func play(t *testing.T, arguments ...string) []string {
	t.Helper()
	command := exec.Command("/proc/self/exe", arguments...)
	command.Stderr = t.Output()
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %v", arguments, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// Of what the process has only that is left which is kept, in threads that were there
// before too, and a program that it starts has nothing where the bounding set can be emptied.
func TestKeep(t *testing.T) {
	before := strings.Fields(play(t, "say")[0])
	said := play(t, "keep")
	own, program := said[:len(said)-1], said[len(said)-1]
	if len(own) < 5 {
		t.Fatalf("%d threads", len(own))
	}
	left := uint64(0)
	if holds(t, before[1], unix.CAP_NET_ADMIN) {
		left = 1 << unix.CAP_NET_ADMIN
	}
	bound := "CapBnd:0000000000000000"
	if !holds(t, before[1], unix.CAP_SETPCAP) {
		bound = before[3] // those who may not change it keep it
	}
	want := fmt.Sprintf("CapInh:0000000000000000 CapPrm:%016x CapEff:%016x %s CapAmb:0000000000000000 NoNewPrivs:1", left, left, bound)
	for _, thread := range own {
		if thread != want {
			t.Errorf("a thread has\n%s, want\n%s", thread, want)
		}
	}
	if holds(t, before[1], unix.CAP_SETPCAP) && !strings.Contains(program, "CapPrm:0000000000000000 CapEff:0000000000000000 CapBnd:0000000000000000") {
		t.Errorf("a program that it starts has %s", program)
	}
}

// holds says whether a set, "CapPrm:000001ffffffffff" for example, has a capability.
func holds(t *testing.T, text string, capability int) bool {
	t.Helper()
	var set uint64
	_, value, _ := strings.Cut(text, ":")
	if _, err := fmt.Sscanf(value, "%x", &set); err != nil {
		t.Fatal(err)
	}
	return set&(1<<capability) != 0
}

// playKeep gives up in two steps, as the daemon does, beside some threads.
func playKeep([]string) error {
	for range 4 {
		ready := make(chan bool)
		go func() {
			runtime.LockOSThread()
			ready <- true
			select {} // the thread lives as long as the process
		}()
		<-ready
	}
	if err := errors.Join(Keep(NetAdmin, Chown, NetBindService), Keep(NetAdmin)); err != nil {
		return err
	}
	threads, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		if err := say(thread); err != nil {
			return err
		}
	}
	program := exec.Command("/proc/self/exe", "say")
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	return program.Run()
}

func playSay([]string) error { return say("/proc/thread-self/status") }

// say prints a thread's privileges in a line.
func say(status string) error {
	text, err := os.ReadFile(status)
	if err != nil {
		return err
	}
	var words []string
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t"); strings.HasPrefix(name, "Cap") || name == "NoNewPrivs" {
			words = append(words, name+":"+value)
		}
	}
	_, err = fmt.Println(strings.Join(words, " "))
	return err
}

// A process that is confined to a directory opens and makes files below it, and no others; nor
// has it connections of TCP, where the kernel can take these. SECURITY.md says what stays, and
// would say too little if one of these went.
func TestConfine(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	mine := filepath.Join(elsewhere, "mine")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	local, err := net.Listen("unix", filepath.Join(elsewhere, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	version := landlockVersion()
	t.Logf("Landlock's version here is %d", version)
	want := []string{
		"inside: true", fmt.Sprintf("outside: %t", version < 1), fmt.Sprintf("reading: %t", version < 1), fmt.Sprintf("tcp: %t", version < 4),
		"chmod: true", "unix: true", "udp: true",
	}
	if said := play(t, "confine", dir, elsewhere, tcp.Addr().String()); !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
}

func playConfine(arguments []string) error {
	dir, elsewhere, address := arguments[0], arguments[1], arguments[2]
	if err := Confine(dir); err != nil {
		return err
	}
	write := func(path string) error { return os.WriteFile(path, nil, 0o600) }
	dial := func(network, address string) error {
		conn, err := net.Dial(network, address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	mine := filepath.Join(elsewhere, "mine")
	_, reading := os.ReadFile(mine)
	for _, try := range []struct {
		name string
		err  error
	}{
		{"inside", write(filepath.Join(dir, "file"))}, {"outside", write(filepath.Join(elsewhere, "file"))}, {"reading", reading}, {"tcp", dial("tcp", address)},
		{"chmod", os.Chmod(mine, 0o644)}, {"unix", dial("unix", filepath.Join(elsewhere, "socket"))}, {"udp", dial("udp", address)},
	} {
		if try.err != nil && !errors.Is(try.err, fs.ErrPermission) {
			return try.err
		}
		fmt.Printf("%s: %t\n", try.name, try.err == nil)
	}
	return nil
}

// landlockVersion is that of the kernel; not positive where it has none.
func landlockVersion() int {
	version, _, code := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if code != 0 {
		return 0
	}
	return int(version)
}
