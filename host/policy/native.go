package policy

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/snatd/snatd/sdk"
)

// native is a policy that is linked into the daemon.
type native struct {
	name   string
	policy sdk.Policy
	grants Grants
	lines  *lines
}

// Native makes a policy of one that is linked into the daemon: the fallback
// where WebAssembly does not run. It is recorded, limited and granted like a
// module, has no configuration, and is trusted to return. Log takes its log
// lines; nil discards them.
func Native(name string, policy sdk.Policy, grants Grants, log *slog.Logger) Policy {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &native{name, policy, grants, newLines(log)}
}

func (n *native) Name() string { return n.name }

func (n *native) Decide(ctx context.Context, facts sdk.Source) (Evaluation, error) {
	if err := ctx.Err(); err != nil {
		return Evaluation{}, fmt.Errorf("policy %s: %w", n.name, err)
	}
	s := &session{module: n.name, facts: n.view(facts), grants: n.grants, lines: n.lines}
	source := &nativeSource{session: s}
	decision, err := sdk.Run(n.policy, source)
	// In a module the first wrong read would have ended the policy.
	if source.err != nil {
		return Evaluation{}, source.err
	}
	for _, line := range decision.Lines() {
		if err := s.write(int32(line.Level), line.Text); err != nil {
			return Evaluation{}, err
		}
	}
	if err != nil {
		return Evaluation{}, s.fail(err.Error())
	}
	for _, e := range decision.Entries() {
		if err := n.add(s, e); err != nil {
			return Evaluation{}, err
		}
	}
	return s.evaluation()
}

func (n *native) add(s *session, e sdk.Entry) error {
	if !e.Translate {
		return s.exclude(e.Prefix.String(), e.Reason)
	}
	source := ""
	if e.Source.IsValid() {
		source = e.Source.String()
	}
	return s.translate(e.Prefix.String(), source, e.Reason)
}

func (n *native) Close(context.Context) error { return nil }

func (n *native) view(facts sdk.Source) sdk.Source { return overlay{facts, config{}} }

// nativeSource gives a session's facts to a native policy, for which a read
// cannot fail: the first error is kept.
type nativeSource struct {
	session *session
	err     error
}

func (n *nativeSource) Fact(key string) (string, bool) {
	r := n.read(n.session.fact(key))
	return r.Value, r.Found
}

func (n *nativeSource) FactKeys(prefix string) []string {
	r := n.read(n.session.factKeys(prefix))
	return splitKeys(r.Value)
}

func (n *nativeSource) read(r Read, err error) Read {
	if err != nil && n.err == nil {
		n.err = err
	}
	return r
}
