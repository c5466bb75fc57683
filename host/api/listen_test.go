package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/health"
	"github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/rules"
)

func TestListen(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "run", "snatd.sock")
	first, err := Listen(socket, "")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info.Mode(), err)
	}
	if _, err := Listen(socket, ""); err == nil || !strings.Contains(err.Error(), "another program answers there") {
		t.Errorf("a second socket: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}

	// A process that was killed leaves its socket, and nobody behind it.
	left, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	left.Close()
	file := filepath.Join(filepath.Dir(socket), "facts.yaml")
	if err := os.WriteFile(file, []byte("vpc: {}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file, ""); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("in place of a file: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "vpc: {}" {
		t.Errorf("the file is now %q, %v", text, err)
	}
	again, err := Listen(socket, "")
	if err != nil {
		t.Fatal("over a dead socket:", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// still is a daemon that does nothing.
type still struct{ state *engine.State }

func (s still) State() *engine.State { return s.state }

func (s still) Health() health.Health {
	return health.Health{Progress: time.Now(), Ready: s.state.Waiting == "", Waiting: s.state.Waiting}
}

func (s still) Explain(from, to string) (engine.Explanation, error) {
	return s.state.Explain(from, to)
}

func (s still) Flows(most int) (engine.Flows, error) {
	return engine.Flows{Total: most, Flows: []engine.Flow{}}, nil
}

func (s still) Approve(ctx context.Context, digest string) (engine.Held, error) {
	if _, ends := ctx.Deadline(); digest == "late" && ends {
		return engine.Held{}, context.DeadlineExceeded
	}
	if digest != s.state.Held.Ruleset {
		return engine.Held{}, fmt.Errorf("not held: %s", digest)
	}
	return *s.state.Held, nil
}

func (s still) History() *history.Ring { return &history.Ring{} }

// serve answers from a state and returns a client.
func serve(t *testing.T, state *engine.State) *Client {
	t.Helper()
	return serveDaemon(t, still{state})
}

func serveDaemon(t *testing.T, daemon Daemon) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "snatd.sock")
	on, err := Listen(socket, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- Serve(ctx, on, "test", daemon) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return NewClient(socket)
}

// Before the first result there is nothing to tell, and nothing breaks.
func TestBeforeTheFirstResult(t *testing.T) {
	client := serve(t, &engine.State{Waiting: "waiting for facts", Problems: []engine.Problem{{Source: "facts", Message: "bad"}}})
	status, err := client.Status(t.Context())
	if err != nil || status.Healthy || len(status.Why) != 2 || status.Ready || status.Waiting != "waiting for facts" || len(status.Problems) != 1 {
		t.Errorf("%+v, %v", status, err)
	}
	if _, err := client.Explain(t.Context(), "10.0.0.1", "10.0.0.2"); err == nil || !strings.Contains(err.Error(), "nothing is decided yet: waiting for facts") {
		t.Errorf("explain: %v", err)
	}
	if ruleset, err := client.Ruleset(t.Context()); ruleset != nil || err != nil {
		t.Errorf("ruleset: %v, %v", ruleset, err)
	}
}

// A loop that hangs is the worst, and so the first reason.
func TestWhy(t *testing.T) {
	state := &engine.State{Waiting: "waiting for facts", Problems: []engine.Problem{{Source: "facts", Message: "bad"}}}
	hangs := health.Health{Progress: time.Now().Add(-time.Hour), Waiting: state.Waiting}
	want := []string{"the daemon's loop hangs: it went on last 1h0m0s ago", "waiting for facts", "facts: bad"}
	if status := StatusOf("v1", state, hangs); status.Healthy || !slices.Equal(status.Why, want) {
		t.Errorf("%q, want %q", status.Why, want)
	}
	well := health.Health{Progress: time.Now(), Ready: true}
	if status := StatusOf("v1", &engine.State{}, well); !status.Healthy || len(status.Why) > 0 {
		t.Errorf("%q", status.Why)
	}
}

func TestRulesetOverTheSocket(t *testing.T) {
	want := rules.Draining(rules.Network{PodInterfaces: []string{"eni*"}, Mark: 0x80, Randomize: rules.RandomizePRNG})
	client := serve(t, &engine.State{Ruleset: want})
	if got, err := client.Ruleset(t.Context()); err != nil || got.Table().String() != want.Table().String() {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	dir := t.TempDir()
	dead := filepath.Join(dir, "dead.sock")
	if err := os.WriteFile(dead, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, socket := range []string{filepath.Join(dir, "none.sock"), dead} {
		if _, err := NewClient(socket).Status(t.Context()); err == nil || !strings.Contains(err.Error(), "no snatd answers at "+socket) {
			t.Errorf("%s: %v", socket, err)
		}
	}
}

func TestFlowsLimit(t *testing.T) {
	client := serve(t, &engine.State{})
	if got, err := client.Flows(t.Context(), 7); err != nil || got.Total != 7 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, most := range []int{0, -1, 100_001} {
		_, err := client.Flows(t.Context(), most)
		if want := fmt.Sprintf("limit: %q, accepted: 1 to 100000", strconv.Itoa(most)); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// An approval is what its digest says, is never asked for by reading, and does not keep a
// client waiting for ever.
func TestApprove(t *testing.T) {
	client := serve(t, &engine.State{Held: &engine.Held{Ruleset: "0123456789abcdef"}})
	if held, err := client.Approve(t.Context(), "0123456789abcdef"); err != nil || held.Ruleset != "0123456789abcdef" {
		t.Errorf("%+v, %v", held, err)
	}
	if _, err := client.Approve(t.Context(), "fedcba9876543210"); err == nil || err.Error() != "not held: fedcba9876543210" {
		t.Error(err)
	}
	if _, err := client.Approve(t.Context(), "late"); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Error(err)
	}
	if _, err := client.ask(t.Context(), pathApprove, nil); err == nil || err.Error() != `method "GET", accepted: POST` {
		t.Errorf("by GET: %v", err)
	}
}

// A daemon of another version may answer in another form.
func TestAnswerOfAnotherVersion(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "snatd.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"classes": ["c_1"]}`)
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	defer serving.Wait()
	defer server.Close()
	if _, err := NewClient(socket).Status(t.Context()); err == nil || !strings.Contains(err.Error(), "another version of snatd") {
		t.Error(err)
	}
}
