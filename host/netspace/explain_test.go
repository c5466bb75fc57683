package netspace

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExplain(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{unix.EPERM, "operation not permitted: this machine forbids user namespaces: look at the sysctls " +
			"kernel.unprivileged_userns_clone (must be 1 if it exists), user.max_user_namespaces (must not be 0) and " +
			"kernel.apparmor_restrict_unprivileged_userns (must be 0 if it exists), or run as root"},
		{unix.ENOSPC, "no space left on device: no more namespaces: look at the sysctls user.max_user_namespaces, " +
			"user.max_net_namespaces and user.max_mnt_namespaces, or run as root"},
		{unix.EINVAL, "invalid argument: this kernel has no user or network namespaces, or runs without them"},
		{unix.ENOENT, "no such file or directory"},
	} {
		if got := Explain(test.err); got.Error() != test.want || !errors.Is(got, test.err) {
			t.Errorf("got %q\nwant %q", got, test.want)
		}
	}
}
