package test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// The tests whose names begin with TestFire change what a node decides, and end
// the daemon that does it, while its pods open new flows as fast as they can, and
// hold every flow against the oracle.
const (
	// fireVariable set to "full" makes them as large as what the project promises,
	// which takes many minutes.
	fireVariable = "SNATD_TEST_FIRE"
	// seedVariable repeats a run: tests log their seeds.
	seedVariable = "SNATD_TEST_SEED"
)

// fireSize is how much a test does.
func fireSize(few, full int) int {
	if os.Getenv(fireVariable) == "full" {
		return full
	}
	return few
}

// fireRandom is another one in each run, unless the environment names a seed.
func fireRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	repeat := fmt.Sprintf("%s=%d", seedVariable, seed)
	if mode := os.Getenv(fireVariable); mode != "" {
		repeat += " " + fireVariable + "=" + mode
	}
	t.Logf("to see this again: %s go test ./test -run '^%s$'", repeat, t.Name())
	return rand.New(rand.NewPCG(seed, 0))
}
