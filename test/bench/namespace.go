package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"github.com/snatd/snatd/host/dataplane"
)

// namespace is a network namespace without a name: it is gone when it is
// closed or this process has ended.
type namespace struct {
	handle netns.NsHandle
	// netlink is the kernel's view of its interfaces, routes and connections.
	netlink *netlink.Handle
}

// newNamespace makes a namespace that sends nothing by itself. It forwards
// packets if forwarding is true.
func newNamespace(forwarding bool) (*namespace, error) {
	runtime.LockOSThread()
	outside, err := netns.Get()
	if err != nil {
		return nil, fmt.Errorf("own network namespace: %w", err)
	}
	defer func() { _ = outside.Close() }()
	made, err := netns.New()
	if err != nil {
		return nil, fmt.Errorf("new network namespace: %w", err)
	}
	n := &namespace{handle: made}
	if n.netlink, err = netlink.NewHandleAt(made); err == nil {
		err = setSysctls(forwarding)
	}
	if back := netns.Set(outside); back != nil {
		// The thread stays locked, and ends with its goroutine.
		return nil, errors.Join(fmt.Errorf("leave network namespace: %w", back), n.close())
	}
	runtime.UnlockOSThread()
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// setSysctls sets up the namespace of the calling thread. New interfaces begin
// with "default". Where rp_filter is on, the sink would look for a route back.
func setSysctls(forwarding bool) error {
	settings := map[string]string{
		"ipv4/conf/all/rp_filter":        "0",
		"ipv4/conf/default/rp_filter":    "0",
		"ipv4/ip_forward":                "0",
		"ipv6/conf/all/disable_ipv6":     "1", // else it announces itself, and is counted
		"ipv6/conf/default/disable_ipv6": "1",
	}
	if forwarding {
		settings["ipv4/ip_forward"] = "1"
	}
	for key, value := range settings {
		err := os.WriteFile("/proc/sys/net/"+key, []byte(value), 0)
		absent := strings.HasPrefix(key, "ipv6/") && errors.Is(err, fs.ErrNotExist) // no IPv6 at all
		if err != nil && !absent {
			return fmt.Errorf("set sysctl: %w", err)
		}
	}
	return nil
}

// do calls f on a thread in the namespace. Sockets that f opens and commands
// that it starts stay there.
func (n *namespace) do(f func() error) (err error) {
	runtime.LockOSThread()
	outside, err := netns.Get()
	if err != nil {
		return fmt.Errorf("own network namespace: %w", err)
	}
	defer func() { _ = outside.Close() }()
	if err := netns.Set(n.handle); err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	err = f()
	if back := netns.Set(outside); back != nil {
		return errors.Join(err, fmt.Errorf("leave network namespace: %w", back))
	}
	runtime.UnlockOSThread()
	return err
}

// pipe runs a command in the namespace, with text for it to read.
func (n *namespace) pipe(text, name string, args ...string) error {
	return n.do(func() error {
		command := exec.Command(name, args...)
		command.Stdin = strings.NewReader(text)
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", command, err, output)
		}
		return nil
	})
}

// dataplane opens the namespace's dataplane; the caller closes it.
func (n *namespace) dataplane() (d *dataplane.Dataplane, err error) {
	err = n.do(func() (err error) {
		d, err = dataplane.Open(slog.New(slog.DiscardHandler))
		return err
	})
	return d, err
}

func (n *namespace) close() error {
	if n.netlink != nil {
		n.netlink.Close()
	}
	return n.handle.Close()
}
