// Command tckhost is this repository's engine as a host that sdk/tck drives: requests
// on standard input, answers on standard output, in the protocol of
// sdk/tck/PROTOCOL.md.
//
// It translates between the protocol and host/policy and judges nothing.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
)

// The fields of sdk/tck's protocol.go.
type (
	request struct {
		Load *struct {
			Name      string            `json:"name"`
			Wasm      []byte            `json:"wasm"`
			Config    map[string]string `json:"config"`
			Translate bool              `json:"translate"`
			Sources   []netip.Addr      `json:"sources"`
		} `json:"load"`
		Decide *struct {
			Facts sdk.Map `json:"facts"`
		} `json:"decide"`
	}
	answer struct {
		Error   *failure      `json:"error,omitempty"`
		Entries []entry       `json:"entries,omitempty"`
		Reads   []policy.Read `json:"reads,omitempty"`
		Log     []line        `json:"log,omitempty"`
	}
	failure struct {
		Class   policy.Class `json:"class"`
		Message string       `json:"message"`
	}
	entry struct {
		Prefix    netip.Prefix `json:"prefix"`
		Translate bool         `json:"translate,omitempty"`
		Source    string       `json:"source,omitempty"`
		Reason    string       `json:"reason"`
	}
	line struct {
		Level int    `json:"level"`
		Text  string `json:"text"`
	}
)

func main() {
	if err := serve(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tckhost:", err)
		os.Exit(1)
	}
}

// deadline is one that a busy machine does not miss, and that a loop does not have to
// be waited for too long.
const deadline = 2 * time.Second

// serve answers requests until there are no more.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	h := host{}
	engine, err := policy.NewEngine(ctx, policy.Options{Deadline: deadline, Log: slog.New(&h.lines)})
	if err != nil {
		return err
	}
	h.engine = engine
	requests, answers := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var r request
		switch err := requests.Decode(&r); {
		case errors.Is(err, io.EOF):
			return engine.Close(ctx)
		case err != nil:
			return fmt.Errorf("request: %w", err)
		}
		a, err := h.answer(ctx, r)
		if err != nil {
			return err
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

// host is the engine with one module.
type host struct {
	engine  *policy.Engine
	module  *policy.Module
	decides bool // false after a load that failed, although there is an earlier module
	lines   lines
}

// answer answers one request. The error is not the module's.
func (h *host) answer(ctx context.Context, r request) (answer, error) {
	h.lines.kept = nil
	switch {
	case r.Load != nil:
		grants := policy.Grants{Translate: r.Load.Translate, Sources: r.Load.Sources}
		m, err := h.engine.Load(ctx, r.Load.Name, r.Load.Wasm, r.Load.Config, grants)
		if err != nil {
			h.decides = false
			return h.failed(err)
		}
		// The one before is closed after: the same module is not compiled again.
		before := h.module
		h.module, h.decides = m, true
		if before != nil {
			if err := before.Close(ctx); err != nil {
				return answer{}, err
			}
		}
		return answer{Log: h.lines.kept}, nil
	case r.Decide != nil && h.decides:
		evaluation, err := h.module.Decide(ctx, r.Decide.Facts)
		if err != nil {
			return h.failed(err)
		}
		a := answer{Reads: evaluation.Reads, Log: h.lines.kept}
		for _, e := range evaluation.Decision.Entries {
			a.Entries = append(a.Entries, entryOf(e))
		}
		return a, nil
	}
	return answer{}, errors.New("request: nothing to do; accepted: load, and then decide")
}

func (h *host) failed(err error) (answer, error) {
	e, ok := errors.AsType[*policy.Error](err)
	if !ok {
		return answer{}, err
	}
	return answer{Error: &failure{e.Class, e.Message}, Log: h.lines.kept}, nil
}

func entryOf(e rules.Entry) entry {
	out := entry{Prefix: e.Prefix, Translate: e.Outcome.Action == rules.Translate, Reason: e.Reason}
	if e.Outcome.Source.IsValid() {
		out.Source = e.Outcome.Source.String()
	}
	return out
}
