package kube

import (
	"fmt"
	"os"
	"testing"

	"github.com/snatd/snatd/host/lab"
)

func TestMain(m *testing.M) {
	if command := os.Getenv(parentVariable); command != "" {
		parent(command)
	}
	code, err := lab.Enter(func() int {
		defer Close()
		return m.Run()
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "kube:", err)
	}
	os.Exit(code)
}
