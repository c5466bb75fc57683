// Package fresh holds files that are made from other files, and committed, against what
// would be made now. It is for tests alone; what is made, and from what, does not live here.
package fresh

import (
	"flag"
	"os"
	"testing"
)

var write = flag.Bool("write", false, "write what is made from other files instead of comparing it")

// Check compares a file with what it has to be, or writes that if the test has the flag
// -write. The command is what makes it anew, as it is told where the file differs.
func Check(t *testing.T, path, want, command string) {
	t.Helper()
	if *write {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what it is made from: run %s", path, command)
	}
}
