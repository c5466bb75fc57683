package dataplane

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

const (
	needCapability = "snatd needs CAP_NET_ADMIN in this network namespace: run it as root or grant the capability"
	needKernel     = "snatd needs Linux 5.7 or newer with nf_tables: CONFIG_NF_TABLES, CONFIG_NF_TABLES_IPV4, CONFIG_NFT_CT, CONFIG_NFT_NAT, CONFIG_NFT_FIB_IPV4"
)

// minimumRelease is the first Linux whose postrouting hook knows the interface
// that a packet came in by. Older ones take the rule, but it never matches.
var minimumRelease = [2]int{5, 7}

// probe checks the permission, that nf_tables is there, and the version, which
// release tells in the way of "uname -r". Its errors are ErrPermission and
// ErrUnsupported, each one line that says what to do.
func (d *Dataplane) probe(release func() (string, error)) error {
	if _, err := d.socket.fence(); err != nil {
		return explainProbe(err)
	}
	if _, err := d.conn.ListTablesOfFamily(nftables.TableFamilyIPv4); err != nil {
		return explainProbe(err)
	}
	text, err := release()
	if err != nil {
		return fmt.Errorf("version of the kernel: %w", err)
	}
	return checkRelease(text)
}

// explainProbe says in one line what an error of the first steps means.
func explainProbe(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: %s", ErrPermission, needCapability)
	// What a kernel answers that has no netfilter netlink, or no nf_tables in it.
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%w: no nf_tables: %s", ErrUnsupported, needKernel)
	}
	return fmt.Errorf("connect to nftables: %w", err)
}

// checkRelease compares a release, "6.1.94-99.176.amzn2023.x86_64" for example.
func checkRelease(release string) error {
	var found [2]int
	if _, err := fmt.Sscanf(release, "%d.%d", &found[0], &found[1]); err != nil {
		return fmt.Errorf("version of the kernel %q: accepted is a number, a period, a number", release)
	}
	if found[0] < minimumRelease[0] || found[0] == minimumRelease[0] && found[1] < minimumRelease[1] {
		return fmt.Errorf("%w: Linux %s: %s", ErrUnsupported, release, needKernel)
	}
	return nil
}

func kernelRelease() (string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(name.Release[:]), nil
}
