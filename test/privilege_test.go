package test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/policy/wasmtest"
)

// Without CAP_NET_ADMIN there is one clear line.
func TestWithoutCapability(t *testing.T) {
	d := prepare(t)
	type result struct {
		stderr string
		err    error
	}
	done := make(chan result)
	go func() {
		// The bounding set is the thread's: it ends with this goroutine, and the
		// child that it forks cannot regain what is not in the set.
		runtime.LockOSThread()
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_NET_ADMIN, 0, 0, 0); err != nil {
			done <- result{err: err}
			return
		}
		command := d.command(nil, "run")
		var stderr strings.Builder
		command.Stderr = &stderr
		err := command.Run()
		done <- result{stderr.String(), err}
	}()
	r := <-done
	if line := strings.TrimSpace(r.stderr); r.err == nil || !strings.Contains(line, "CAP_NET_ADMIN") || strings.Contains(line, "\n") {
		t.Errorf("without CAP_NET_ADMIN: %v\n%s", r.err, r.stderr)
	}
}

// privileges are what the kernel says of a thread: its capabilities, as sets of bits, and
// whether programs that it starts may gain any.
type privileges struct {
	Inh, Prm, Eff, Bnd, Amb uint64
	NoNewPrivs              bool
}

const netAdmin = 1 << unix.CAP_NET_ADMIN

// kept is what the daemon keeps, and none what the process that compiles has.
var (
	kept = privileges{Prm: netAdmin, Eff: netAdmin, NoNewPrivs: true}
	none = privileges{NoNewPrivs: true}
)

// Of a root with all capabilities the daemon keeps CAP_NET_ADMIN alone, in all threads, and
// passes nothing on. That is all it needs.
func TestPrivileges(t *testing.T) {
	d := worker(t)
	d.run()
	d.work()
	d.checkThreads(kept)
	if got := d.compiling(); got != none {
		t.Errorf("the process that compiles has %+v, want %+v", got, none)
	}
	d.check(world{peered: true})
}

// In a pod with no other capability, where the bounding set cannot be changed, everything
// works too.
func TestOnlyNetAdmin(t *testing.T) {
	needs(t, "setpriv")
	d := worker(t)
	d.through = []string{"setpriv", "--bounding-set=-all,+net_admin", "--inh-caps=-all", "--ambient-caps=-all", "--"}
	d.run()
	d.work()
	left := kept
	left.Bnd = netAdmin
	d.checkThreads(left)
	left = none
	left.Bnd = netAdmin
	if got := d.compiling(); got != left {
		t.Errorf("the process that compiles has %+v, want %+v", got, left)
	}
}

// checkThreads checks every thread of the daemon.
func (d *daemon) checkThreads(want privileges) {
	d.t.Helper()
	threads, err := privilegesOf(d.process.PID())
	if err != nil || len(threads) < 2 {
		d.t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, got := range threads {
		if got != want {
			d.t.Errorf("a thread has %+v, want %+v", got, want)
		}
	}
}

// compiling is what the process has that compiles a module for the daemon, once it has all
// its threads and nothing more to give up.
func (d *daemon) compiling() (settled privileges) {
	d.t.Helper()
	d.write("policies.d/20-costly.wasm", string(wasmtest.Costly()))
	defer os.Remove(d.path("policies.d/20-costly.wasm"))
	d.wait("a process that compiles, on the way of giving up", func() error {
		child, err := d.child()
		if err != nil {
			return err
		}
		threads, err := privilegesOf(child)
		if err != nil || len(threads) == 0 {
			return errors.Join(errors.New("it has ended"), err)
		}
		// What it starts with it has from the daemon's bounding set.
		for _, got := range threads {
			if got.Prm&^got.Bnd != 0 || got.Inh != 0 || got.Amb != 0 || !got.NoNewPrivs {
				d.t.Fatalf("a thread of the process that compiles has %+v", got)
			}
		}
		settled = threads[0]
		if settled.Prm != 0 || slices.ContainsFunc(threads, func(p privileges) bool { return p != settled }) {
			return fmt.Errorf("its threads have %+v", threads)
		}
		return nil
	})
	return settled
}

// child is the process that the daemon has started. Between fork and exec it is still the
// daemon.
func (d *daemon) child() (pid int, err error) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", d.process.PID()))
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may have ended
		for _, field := range strings.Fields(string(text)) {
			if line, _ := os.ReadFile("/proc/" + field + "/cmdline"); bytes.Contains(line, []byte("\x00compile-module\x00")) {
				return strconv.Atoi(field)
			}
		}
	}
	return 0, errors.Join(errors.New("there is none"), err)
}

// privilegesOf are those of a process, thread by thread. A thread that ends meanwhile is
// left out.
func privilegesOf(pid int) (threads []privileges, err error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, file := range files {
		text, gone := os.ReadFile(file)
		if gone != nil {
			continue
		}
		p, failed := parsePrivileges(text)
		threads, err = append(threads, p), errors.Join(err, failed)
	}
	return threads, err
}

func parsePrivileges(status []byte) (p privileges, err error) {
	sets := map[string]*uint64{"CapInh": &p.Inh, "CapPrm": &p.Prm, "CapEff": &p.Eff, "CapBnd": &p.Bnd, "CapAmb": &p.Amb}
	found := 0
	for line := range bytes.Lines(status) {
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), ":\t")
		if set := sets[name]; set != nil {
			var failed error
			*set, failed = strconv.ParseUint(value, 16, 64)
			err, found = errors.Join(err, failed), found+1
		}
		if name == "NoNewPrivs" {
			p.NoNewPrivs, found = value == "1", found+1
		}
	}
	if found != len(sets)+1 {
		err = errors.Join(err, fmt.Errorf("%d of its lines are known:\n%s", found, status))
	}
	return p, err
}
