package dataplane

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// read is the table that the kernel holds.
func read(t testing.TB, d *Dataplane) *nft.Table {
	t.Helper()
	held, err := d.Read(rules.TableName)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func diffTables(want, got *nft.Table) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}))
}

func TestReadNothing(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	n.Run("nft", "add table ip other")
	n.Run("nft", "add table inet snatd")
	if held := read(t, d); held != nil {
		t.Errorf("read %s", held)
	}
	n.Run("nft", "add table ip snatd")
	if diff := diffTables(&nft.Table{Name: rules.TableName}, read(t, d)); diff != "" {
		t.Error(diff)
	}
}

// What is read is what was written, by Apply and by nft.
func TestReadWhatIsWritten(t *testing.T) {
	for name, r := range listings {
		t.Run(name, func(t *testing.T) {
			applied, fromTable := nstest.New(t), nstest.New(t)
			d, e := open(t, applied), open(t, fromTable)
			apply(t, d, create(r))
			nftFile(t, fromTable, r.Table().String())
			applied.Run("nft", "add table ip other { chain prerouting { counter; }; map pods { type ipv4_addr : verdict; }; }")
			if diff := diffTables(r.Table(), read(t, d)); diff != "" {
				t.Errorf("applied:\n%s", diff)
			}
			if diff := diffTables(r.Table(), read(t, e)); diff != "" {
				t.Errorf("nft -f:\n%s", diff)
			}
		})
	}
}

// Whatever others do meanwhile, what is read is one generation, never a mix.
func TestReadOneGeneration(t *testing.T) {
	n := nstest.New(t)
	d, other := open(t, n), open(t, n)
	one, two := intervals(300), ruleset("10.0.0.0/16", "172.16.0.0/12")
	two.Network.PodInterfaces = []string{"eni*", "veth*"}
	apply(t, d, create(one))
	stop, done := make(chan bool), make(chan error)
	go func() {
		for {
			for _, r := range []*rules.Ruleset{two, one} {
				if err := other.Apply(rules.Replace(r).Ops); err != nil {
					done <- err
					return
				}
			}
			select {
			case <-stop:
				done <- nil
				return
			case <-time.After(time.Millisecond): // lets a reading through
			}
		}
	}()
	for read := 0; read < 20; {
		held, err := d.Read(rules.TableName)
		switch {
		case errors.Is(err, ErrInterrupted):
			continue
		case err != nil:
			t.Fatal(err)
		}
		if read++; diffTables(one.Table(), held) != "" && diffTables(two.Table(), held) != "" {
			t.Fatalf("neither of both:\n%s", held)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// What nft cannot do to a map of snatd's, but the kernel takes.
func TestReadStrangeElements(t *testing.T) {
	key := attribute.Append(nil, unix.NFTA_DATA_VALUE, []byte{10, 0, 0, 1})
	verdict := attribute.Append(nil, unix.NFTA_VERDICT_CODE, []byte{0, 0, 0, 1})
	data := attribute.Append(nil, unix.NFTA_DATA_VERDICT, verdict)
	plain := attribute.Append(attribute.Append(nil, unix.NFTA_SET_ELEM_KEY, key), unix.NFTA_SET_ELEM_DATA, data)
	decode := func(e []byte) nft.Element {
		return decodeElement(e).decode(netip.MustParseAddr("10.0.0.1"), false)
	}
	want := single("10.0.0.1", nft.Accept())
	if got := decode(plain); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := decode(attribute.Append(plain, unix.NFTA_SET_ELEM_USERDATA, []byte("comment"))); got != want {
		t.Errorf("with a comment: %s, want %s", got, want)
	}
	for _, kind := range []uint16{unix.NFTA_SET_ELEM_EXPR, unix.NFTA_SET_ELEM_TIMEOUT, unix.NFTA_SET_ELEM_OBJREF, elementExpressions} {
		if got := decode(attribute.Append(plain, kind, make([]byte, 8))); got == want {
			t.Errorf("with attribute %d: %s", kind, got)
		}
	}
}
