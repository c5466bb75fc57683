package author_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/snatd/snatd/host/author"
)

func TestBench(t *testing.T) {
	wasm := excludes(false)
	report, err := author.Bench(t.Context(), options(t, wasm, ""), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if report.Compile <= 0 || report.Start <= 0 || report.ColdPass <= 0 || report.MemoisedPass <= 0 {
		t.Errorf("something took no time: %+v", report)
	}
	for _, k := range report.Kinds {
		if k.Cold <= 0 || k.Memoised <= 0 {
			t.Errorf("never decided: %+v", k)
		}
	}
	// The module tells pods apart by their namespaces.
	want := []author.Kind{
		{Subject: "default/web-1", Subjects: 2, Reads: 1, Entries: 1},
		{Subject: "payments/api-1", Subjects: 2, Reads: 1, Entries: 1},
		{Subject: "node", Subjects: 1, Reads: 1, Entries: 1},
	}
	if diff := cmp.Diff(want, report.Kinds, cmpopts.IgnoreFields(author.Kind{}, "Cold", "Memoised")); diff != "" {
		t.Errorf("kinds: -want +got:\n%s", diff)
	}
	if report.Subjects != 5 || report.Evaluations != 3 || report.SHA256 != digest(wasm) {
		t.Errorf("%+v", report)
	}
}

func TestBenchErrors(t *testing.T) {
	_, err := author.Bench(t.Context(), options(t, excludes(true), ""), time.Millisecond)
	if want := "module mine.wasm: for node: trap: unreachable in $3"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, err = author.Bench(t.Context(), options(t, excludes(false), ""), 0)
	if want := "--duration: 0s, accepted: more than 0s, such as 2s"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
