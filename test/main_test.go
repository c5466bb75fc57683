// Package test holds the black-box tests: the built binary, real packets in a
// simulated VPC, and who may import whom.
//
// What can be tested inside one package stands beside it. Nothing here reaches
// into the daemon but through its files, its socket and its command line.
package test

import (
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/test/kube"
)

func TestMain(m *testing.M) {
	if how, asked := os.LookupEnv(confining); asked {
		fmt.Fprintln(os.Stderr, "test:", confine(how, os.Args[1:]))
		os.Exit(1)
	}
	if box := os.Getenv(containVariable); box != "" {
		fmt.Fprintln(os.Stderr, "test:", contain(box))
		os.Exit(1)
	}
	code, err := lab.Enter(func() int {
		defer kube.Close()
		printFeatures()
		return m.Run()
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "test:", err)
	}
	os.Exit(code)
}

// printFeatures says what the kernel has that the results depend on.
func printFeatures() {
	kernel, err := dataplane.Open(slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kernel.Close()
	fmt.Print(kernel.Features())
}
