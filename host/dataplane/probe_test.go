package dataplane

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules/nft"
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

func TestAtLeast(t *testing.T) {
	tests := map[string]bool{
		"6.1.94-99.176.amzn2023.x86_64": true,
		"5.7.0":                         true,
		"5.10.0-rc1":                    true,
		"10.0":                          true,
		"5.6.19":                        false,
		"4.19.0-27-amd64":               false,
	}
	for release, want := range tests {
		if got, err := atLeast(release, inputInPost); got != want || err != nil {
			t.Errorf("release %s: %v, error %v, want %v", release, got, err, want)
		}
	}
	_, err := atLeast("unknown", inputInPost)
	if want := `version of the kernel "unknown": accepted is a number, a period, a number`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestProbeTellsTheRelease(t *testing.T) {
	d := open(t, nstest.New(t))
	old := func() (string, error) { return "4.14.0", nil }
	features, err := d.probe(old)
	want := "not supported by this kernel: Linux 4.14.0 lacks iif in postrouting (Linux 5.7 with CONFIG_NF_TABLES): " + needKernel
	if !errors.Is(err, ErrUnsupported) || err.Error() != want {
		t.Errorf("error\n%v, want\n%s", err, want)
	}
	if features.Has(InputInPost) || !features.Has(Tables) {
		t.Errorf("features of another release\n%s", features)
	}
	unknown := func() (string, error) { return "", unix.EFAULT }
	if _, err := d.probe(unknown); err == nil || err.Error() != "version of the kernel: bad address" {
		t.Errorf("error %v", err)
	}
}

// Trying leaves no trace: no generation, nothing that others are told of.
func TestProbeChangesNothing(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	found := watch(t, n, d, triedTable)
	apply(t, d, create(ruleset()))
	before := n.Run("nft", "--handle", "list", "ruleset")
	number := generation(t, n)
	other := open(t, n)
	if got := generation(t, n); got != number {
		t.Errorf("generation %d, want %d", got, number)
	}
	if got := n.Run("nft", "--handle", "list", "ruleset"); got != before {
		t.Errorf("the rules are\n%s, want\n%s", got, before)
	}
	apply(t, other, nft.Plan{nft.AddTable{Table: triedTable}}) // comes after what the probe may have caused
	if got := next(t, found); !strings.HasPrefix(got.String(), "table added or changed, by "+self(t)) {
		t.Errorf("a probe is noticed: %s", got)
	}
}

// Chains that are tried and never made cost no connection its translation.
func TestProbeKeepsConnections(t *testing.T) {
	l := newLab(t, "eth0")
	apply(t, l.dataplane, create(ruleset("192.168.0.0/16")))
	live := l.connect(outside)
	for range 5 {
		open(t, l.node)
		live.expect(primaryAddr)
		l.connect(outside).expect(primaryAddr)
	}
}

func BenchmarkOpen(b *testing.B) {
	n := nstest.New(b)
	apply(b, open(b, n), create(intervals(1_000)))
	for b.Loop() {
		n.Do(func() {
			if err := openAndClose(); err != nil {
				b.Error(err)
			}
		})
	}
}
