package link

import (
	"errors"
	"testing"

	"github.com/vishvananda/netlink"
)

// Interrupted dumps are repeated, but not for ever; other errors are final.
func TestComplete(t *testing.T) {
	broken := errors.New("broken")
	interrupted := netlink.ErrDumpInterrupted
	for _, test := range []struct {
		answers []error
		want    error
		dumps   int
	}{
		{[]error{nil}, nil, 1},
		{[]error{interrupted, interrupted, nil}, nil, 3},
		{[]error{interrupted, broken, nil}, broken, 2},
		{[]error{interrupted, interrupted, interrupted, interrupted, interrupted, nil}, interrupted, 5},
	} {
		dumps := 0
		got, err := complete(func() (int, error) {
			dumps++
			return dumps, test.answers[dumps-1]
		})
		if got != test.dumps || !errors.Is(err, test.want) {
			t.Errorf("%v: dump %d, error %v, want %d, %v", test.answers, got, err, test.dumps, test.want)
		}
	}
}
