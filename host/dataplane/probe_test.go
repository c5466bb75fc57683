package dataplane

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/nstest"
)

// openAndClose asks whether the kernel lets snatd work in the network namespace of
// the calling thread.
func openAndClose() error {
	d, err := Open(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return d.Close()
}

func TestProbe(t *testing.T) {
	nstest.New(t).Do(func() {
		if err := openAndClose(); err != nil {
			t.Error(err)
		}
	})
}

func TestProbeWithoutCapability(t *testing.T) {
	n := nstest.New(t)
	failed := make(chan error)
	go func() {
		// Never unlocked: the thread, which has lost a capability, ends here.
		runtime.LockOSThread()
		n.Do(func() {
			if err := dropNetAdmin(); err != nil {
				failed <- err
				return
			}
			failed <- openAndClose()
		})
	}()
	err := <-failed
	want := "not permitted: snatd needs CAP_NET_ADMIN in this network namespace: run it as root or grant the capability"
	if !errors.Is(err, ErrPermission) || err.Error() != want {
		t.Errorf("error\n%v, want\n%s", err, want)
	}
}

// The capability can also go while snatd runs.
func TestApplyWithoutCapability(t *testing.T) {
	d := open(t, nstest.New(t))
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := dropNetAdmin(); err != nil {
			failed <- err
			return
		}
		failed <- d.Apply(create(ruleset()))
	}()
	if err := <-failed; !errors.Is(err, ErrPermission) || !errors.Is(err, unix.EPERM) {
		t.Errorf("error %v, want %v", err, ErrPermission)
	}
	apply(t, d, create(ruleset()))
}

// dropNetAdmin takes CAP_NET_ADMIN from the calling thread, for good.
func dropNetAdmin() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	data[0].Effective &^= 1 << unix.CAP_NET_ADMIN
	data[0].Permitted &^= 1 << unix.CAP_NET_ADMIN
	data[0].Inheritable &^= 1 << unix.CAP_NET_ADMIN
	return unix.Capset(&header, &data[0])
}

func TestExplainProbe(t *testing.T) {
	const noTables = "not supported by this kernel: no nf_tables: snatd needs Linux 5.7 or newer with nf_tables: " +
		"CONFIG_NF_TABLES, CONFIG_NF_TABLES_IPV4, CONFIG_NFT_CT, CONFIG_NFT_NAT, CONFIG_NFT_FIB_IPV4"
	tests := map[unix.Errno]string{
		unix.EPROTONOSUPPORT: noTables, // no netfilter netlink
		unix.EINVAL:          noTables, // no nf_tables, asked for its tables
		unix.EOPNOTSUPP:      noTables, // no nf_tables, sent a transaction
		unix.EPERM:           "not permitted: " + needCapability,
		unix.EMFILE:          "connect to nftables: netlink receive: too many open files",
	}
	for code, want := range tests {
		if got := explainProbe(&netlink.OpError{Op: "receive", Err: code}); got.Error() != want {
			t.Errorf("error\n%v, want\n%s", got, want)
		}
	}
}

func TestCheckRelease(t *testing.T) {
	tests := map[string]string{
		"6.1.94-99.176.amzn2023.x86_64": "",
		"5.7.0":                         "",
		"5.10.0-rc1":                    "",
		"10.0":                          "",
		"5.6.19":                        "not supported by this kernel: Linux 5.6.19: " + needKernel,
		"4.19.0-27-amd64":               "not supported by this kernel: Linux 4.19.0-27-amd64: " + needKernel,
		"unknown":                       `version of the kernel "unknown": accepted is a number, a period, a number`,
	}
	for release, want := range tests {
		got := ""
		if err := checkRelease(release); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("release %s: error %q, want %q", release, got, want)
		}
	}
}

func TestProbeTellsTheRelease(t *testing.T) {
	d := open(t, nstest.New(t))
	old := func() (string, error) { return "4.14.0", nil }
	if err := d.probe(old); !errors.Is(err, ErrUnsupported) {
		t.Errorf("error %v, want %v", err, ErrUnsupported)
	}
	unknown := func() (string, error) { return "", unix.EFAULT }
	if err := d.probe(unknown); err == nil || err.Error() != "version of the kernel: bad address" {
		t.Errorf("error %v", err)
	}
}
