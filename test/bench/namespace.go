package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"time"

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

// onNewNode measures with the dataplane of a namespace that is made for it.
func onNewNode(measure func(*dataplane.Dataplane) (float64, error)) (took float64, err error) {
	n, err := newNamespace("node")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	d, err := openDataplane(n)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return measure(d)
}

// timed returns the time in ns that f takes.
func timed(f func() error) (float64, error) {
	start := time.Now()
	err := f()
	return float64(time.Since(start)), err
}
