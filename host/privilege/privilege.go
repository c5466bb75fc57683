// Package privilege gives up what a process may do, for good: capabilities, files, and what
// programs that it starts could gain. What is kept the callers say.
package privilege

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Capability is one that may be kept.
type Capability = cap.Value

// Capabilities that the daemon has a use for.
const (
	NetAdmin       = cap.NET_ADMIN        // changes rules and routes, and tells of connections
	NetBindService = cap.NET_BIND_SERVICE // listens on ports below 1024
	Chown          = cap.CHOWN            // gives a file to another group
)

// Keep gives up all capabilities but these, on all threads, and may be called again to keep
// fewer. None is gained: what the process does not have is not kept. The bounding set
// becomes empty and no_new_privs is set, so that a program that is started has none,
// though it be root's.
//
// Without CAP_SETPCAP the bounding set stays as it is. Then a program that root starts has
// what is kept here.
func Keep(capabilities ...Capability) error {
	if err := keep(capabilities); err != nil {
		return fmt.Errorf("give up privileges: %w; nothing runs with more than it needs", err)
	}
	return nil
}

func keep(capabilities []Capability) error {
	now := cap.GetProc()
	if err := emptyBound(now); err != nil {
		return fmt.Errorf("bounding set: %w", err)
	}
	if _, err := cap.Prctlw(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	held, err := permitted(now, capabilities)
	if err != nil {
		return err
	}
	// The inheritable set is empty, and so the kernel empties the ambient one.
	left := cap.NewSet()
	err = errors.Join(left.SetFlag(cap.Permitted, true, held...), left.SetFlag(cap.Effective, true, held...))
	if err != nil {
		return err
	}
	if err := left.SetProc(); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	return nil
}

// emptyBound empties the bounding set, if the process may.
func emptyBound(now *cap.Set) error {
	if may, err := now.GetFlag(cap.Effective, cap.SETPCAP); err != nil || !may {
		return err
	}
	var bound []Capability
	for c := range cap.MaxBits() {
		if in, err := cap.GetBound(c); err != nil {
			return err
		} else if in {
			bound = append(bound, c)
		}
	}
	return cap.DropBound(bound...)
}

// permitted are those of the capabilities that the process has.
func permitted(now *cap.Set, capabilities []Capability) ([]Capability, error) {
	var failed error
	held := slices.DeleteFunc(slices.Clone(capabilities), func(c Capability) bool {
		has, err := now.GetFlag(cap.Permitted, c)
		failed = errors.Join(failed, err)
		return !has
	})
	return held, failed
}
