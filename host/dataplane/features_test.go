package dataplane

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules/nft"
)

// The kernel that tests run on has all that is needed; protection it may lack.
func TestFeatures(t *testing.T) {
	d := open(t, nstest.New(t))
	t.Logf("\n%s", d.Features())
	for _, name := range []string{Tables, Translation, IntervalMaps, ConnectionState, LocalAddresses, InputInPost, Counting} {
		if !d.Features().Has(name) {
			t.Errorf("%s is not found", name)
		}
	}
	if d.Features().Has("something else") {
		t.Error("a feature that does not exist is found")
	}
}

// What a kernel lacks is named, and hides nothing of what it has.
func TestMissingFeature(t *testing.T) {
	d := open(t, nstest.New(t))
	all := trials()
	lack := func(name string, op nft.Op) {
		for i := range all {
			if all[i].feature.Name == name {
				all[i].plan = nft.Plan{op}
			}
		}
	}
	gone := nft.DeleteChain{Table: triedTable, Name: "gone"} // the answer to what a kernel does not know
	lack(LocalAddresses, gone)
	lack(Protecting, gone)
	found, err := d.try(all)
	if err != nil {
		t.Fatal(err)
	}
	features := Features{Release: "5.10.1", List: found}
	for _, f := range found {
		lacking := f.Name == LocalAddresses || f.Name == Protecting
		if f.Found == lacking || (f.Answer == "no such file or directory") != lacking {
			t.Errorf("%+v", f)
		}
	}
	want := "not supported by this kernel: Linux 5.10.1 lacks fib address type (Linux 4.10 with CONFIG_NFT_FIB_IPV4): " + needKernel
	if err := features.missing(); !errors.Is(err, ErrUnsupported) || err.Error() != want {
		t.Errorf("error\n%v, want\n%s", err, want)
	}
	text := `Linux 5.10.1
  nf_tables                      found, since Linux 3.13
  address translation            found, since Linux 3.13
  interval maps                  found, since Linux 3.13
  ct status and mark             found, since Linux 3.14
  fib address type               missing, needed: Linux 4.10 with CONFIG_NFT_FIB_IPV4
  named counters                 found, since Linux 4.10
  tables with owner and persist  missing, not needed: Linux 6.9 with CONFIG_NF_TABLES
`
	if diff := cmp.Diff(text, features.String()); diff != "" {
		t.Error(diff)
	}
}
