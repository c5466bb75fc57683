package policy

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

// decided is a module that has decided nothing.
func decided() []byte {
	m := wasmtest.New()
	m.Func(abi.Decide, wasmtest.Sig(0, 1), wasmtest.Const(0))
	return m.Bytes()
}

func TestMetadata(t *testing.T) {
	plain := decided()
	if m, err := ReadMetadata(plain); m != nil || err != nil {
		t.Errorf("a module without metadata has %v, %v", m, err)
	}
	first := Metadata{Name: "partners", Version: "1.2.0", Author: "Net <net@example.com>", ABI: abi.Module, Facts: []string{"config.*"}}
	second := Metadata{Name: "others", ABI: "snat_v2"}
	wasm := plain
	for _, want := range []Metadata{first, second, first} {
		var err error
		if wasm, err = Annotate(wasm, want); err != nil {
			t.Fatal(err)
		}
		got, err := ReadMetadata(wasm)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("read %+v, %v; want %+v", got, err, want)
		}
		if !bytes.HasPrefix(wasm, plain) {
			t.Error("the rest of the module is another")
		}
	}
	if n := bytes.Count(wasm, []byte(abi.MetadataSection)); n != 1 || !bytes.Contains(wasm, []byte("<net@example.com>")) {
		t.Errorf("%d sections in %q", n, wasm[len(plain):])
	}
	if got := first.String() + "; " + second.String(); got != "partners 1.2.0; others" {
		t.Error(got)
	}
}

// A module runs as before with metadata, good or bad.
func TestMetadataIsNotRun(t *testing.T) {
	annotated, err := Annotate(decided(), Metadata{Name: "a", ABI: abi.Module})
	if err != nil {
		t.Fatal(err)
	}
	for _, wasm := range [][]byte{annotated, withSection(decided(), "not JSON")} {
		if _, err := bound(wasm); err != nil {
			t.Error(err)
		}
	}
}

func withSection(wasm []byte, content string) []byte {
	return append(append(bytes.Clone(wasm), sectionCustom), sized(append(sized([]byte(abi.MetadataSection)), content...))...)
}

func TestBadMetadata(t *testing.T) {
	twice := withSection(withSection(decided(), `{"name":"a","abi":"snat_v1"}`), `{"name":"b","abi":"snat_v1"}`)
	for want, wasm := range map[string][]byte{
		"not WebAssembly, it begins with":                                                  []byte("text"),
		"the module is malformed":                                                          append(decided(), 0, 9),
		"2 sections snatd.policy; accepted: one":                                           twice,
		"section snatd.policy: not the JSON of metadata: ":                                 withSection(decided(), "{"),
		`section snatd.policy: name: ""; accepted: a letter or digit`:                      withSection(decided(), "{}"),
		`section snatd.policy: author: "a\x1bb"; accepted: at most 128 bytes`:              withSection(decided(), `{"name":"a","abi":"snat_v1","author":"a\u001bb"}`),
		"section snatd.policy: 16385 bytes; accepted: at most 16384":                       withSection(decided(), strings.Repeat(" ", maxMetadata+1)),
		`section snatd.policy: abi: "1"; accepted: the name of an ABI, such as snat_v1`:    withSection(decided(), `{"name":"a","abi":"1"}`),
		`section snatd.policy: facts: ""; accepted: a key of a fact, in which * stands fo`: withSection(decided(), `{"name":"a","abi":"snat_v1","facts":[""]}`),
	} {
		if m, err := ReadMetadata(wasm); m != nil || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("read %v, %v; want %s", m, err, want)
		}
	}
	for want, m := range map[string]Metadata{
		`name: "a b"; accepted: a letter or digit, then at most 63 letters, digits and . _ + -`: {Name: "a b", ABI: abi.Module},
		`version: "\n"; accepted: a letter or digit`:                                            {Name: "a", Version: "\n", ABI: abi.Module},
		"facts: 257 globs; accepted: at most 256":                                               {Name: "a", ABI: abi.Module, Facts: make([]string, 257)},
	} {
		if wasm, err := Annotate(decided(), m); wasm != nil || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("annotated: %v; want %s", err, want)
		}
	}
}

func TestDeclares(t *testing.T) {
	for _, c := range []struct {
		glob    string
		key     string
		listing bool
		want    bool
	}{
		{"vpc.cidrs", "vpc.cidrs", false, true},
		{"vpc.cidrs", "vpc_cidrs", false, false},
		{"vpc.cidrs", "vpc.cidrs.x", false, false},
		{"pod.label.*", "pod.label.example.com/egress", false, true},
		{"pod.label.*", "pod.label.", false, true},
		{"pod.label.*", "pod.labels", false, false},
		{"pod.*.egress", "pod.label.egress", false, true},
		{"pod.label.*", "pod.label.", true, true},
		{"pod.label.a*", "pod.label.", true, false},
		{"pod.label.a", "pod.label.a", true, false},
		{"*", "", true, true},
		{"config.a", "config.", true, false},
	} {
		if got := (Metadata{Facts: []string{"x", c.glob}}).Declares(Read{Key: c.key, Listing: c.listing}); got != c.want {
			t.Errorf("%s declares %s (listing %v): %v", c.glob, c.key, c.listing, got)
		}
	}
}

// FuzzMetadata: whatever a file holds, its metadata can be read and written, or that is an
// error; what was written is read.
func FuzzMetadata(f *testing.F) {
	plain := decided()
	f.Add(plain)
	f.Add(withSection(plain, `{"name":"a","version":"1","author":"me","abi":"snat_v1","facts":["config.*"]}`))
	f.Add(withSection(plain, `{"name":"a","abi":"snat_v1","facts":[]}`))
	f.Add(withSection(withSection(plain, "{}"), "["))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		m, err := ReadMetadata(wasm)
		if m == nil {
			m = &Metadata{Name: "a", ABI: abi.Module}
		}
		annotated, writeErr := Annotate(wasm, *m)
		if writeErr != nil {
			if err == nil {
				t.Errorf("read, and not written: %v", writeErr)
			}
			return
		}
		if again, err := ReadMetadata(annotated); err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("wrote %+v, read %+v, %v", m, again, err)
		}
	})
}
