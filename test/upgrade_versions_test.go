package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// earlierVersion is a version of snatd from this repository's history.
type earlierVersion struct {
	// commit is what make older builds: it finds the commits here.
	commit string
	// what tells it from the others.
	what string
	// alike says that its table is made as today's is, so that an upgrade changes nothing.
	alike bool
	// history says that it keeps one, and guard that it has one.
	history, guard bool
}

// earlierVersions are those that an upgrade begins with. Another is added when a release
// keeps something in another way.
var earlierVersions = []earlierVersion{
	{"03a5de690ab2d62d8ab2ea2b91925666f47d8780", "the last one before packaging", true, true, true},
	{"c6173efed73b939b7a8ec91ee3dce610678c25d1", "node ports are marked in both directions; it knows neither history nor guard", false, false, false},
}

// forEarlier runs a test with each version's binary. Where a clone has no history the test
// is one of restarts, and says so.
func forEarlier(t *testing.T, test func(t *testing.T, old earlierVersion, program string)) {
	t.Helper()
	kept, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, old := range earlierVersions {
		t.Run(old.commit[:7], func(t *testing.T) {
			program := filepath.Join(kept, "snatd", "older-"+old.commit)
			if _, err := os.Stat(program); err != nil {
				if exec.Command("git", "cat-file", "-e", old.commit+"^{commit}").Run() == nil {
					t.Fatalf("%v: run make older first", err)
				}
				t.Logf("the commit %s is not in this clone: today's version stands in for it", old.commit)
				program, old.alike = binary(t), true
			}
			test(t, old, program)
		})
	}
}
