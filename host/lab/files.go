package lab

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Files is a directory that is empty at the start, in memory, and seen by this
// process and those that it starts only. It is where a daemon's socket goes by
// default.
const Files = "/run"

// privateFiles mounts Files. It must run in a mount namespace of this process.
func privateFiles() error {
	// Else the mount would appear in the machine's own namespace too.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("snatd-lab", Files, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("mount a tmpfs on %s: %w", Files, err)
	}
	return nil
}
