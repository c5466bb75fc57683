package main

import (
	"fmt"
	"log/slog"
	"os/exec"
	"strings"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/netspace"
)

// newNamespace makes a namespace that sends nothing by itself: with IPv6 it would
// announce itself, and be counted.
func newNamespace(name string, sysctls ...string) (*netspace.Namespace, error) {
	return netspace.New(name, append(sysctls, "-ipv6/conf/all/disable_ipv6=1", "-ipv6/conf/default/disable_ipv6=1")...)
}

// pipe runs a command in a namespace, with text for it to read.
func pipe(n *netspace.Namespace, text, name string, args ...string) error {
	return n.Do(func() error {
		command := exec.Command(name, args...)
		command.Stdin = strings.NewReader(text)
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", command, err, output)
		}
		return nil
	})
}

// openDataplane opens a namespace's dataplane; the caller closes it.
func openDataplane(n *netspace.Namespace) (d *dataplane.Dataplane, err error) {
	err = n.Do(func() (err error) {
		d, err = dataplane.Open(slog.New(slog.DiscardHandler))
		return err
	})
	return d, err
}
