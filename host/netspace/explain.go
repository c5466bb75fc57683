package netspace

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Explain adds to an error of making namespaces, or of using them, what on this
// machine may forbid it.
func Explain(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		return fmt.Errorf("%w: no more namespaces: look at the sysctls user.max_user_namespaces, "+
			"user.max_net_namespaces and user.max_mnt_namespaces, or run as root", err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: this machine forbids user namespaces: look at the sysctls "+
			"kernel.unprivileged_userns_clone (must be 1 if it exists), user.max_user_namespaces (must not be 0) and "+
			"kernel.apparmor_restrict_unprivileged_userns (must be 0 if it exists), or run as root", err)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return fmt.Errorf("%w: this kernel has no user or network namespaces, or runs without them", err)
	}
	return err
}
