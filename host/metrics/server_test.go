package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/snatd/snatd/host/health"
)

// patience is a time that only a broken test needs.
const patience = time.Minute

// well is how a daemon is with which nothing is wrong.
func well() health.Health { return health.Health{Progress: time.Now(), Ready: true} }

// serve returns a server on a port of its own and its URL.
func serve(t *testing.T, state func() State) (s *Server, url string) {
	t.Helper()
	return serveHealth(t, state, well)
}

func serveHealth(t *testing.T, state func() State, healthOf func() health.Health) (s *Server, url string) {
	t.Helper()
	on := listen(t)
	s, ctx := New(state, healthOf), t.Context()
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listening(on)) }()
	t.Cleanup(func() { expectEnd(t, ended) })
	return s, "http://" + on.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return on
}

// listening is a port that listens.
func listening(on net.Listener) *Port {
	port := NewPort(on.Addr().String())
	port.opened <- on
	return port
}

func expectEnd(t *testing.T, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("Serve does not return")
	}
}

func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	code, body, err := try(url)
	if err != nil {
		t.Fatal(err)
	}
	return code, body
}

func try(url string) (code int, body string, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	response, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

func TestOnlyAsked(t *testing.T) {
	_, url := serve(t, full)
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		response, err := http.Post(url+path, "text/plain", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: status %d", path, response.StatusCode)
		}
	}
}

func await(t *testing.T, what <-chan struct{}) {
	t.Helper()
	select {
	case <-what:
	case <-time.After(patience):
		t.Fatal("waited in vain")
	}
}

func TestAtTheSameTime(t *testing.T) {
	server, url := serve(t, full)
	const each = 50
	var group sync.WaitGroup
	for range maxScrapes {
		group.Go(func() {
			for range each {
				server.ObservePodChange(time.Millisecond)
				server.ObserveApply(time.Millisecond)
				if code, body, err := try(url + "/metrics"); code != http.StatusOK || err != nil {
					t.Errorf("status %d, error %v: %s", code, err, body)
				}
			}
		})
	}
	group.Wait()
	_, scrape := get(t, url+"/metrics")
	for _, name := range []string{"snatd_pod_change_seconds", "snatd_apply_seconds"} {
		if count := fmt.Sprintf("\n%s_count %d\n", name, maxScrapes*each); !strings.Contains(scrape, count) {
			t.Errorf("no line %q", count)
		}
	}
}

// What others do with their connections does not hold up the end.
func TestEnd(t *testing.T) {
	on := listen(t)
	entered, release := make(chan struct{}), make(chan struct{})
	s := New(func() State {
		close(entered)
		<-release
		return full()
	}, well)
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listening(on)) }()
	var asking []net.Conn
	for _, says := range []string{"", "GET /metr", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"} {
		asking = append(asking, dial(t, on, says))
	}
	await(t, entered)
	cancel()
	expectEnd(t, ended)
	for i, connection := range asking {
		if _, err := io.Copy(io.Discard, connection); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("connection %d is still open", i)
		}
	}
	if connection, err := net.Dial("tcp", on.Addr().String()); err == nil {
		connection.Close()
		t.Error("the port is still open")
	}
	// One that has ended before it starts.
	on = listen(t)
	if err := s.Serve(ctx, listening(on)); err != nil {
		t.Error(err)
	}
	if connection, err := net.Dial("tcp", on.Addr().String()); err == nil {
		connection.Close()
		t.Error("the second port is still open")
	}
}

// dial connects to a listener and says the beginning of something.
func dial(t *testing.T, to net.Listener, says string) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", to.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(connection, says); err != nil {
		t.Fatal(err)
	}
	return connection
}
