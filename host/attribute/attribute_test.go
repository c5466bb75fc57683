package attribute_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
)

func text(b []byte) string {
	s := ""
	for kind, value := range attribute.All(b) {
		s += fmt.Sprintf("%d=%q ", kind, value)
	}
	return s
}

// Messages are those that another implementation writes and reads.
func TestAgainstAnother(t *testing.T) {
	want := []netlink.Attribute{
		{Type: 1, Data: []byte{}}, {Type: 2, Data: []byte("a")}, {Type: 3 | unix.NLA_F_NESTED, Data: []byte("abcd")}, {Type: 2, Data: []byte("abcde")},
	}
	theirs, err := netlink.MarshalAttributes(want)
	if err != nil {
		t.Fatal(err)
	}
	var ours []byte
	for _, a := range want {
		ours = attribute.Append(ours, a.Type, a.Data)
	}
	if !bytes.Equal(ours, theirs) {
		t.Errorf("%x, want %x", ours, theirs)
	}
	if got, want := text(theirs), `1="" 2="a" 3="abcd" 2="abcde" `; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := attribute.Get(theirs, 2); string(got) != "a" {
		t.Errorf("%q is the first of type 2", got)
	}
	if got := attribute.Get(theirs, 4); got != nil {
		t.Errorf("%q is of type 4", got)
	}
}

func FuzzAll(f *testing.F) {
	f.Add([]byte{4, 0, 1, 0, 5, 0, 2, 0, 'x', 0, 0, 0, 3, 0, 0, 0})
	f.Add([]byte{255, 255, 1, 0})
	f.Add([]byte{5, 0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		for _, value := range attribute.All(b) {
			total += unix.NLA_HDRLEN + len(value)
		}
		if total > len(b) {
			t.Errorf("%d bytes in %d", total, len(b))
		}
	})
}
