package dataplane

import (
	"errors"
	"os"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// What the kernel and the socket can answer, and what the caller is told.
func TestExplain(t *testing.T) {
	answer := func(err error) error { return &netlink.OpError{Op: "receive", Err: err, Sequence: 7} }
	sending := func(err error) error { return &netlink.OpError{Op: "send-messages", Err: err} }
	receiving := func(err error) error { return &netlink.OpError{Op: "receive", Err: err} }
	tests := []struct {
		err  error
		kind error
		want string
	}{
		{answer(unix.EEXIST), ErrOutOfStep, "apply a plan: the kernel's table is not what the plan expects: file exists"},
		{answer(unix.EINTR), ErrInterrupted, "apply a plan: another program changed nftables at the same time: interrupted system call"},
		{answer(unix.ERESTART), ErrInterrupted, "apply a plan: another program changed nftables at the same time: interrupted system call should be restarted"},
		{answer(unix.EPERM), ErrPermission, "apply a plan: not permitted: operation not permitted; " + needCapability + ", and no other process may own the table"},
		{answer(unix.EOPNOTSUPP), ErrUnsupported, "apply a plan: not supported by this kernel: operation not supported; " + needKernel},
		{answer(unix.ENOMEM), ErrTooLarge, "apply a plan: too large for one transaction: cannot allocate memory" + advice(ErrTooLarge)},
		{answer(unix.EINVAL), ErrRefused, "apply a plan: refused: invalid argument"},
		{errors.Join(answer(unix.ENOENT), answer(unix.EINVAL)), ErrOutOfStep, "apply a plan: the kernel's table is not what the plan expects: no such file or directory"},
		{errors.Join(answer(unix.ENOMEM), receiving(os.ErrDeadlineExceeded)), ErrTooLarge, "apply a plan: too large for one transaction: cannot allocate memory" + advice(ErrTooLarge)},
		{&netlink.OpError{Op: "receive", Err: unix.EINVAL, Sequence: 7, Message: "too few"}, ErrRefused, "apply a plan: refused: invalid argument (too few)"},
		{sending(unix.EMSGSIZE), ErrTooLarge, "apply a plan: too large for one transaction: message too long" + advice(ErrTooLarge)},
		{sending(unix.ENOBUFS), ErrTooLarge, "apply a plan: too large for one transaction: no buffer space available" + advice(ErrTooLarge)},
		{receiving(unix.ENOBUFS), ErrInDoubt, "apply a plan: the kernel's answer was lost: no buffer space available"},
		{receiving(os.ErrDeadlineExceeded), ErrInDoubt, "apply a plan: the kernel's answer was lost: i/o timeout"},
	}
	for _, test := range tests {
		got := explain(nil, test.err)
		if !errors.Is(got, test.kind) || got.Error() != test.want {
			t.Errorf("%v: error\n%v, want\n%s", test.err, got, test.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	const table = rules.TableName
	elements := []nft.Element{single("10.0.0.1", nft.Accept()), single("10.0.0.2", nft.Accept())}
	tests := map[string]nft.Op{
		"add 2 elements to map pods":    nft.AddElements{Table: table, Map: "pods", Elements: elements},
		"delete 2 elements of map pods": nft.DeleteElements{Table: table, Map: "pods", Elements: elements},
		"add table ip snatd":            nft.AddTable{Table: table},
		"add chain ip snatd restore":    nft.AddChain{Table: table, Name: "restore"},
		"add rule ip snatd restore accept": nft.AddRule{
			Table: table, Chain: "restore", Rule: nft.Rule{nft.Accept()},
		},
	}
	for want, op := range tests {
		if got := describe(op); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
