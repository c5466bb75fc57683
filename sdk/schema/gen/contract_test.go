package main

import (
	"testing"

	"github.com/snatd/snatd/sdk/abi"
)

func TestBadComments(t *testing.T) {
	for _, test := range []struct{ doc, err string }{
		{"Log writes a line.", "the comment of Log is not `Log does something: (a, b) -> result.`"},
		{"Log writes a line: (level, msg).", `the comment gives it 2 parameters and the result "", the table 3 and 0`},
		{"Log writes a line: (level, msg, msg_len) -> status.", `the comment gives it 3 parameters and the result "status", the table 3 and 0`},
	} {
		_, err := describe(abi.Function{Name: abi.Log, Params: 3}, []value{{"Log", abi.Log, test.doc}})
		if err == nil || err.Error() != test.err {
			t.Errorf("%s\ngot  %v\nwant %s", test.doc, err, test.err)
		}
	}
	if _, err := describe(abi.Function{Name: "new"}, nil); err == nil {
		t.Error("a function without a constant is accepted")
	}
}

func TestReplacePart(t *testing.T) {
	content := []byte("a\n# begin x: generated\nold\n# end x #\nb\n")
	got, err := replacePart(content, "x", []byte("new\n"))
	if want := "a\n# begin x: generated\nnew\n# end x #\nb\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := replacePart(content, "y", nil); err == nil {
		t.Error("a part without marks is accepted")
	}
}
