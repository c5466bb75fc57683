package lab

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

func TestProcessRunsInsideItsHost(t *testing.T) {
	l := newLab(t)
	child := self("wait")
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.PodB.Start(child)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	of := func(path string) string {
		link, err := os.Readlink(path)
		if err != nil {
			t.Fatal(err)
		}
		return link
	}
	var inside string
	if err := l.PodB.Do(func() error {
		inside = of("/proc/thread-self/ns/net")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := of(filepath.Join("/proc", strconv.Itoa(p.PID()), "ns/net")); got != inside {
		t.Errorf("runs in %s, want %s", got, inside)
	}
	if outside := of("/proc/thread-self/ns/net"); outside == inside {
		t.Error("the test itself runs inside the host")
	}
	if err := p.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := p.Wait(); !errors.As(err, &exit) {
		t.Errorf("wait: got %v, want an exit error", err)
	}
}

func TestStartMissingProgram(t *testing.T) {
	l := newLab(t)
	_, err := l.Node.Start(exec.Command("/nowhere"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that the file does not exist", err)
	}
}

// Close ends processes and goroutines, whatever is still open.
func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	l, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Node.Start(self("wait"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), l.PodA, TCP, endpoint(l.Internet))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l.Close()
	l.Close()
	select {
	case <-p.Done():
	default:
		t.Error("the process is left")
	}
	// A goroutine is counted for a moment after the last thing that it does.
	for deadline := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(time.Millisecond)
	}
}
