package main

import (
	"testing"

	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/tck/sample"
)

// TestRandomSets: the sets are such that every way of the sample is taken often.
func TestRandomSets(t *testing.T) {
	r := random(1)
	ways := map[string]int{}
	partners := ""
	for i := range randomSets {
		if i%setsPerConfig == 0 {
			partners = r.partners()
		}
		facts := sdk.Map(r.facts())
		facts["config.partners"] = partners
		if err := sample.Validate(sdk.Facts{Source: sdk.Map{"config.partners": partners}}); err != nil {
			t.Fatalf("%q: %v", partners, err)
		}
		decision, err := sdk.Run(sample.Decide, facts)
		switch {
		case err != nil:
			ways["failed"]++
		case len(decision.Entries()) == 0:
			ways["no opinion"]++
		case decision.Entries()[len(decision.Entries())-1].Translate:
			ways["node"]++
		default:
			ways["own"]++
		}
	}
	for _, way := range []string{"failed", "no opinion", "node", "own"} {
		if ways[way] < randomSets/20 {
			t.Errorf("%s: only %d of %d sets", way, ways[way], randomSets)
		}
	}
}

// TestMistypedConfigs: some are refused, and some are right after all.
func TestMistypedConfigs(t *testing.T) {
	r := random(1)
	right := 0
	for range randomConfigs {
		if sample.Validate(sdk.Facts{Source: sdk.Map{"config.partners": r.mistyped()}}) == nil {
			right++
		}
	}
	if right < randomConfigs/10 || right > randomConfigs*9/10 {
		t.Errorf("%d of %d are right", right, randomConfigs)
	}
}

// SplitMix64 as others have it.
func TestRandom(t *testing.T) {
	r := random(0)
	if got, want := r.below(1<<31), int(uint64(0xe220a8397b1dcdaf)%(1<<31)); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}
