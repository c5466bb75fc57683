package dataplane

import (
	"errors"
	"fmt"
	"os"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/rules/nft"
)

// What an error of the kernel means for the caller; errors.Is finds them. "Nothing
// was applied" is said of the phase of the plan that was refused: those in front of
// it are in force. After any of them the next plan is to be made from what Read finds;
// one that replaces the whole table fits without.
var (
	// ErrOutOfStep: the kernel holds something else than the plan builds on, as
	// after another program's change.
	ErrOutOfStep = errors.New("the kernel's table is not what the plan expects")
	// ErrInDoubt: the kernel's answer was lost; the plan may be in force or not.
	ErrInDoubt = errors.New("the kernel's answer was lost")
	// ErrInterrupted: another program changed the rules meanwhile; nothing was
	// applied, or what was read is of no one moment.
	ErrInterrupted = errors.New("another program changed nftables at the same time")
	// ErrPermission: the process may not change this network namespace, or the
	// table belongs to another process. Nothing was applied.
	ErrPermission = errors.New("not permitted")
	// ErrUnsupported: the kernel lacks a feature. Nothing was applied.
	ErrUnsupported = errors.New("not supported by this kernel")
	// ErrTooLarge: the kernel does not take so much at once. Nothing was applied.
	ErrTooLarge = errors.New("too large for one transaction")
	// ErrRefused: anything else. Nothing was applied.
	ErrRefused = errors.New("refused")
)

// ApplyError says which part of a plan failed and what that means.
type ApplyError struct {
	Op   nft.Op // the first one refused; nil if it is the plan as a whole
	Kind error  // one of the Err values above
	Err  error  // what the kernel answered
}

func (e *ApplyError) Error() string {
	what := "apply a plan"
	if e.Op != nil {
		what = describe(e.Op)
	}
	return fmt.Sprintf("%s: %v: %v%s", what, e.Kind, e.Err, advice(e.Kind))
}

// Unwrap gives both the meaning and the cause.
func (e *ApplyError) Unwrap() []error { return []error{e.Kind, e.Err} }

// explain gives an error of the connection its meaning.
func explain(op nft.Op, err error) *ApplyError {
	cause := err
	answer := (*netlink.OpError)(nil)
	if errors.As(err, &answer) {
		cause = answer.Err
		if answer.Message != "" {
			cause = fmt.Errorf("%w (%s)", answer.Err, answer.Message)
		}
	}
	return &ApplyError{Op: op, Kind: kind(answer, cause), Err: cause}
}

// explainRefusal is explain for the first op that the kernel refused.
func explainRefusal(op nft.Op, err error) *ApplyError {
	refused := explain(op, err)
	// A protected table is made where there is one without protection.
	if _, table := op.(nft.AddTable); table && errors.Is(refused, ErrUnsupported) {
		refused.Kind = ErrOutOfStep
	}
	return refused
}

// kind classifies an answer. Its sequence number is zero if the kernel said
// nothing about a message, but sending or receiving failed.
func kind(answer *netlink.OpError, cause error) error {
	is := func(codes ...error) bool {
		for _, code := range codes {
			if errors.Is(cause, code) {
				return true
			}
		}
		return false
	}
	switch {
	case is(unix.EMSGSIZE, unix.ENOMEM):
		return ErrTooLarge
	case answer != nil && answer.Sequence == 0 && answer.Op == "receive", is(os.ErrDeadlineExceeded, errUnanswered):
		return ErrInDoubt
	case is(unix.ENOBUFS):
		return ErrTooLarge
	case is(unix.EEXIST, unix.ENOENT, unix.EBUSY):
		return ErrOutOfStep
	case is(unix.EINTR, unix.EAGAIN, unix.ERESTART):
		return ErrInterrupted
	case is(unix.EPERM, unix.EACCES):
		return ErrPermission
	case is(unix.EOPNOTSUPP, unix.EPROTONOSUPPORT):
		return ErrUnsupported
	}
	return ErrRefused
}

// advice is what a person can do.
func advice(kind error) string {
	switch {
	case errors.Is(kind, ErrTooLarge):
		return "; raise /proc/sys/net/core/wmem_max on the machine, or run snatd as the machine's root"
	case errors.Is(kind, ErrPermission):
		return "; " + needCapability + ", and no other process may own the table"
	case errors.Is(kind, ErrUnsupported):
		return "; " + needKernel
	}
	return ""
}

// describe names an op in a few words: its own text may list a whole map.
func describe(op nft.Op) string {
	switch op := op.(type) {
	case nft.AddElements:
		return fmt.Sprintf("add %d elements to map %s", len(op.Elements), op.Map)
	case nft.DeleteElements:
		return fmt.Sprintf("delete %d elements of map %s", len(op.Elements), op.Map)
	}
	return op.String()
}
