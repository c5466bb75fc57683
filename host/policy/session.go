package policy

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// session is one evaluation as the policy sees it, whether it runs in wazero or
// natively: what it may read, what it has read and what it has answered so far.
// Every error of its methods is an *Error, after which the evaluation is void.
type session struct {
	module string
	facts  sdk.Source
	grants Grants
	lines  *lines

	reads   []Read
	index   map[question]int // into reads
	bytes   int              // bytes of keys and values in reads
	entries []rules.Entry
	logged  int // bytes of log lines
}

// question is what a read asks for.
type question struct {
	key     string
	listing bool
}

func (s *session) errorf(class Class, format string, args ...any) error {
	return errorf(s.module, class, format, args...)
}

// fact reads a fact.
func (s *session) fact(key string) (Read, error) {
	return s.read(abi.Fact, question{key, false})
}

// factKeys reads a list of keys.
func (s *session) factKeys(prefix string) (Read, error) {
	return s.read(abi.FactKeys, question{prefix, true})
}

func (s *session) read(function string, q question) (Read, error) {
	if i, ok := s.index[q]; ok {
		return s.reads[i], nil
	}
	if err := s.text(function, "key", q.key, abi.MaxKey); err != nil {
		return Read{}, err
	}
	r := answer(s.facts, q)
	if len(r.Value) > abi.MaxValue {
		return Read{}, s.errorf(ClassLimit, "%s %q: %d bytes; at most %d", function, q.key, len(r.Value), abi.MaxValue)
	}
	if len(s.reads) == abi.MaxReads {
		return Read{}, s.errorf(ClassLimit, "%s %q: more than %d reads in one evaluation", function, clip(q.key), abi.MaxReads)
	}
	if s.bytes += len(r.Key) + len(r.Value); s.bytes > abi.MaxRead {
		return Read{}, s.errorf(ClassLimit, "%s %q: more than %d bytes of keys and values in one evaluation", function, clip(q.key), abi.MaxRead)
	}
	if s.index == nil {
		s.index = map[question]int{}
	}
	s.index[q] = len(s.reads)
	s.reads = append(s.reads, r)
	return r, nil
}

// answer asks a source.
func answer(facts sdk.Source, q question) Read {
	if q.listing {
		return Read{Key: q.key, Value: sdk.List(facts.FactKeys(q.key)...), Found: true, Listing: true}
	}
	value, ok := facts.Fact(q.key)
	return Read{Key: q.key, Value: value, Found: ok}
}

func (s *session) exclude(cidr, why string) error {
	return s.add(abi.Exclude, cidr, rules.Outcome{Action: rules.Exclude}, why)
}

// translate checks the grants: one for the primary address, which an empty source
// is, and one for each other.
func (s *session) translate(cidr, source, why string) error {
	if source != "" {
		return s.translateTo(cidr, source, why)
	}
	if !s.grants.Translate {
		return s.errorf(ClassGrant, "translate %q: the grant translate is missing, only exclude is allowed", clip(cidr))
	}
	return s.add(abi.Translate, cidr, rules.Outcome{Action: rules.Translate}, why)
}

// translateTo translates to an address that is granted and that the node holds.
// Whether it does is a fact, so it is read as one: the decision is made again when
// that changes.
func (s *session) translateTo(cidr, source, why string) error {
	addr, err := netip.ParseAddr(source)
	if err != nil || !addr.Is4() {
		return s.errorf(ClassOutput, "translate %q: the source %q is not an IPv4 address; accepted: such as 10.0.0.11, or empty for the primary address",
			clip(cidr), clip(source))
	}
	if !slices.Contains(s.grants.Sources, addr) {
		return s.errorf(ClassGrant, "translate %q: the grant sources does not list %s", clip(cidr), addr)
	}
	held, err := s.fact(abi.KeyNodeAddress + addr.String())
	if err != nil {
		return err
	}
	if !held.Found {
		return s.errorf(ClassOutput, "translate %q: the node's primary interface does not hold the source %s", clip(cidr), addr)
	}
	return s.add(abi.Translate, cidr, rules.Outcome{Action: rules.Translate, Source: addr}, why)
}

func (s *session) add(function, cidr string, outcome rules.Outcome, why string) error {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return s.errorf(ClassOutput, "%s %q: not a CIDR; accepted: an IPv4 prefix such as 10.0.0.0/8", function, clip(cidr))
	}
	if err := s.text(function, "reason", why, abi.MaxReason); err != nil {
		return err
	}
	if n := len(s.entries); n > 0 && s.entries[n-1].Reason == why {
		why = s.entries[n-1].Reason // one copy of a reason that a thousand entries share
	}
	if len(s.entries) == abi.MaxPrefixes {
		return s.errorf(ClassLimit, "%s %q: more than %d prefixes in one decision", function, cidr, abi.MaxPrefixes)
	}
	s.entries = append(s.entries, rules.Entry{Prefix: prefix, Outcome: outcome, Reason: why})
	return nil
}

// write passes a line to the daemon's log at once: it helps most when the
// evaluation fails later.
func (s *session) write(level int32, message string) error {
	if level < abi.LevelDebug || level > abi.LevelError {
		return s.errorf(ClassArgument, "log: level %d; accepted: %d (debug) to %d (error)", level, abi.LevelDebug, abi.LevelError)
	}
	if len(message) > abi.MaxMessage {
		return s.errorf(ClassLimit, "log: a line of %d bytes; at most %d", len(message), abi.MaxMessage)
	}
	if s.logged += len(message); s.logged > abi.MaxLog {
		return s.errorf(ClassLimit, "log: more than %d bytes of lines in one evaluation", abi.MaxLog)
	}
	s.lines.write(slog.Level(level*4), s.module, strings.ToValidUTF8(message, "\uFFFD"))
	return nil
}

// fail is the error of a policy that says it failed.
func (s *session) fail(message string) error {
	if len(message) > abi.MaxMessage {
		message = message[:abi.MaxMessage]
	}
	return s.errorf(ClassFailed, "%s", strings.ToValidUTF8(message, "\uFFFD"))
}

// text checks what a policy says.
func (s *session) text(function, what, text string, limit int) error {
	if len(text) > limit {
		return s.errorf(ClassLimit, "%s: a %s of %d bytes; at most %d", function, what, len(text), limit)
	}
	if !utf8.ValidString(text) {
		return s.errorf(ClassArgument, "%s: the %s %q is not valid UTF-8", function, what, clip(text))
	}
	return nil
}

// evaluation is the end: the entries become the decision, if they can be one.
func (s *session) evaluation() (Evaluation, error) {
	decision := rules.Decision{Module: s.module, Entries: s.entries}
	if err := decision.Check(); err != nil {
		// The compiler's errors name the module, as an Error does.
		message := strings.TrimPrefix(err.Error(), fmt.Sprintf("module %q: ", s.module))
		return Evaluation{}, s.errorf(ClassOutput, "%s", message)
	}
	return Evaluation{Decision: decision, Reads: s.reads}, nil
}

// clip keeps quoted text of a guest short in errors.
func clip(text string) string {
	const limit = 64
	if len(text) > limit {
		return text[:limit] + "..."
	}
	return text
}
