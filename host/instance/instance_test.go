package instance

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/netspace"
)

// The lock's file is in /run, which lab.Enter makes this test's own.
func TestMain(m *testing.M) {
	code, err := lab.Enter(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "instance:", err)
	}
	os.Exit(code)
}

func TestAcquire(t *testing.T) {
	first, err := Acquire()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(); !errors.Is(err, ErrRunning) || !strings.HasSuffix(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("a second one: %v", err)
	}

	// Another network namespace is another node.
	other, err := netspace.New("other")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = other.Do(func() error {
		elsewhere, err := Acquire()
		if err != nil {
			return err
		}
		return elsewhere.Close()
	})
	if err != nil {
		t.Error("in another namespace:", err)
	}

	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Acquire()
	if err != nil {
		t.Fatal("after the first was given back:", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
