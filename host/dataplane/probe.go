package dataplane

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

const (
	needCapability = "snatd needs CAP_NET_ADMIN in this network namespace: run it as root or grant the capability"
	needKernel     = "snatd needs Linux 5.7 or newer with nf_tables: CONFIG_NF_TABLES, CONFIG_NF_TABLES_IPV4, CONFIG_NFT_CT, CONFIG_NFT_NAT, CONFIG_NFT_FIB_IPV4"
)

// inputInPost is the first Linux whose postrouting hook knows the interface
// that a packet came in by. Older ones take the rule, but it never matches.
var inputInPost = [2]int{5, 7}

// probe checks the permission, that nf_tables is there, and tries features, of which
// one goes by the version, which release tells in the way of "uname -r". Its errors are
// ErrPermission and ErrUnsupported, each one line that says what to do.
func (d *Dataplane) probe(release func() (string, error)) (Features, error) {
	if _, err := d.socket.fence(); err != nil {
		return Features{}, explainProbe(err)
	}
	if _, err := d.conn.ListTablesOfFamily(nftables.TableFamilyIPv4); err != nil {
		return Features{}, explainProbe(err)
	}
	text, err := release()
	if err != nil {
		return Features{}, fmt.Errorf("version of the kernel: %w", err)
	}
	after57, err := atLeast(text, inputInPost)
	if err != nil {
		return Features{}, err
	}
	found, err := d.try(trials())
	if err != nil {
		return Features{}, explainProbe(err)
	}
	found = append(found, Feature{Name: InputInPost, Needed: true, Minimum: "5.7", Module: "CONFIG_NF_TABLES", Found: after57})
	features := Features{Release: text, List: found}
	return features, features.missing()
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

// atLeast compares a release, "6.1.94-99.176.amzn2023.x86_64" for example.
func atLeast(release string, minimum [2]int) (bool, error) {
	var found [2]int
	if _, err := fmt.Sscanf(release, "%d.%d", &found[0], &found[1]); err != nil {
		return false, fmt.Errorf("version of the kernel %q: accepted is a number, a period, a number", release)
	}
	return slices.Compare(found[:], minimum[:]) >= 0, nil
}

func kernelRelease() (string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(name.Release[:]), nil
}
