package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/rules"
)

// Paths of the API. Version 1 may gain fields, never lose them.
const (
	pathStatus    = "/v1/status"
	pathExplain   = "/v1/explain"
	pathRuleset   = "/v1/ruleset"
	pathInstalled = "/v1/installed"
	pathFacts     = "/v1/facts"
	pathFlows     = "/v1/flows"
	pathHistory   = "/v1/history"
	pathBundle    = "/v1/history/bundle"
	pathApprove   = "/v1/approve"
)

// mostFlows bounds an answer to some 50 MiB.
const mostFlows = 100_000

// endpoint is one path, with all that its reference says of it.
type endpoint struct {
	path, does string
	parameters []parameter
	// large answers take memory that has to be bounded while clients read them.
	large bool
	// changes says that it is asked by POST, and by root alone.
	changes bool
	// answer makes what is encoded as JSON, or a document.
	answer func(ctx context.Context, s *server, query url.Values) (any, error)
	// shape is the zero value of what it answers with.
	shape any
}

// parameter is one that a request must have, once, unless it is optional.
type parameter struct {
	name, accepted string
	optional       bool
}

// change names one of the history.
const change = "the number of a change, as snatd history has it"

// document is an answer that is no JSON.
type document struct {
	text []byte
	kind string // its media type
}

var endpoints = []endpoint{
	{
		path: pathStatus, does: "how the daemon is, as `snatd status` shows it", shape: Status{},
		answer: func(_ context.Context, s *server, _ url.Values) (any, error) {
			return StatusOf(s.version, s.daemon.State(), s.daemon.Health()), nil
		},
	},
	{
		path: pathExplain, does: "what happens to new connections and why, as `snatd explain` says", shape: engine.Explanation{},
		parameters: []parameter{{name: "from", accepted: "a pod as NAMESPACE/NAME, or an IPv4 address"}, {name: "to", accepted: "an IPv4 address"}},
		answer: func(_ context.Context, s *server, query url.Values) (any, error) {
			return s.daemon.Explain(query.Get("from"), query.Get("to"))
		},
	},
	{
		path: pathFlows, does: "live translated connections, as `snatd flows` lists them", shape: engine.Flows{},
		parameters: []parameter{{name: "limit", accepted: fmt.Sprintf("1 to %d", mostFlows)}},
		large:      true,
		answer:     flows,
	},
	{
		path: pathFacts, does: "the facts in force, or those of an earlier change, as a static facts file: YAML", shape: document{},
		parameters: []parameter{{name: "at", accepted: change, optional: true}},
		large:      true,
		answer:     knownFacts,
	},
	{
		path: pathRuleset, does: "the rules that the kernel holds; `null` if nothing is installed", shape: rules.Ruleset{},
		large:  true,
		answer: func(_ context.Context, s *server, _ url.Values) (any, error) { return s.daemon.State().Ruleset, nil },
	},
	{
		path: pathInstalled, does: "what `snatd plan` starts from", shape: engine.Installed{},
		large: true,
		answer: func(_ context.Context, s *server, _ url.Values) (any, error) {
			return unready(s.daemon.State().Installed())
		},
	},
	{
		path: pathHistory, does: "the last changes, the newest last, as `snatd history` lists them", shape: []history.Entry{},
		answer: func(_ context.Context, s *server, _ url.Values) (any, error) {
			return unready(s.daemon.History().Entries())
		},
	},
	{
		path: pathBundle, does: "all that a change follows from, as `snatd history export` writes it: a tar archive", shape: document{},
		parameters: []parameter{{name: "at", accepted: change}},
		large:      true,
		answer:     bundle,
	},
	{
		path: pathApprove, does: "puts the change in force that is held, as `snatd approve` does", shape: engine.Held{},
		parameters: []parameter{{name: "digest", accepted: "at least the first 12 digits of the ruleset that is held"}},
		changes:    true,
		answer:     approve,
	},
}

// approvalTime is how long an approval may take before its outcome is left to status: an
// answer has to be written too.
const approvalTime = 5 * time.Second

func approve(ctx context.Context, s *server, query url.Values) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, approvalTime)
	defer cancel()
	held, err := s.daemon.Approve(ctx, query.Get("digest"))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return unready(held, err)
	case err != nil:
		return nil, &failure{http.StatusConflict, err.Error()}
	}
	return held, nil
}

func bundle(_ context.Context, s *server, query url.Values) (any, error) {
	number, err := numberOf(query)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	if err := s.daemon.History().Bundle(number, &archive); err != nil {
		return nil, &failure{http.StatusNotFound, err.Error()}
	}
	return document{archive.Bytes(), "application/x-tar"}, nil
}

func knownFacts(_ context.Context, s *server, query url.Values) (any, error) {
	if !query.Has("at") {
		text, err := encodeFacts(s.daemon.State())
		return document{text, "application/yaml"}, err
	}
	number, err := numberOf(query)
	if err != nil {
		return nil, err
	}
	text, err := s.daemon.History().Facts(number)
	if err != nil {
		err = &failure{http.StatusNotFound, err.Error()}
	}
	return document{text, "application/yaml"}, err
}

// numberOf is the change that is asked for.
func numberOf(query url.Values) (uint64, error) {
	number, err := strconv.ParseUint(query.Get("at"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("at: %.100q, accepted: %s", query.Get("at"), change)
	}
	return number, nil
}

func flows(_ context.Context, s *server, query url.Values) (any, error) {
	limit := query.Get("limit")
	most, err := strconv.Atoi(limit)
	if err != nil || most < 1 || most > mostFlows {
		return nil, &failure{http.StatusBadRequest, fmt.Sprintf("limit: %.300q, accepted: 1 to %d", limit, mostFlows)}
	}
	return unready(s.daemon.Flows(most))
}

func encodeFacts(s *engine.State) ([]byte, error) {
	if s.Result == nil {
		return nil, &failure{http.StatusServiceUnavailable, "there are no facts yet: " + s.Waiting}
	}
	return s.Result.Snapshot.Encode()
}

// unready has an error be about the daemon, not about the request.
func unready[T any](answer T, err error) (T, error) {
	if err != nil {
		err = &failure{http.StatusServiceUnavailable, err.Error()}
	}
	return answer, err
}

// failure is an error with the status that tells of it.
type failure struct {
	code    int
	message string
}

func (f *failure) Error() string { return f.message }

// failed is the answer to a request that an error ended; one that does not say otherwise
// is about the request.
func failed(err error) (code int, body problem) {
	code = http.StatusBadRequest
	if f, ok := errors.AsType[*failure](err); ok {
		code = f.code
	} else if errors.Is(err, engine.ErrUndecided) {
		code = http.StatusServiceUnavailable
	}
	return code, problem{err.Error()}
}

// problem is the body of every answer that is not 200.
type problem struct {
	// Error says in one line what is wrong, and what is accepted.
	Error string `json:"error"`
}

// query returns the parameters of a request: those of the endpoint, each once.
func (e endpoint) query(raw string) (url.Values, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fmt.Errorf("query %.300q: %w", raw, err)
	}
	for _, p := range e.parameters {
		switch given := query[p.name]; {
		case len(given) == 0 && p.optional:
		case len(given) == 0 || len(given) == 1 && given[0] == "":
			return nil, fmt.Errorf("%s: missing, accepted: %s", p.name, p.accepted)
		case len(given) > 1:
			return nil, fmt.Errorf("%s: given %d times, accepted: once", p.name, len(given))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.ContainsFunc(e.parameters, func(p parameter) bool { return p.name == name }) {
			return nil, fmt.Errorf("%.300q is not a parameter of %s, accepted: %s", name, e.path, e.names())
		}
	}
	return query, nil
}

func (e endpoint) method() string {
	if e.changes {
		return http.MethodPost
	}
	return http.MethodGet
}

func (e endpoint) allowed() string {
	if e.changes {
		return http.MethodPost
	}
	return "GET, HEAD"
}

func (e endpoint) names() string {
	if len(e.parameters) == 0 {
		return "none"
	}
	names := make([]string, len(e.parameters))
	for i, p := range e.parameters {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

func paths() string {
	list := make([]string, len(endpoints))
	for i, e := range endpoints {
		list[i] = e.path
	}
	return strings.Join(list, ", ")
}
