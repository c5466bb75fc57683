package policy

import (
	"testing"

	"github.com/snatd/snatd/sdk"
)

func TestDecide(t *testing.T) {
	facts := sdk.Map{"pod.label.example.com/egress": "own-address", "config.partners": "10.20.0.0/16"}
	decision, err := sdk.Run(Decide, facts)
	if err != nil || len(decision.Entries()) != 1 || decision.Entries()[0].Prefix.String() != "10.20.0.0/16" {
		t.Error(decision.Entries(), err)
	}
}
