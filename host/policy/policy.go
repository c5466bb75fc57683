// Package policy runs policies: WebAssembly modules of the ABI snat_v1 in
// wazero, and policies that are linked natively. A policy reads facts about a
// subject and answers with a decision; every read is recorded, which is what
// lets Memoize share decisions between subjects.
//
// It is the only importer of wazero. Where modules come from (host/dropin),
// where facts come from (host/facts) and what becomes of decisions (rules) is
// not known here.
package policy

import (
	"context"
	"net/netip"
	"time"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
)

// Policy decides for subjects, one at a time.
type Policy interface {
	// Name is the module's name in decisions and errors.
	Name() string
	// Decide evaluates the policy on the facts about one subject. Facts must
	// not change meanwhile. An error is an *Error if the policy is to blame;
	// otherwise it wraps the one of ctx.
	Decide(ctx context.Context, facts sdk.Source) (Evaluation, error)
	// Close releases what the policy holds; a second Close does nothing.
	Close(ctx context.Context) error
}

// Evaluation is a policy's answer for one subject. It may be shared between
// subjects: do not change it.
type Evaluation struct {
	// Decision passed rules.Decision.Check. Without entries the policy has no
	// opinion.
	Decision rules.Decision
	// Reads are what the decision is a function of, in the order of the first
	// read of each. Memoize leaves them out where they take too much memory.
	Reads []Read
	// Forgotten says that Reads were left out for that.
	Forgotten bool
	// Kept says that a Set gives it again in place of one that failed.
	Kept bool
	// Provisional says that a stand-in decided: the evaluation is as good, but
	// the policy itself should be asked when it can be.
	Provisional bool
}

// Read is one fact that a policy asked for, or one list of keys.
type Read struct {
	// Key is the fact's key, or the prefix of the listed keys.
	Key string `json:"key"`
	// Value is the fact's value, or the sorted keys, each ended by a NUL.
	Value string `json:"value"`
	// Found is false for a fact that does not exist; a list always does.
	Found bool `json:"found"`
	// Listing tells a list of keys from a fact.
	Listing bool `json:"listing,omitempty"`
}

// Grants are what an operator allows a policy beyond excluding; the zero Grants
// allow nothing more.
type Grants struct {
	// Translate allows translation to the node's primary address.
	Translate bool
	// Sources are other addresses that it may translate to, as long as the
	// primary interface holds them.
	Sources []netip.Addr
	// Deadline is how long decide or validate may run; zero is the engine's.
	Deadline time.Duration
}
