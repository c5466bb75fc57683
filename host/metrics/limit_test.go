package metrics

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/snatd/snatd/host/bounded"
)

// Scrapes above the limit are turned away, and health is told nevertheless.
func TestScrapeLimit(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	_, url := serve(t, func() State {
		entered <- struct{}{}
		<-release
		return full()
	})
	codes := make(chan int, maxScrapes)
	for range maxScrapes {
		go func() {
			code, _, _ := try(url + "/metrics")
			codes <- code
		}()
		await(t, entered)
	}
	const full = "Limit of concurrent requests reached (4), try again later.\n"
	if code, body := get(t, url+"/metrics"); code != http.StatusServiceUnavailable || body != full {
		t.Errorf("one too many: %d %q", code, body)
	}
	if code, _ := get(t, url+"/healthz"); code != http.StatusOK {
		t.Errorf("health: status %d", code)
	}
	close(release)
	for range maxScrapes {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("one of the first: status %d", code)
		}
	}
}

// Clients that are slower than they may be are hung up on; until then they are
// only so many, and the next ones get their turn.
func TestSlowClients(t *testing.T) {
	on := &counted{Listener: listen(t)}
	ended := make(chan error, 1)
	go func() { ended <- New(full, well).Serve(t.Context(), listening(on)) }()
	t.Cleanup(func() { expectEnd(t, ended) })
	var slow []net.Conn
	for range bounded.Connections + 8 {
		slow = append(slow, dial(t, on, "GET /metrics HTTP/1.1\r\nHost:"))
	}
	if code, _ := get(t, "http://"+on.Addr().String()+"/readyz"); code != http.StatusOK {
		t.Errorf("status %d", code)
	}
	for _, connection := range slow {
		if _, err := io.Copy(io.Discard, connection); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a slow client is still connected")
		}
	}
	if most := on.mostOpen(); most != bounded.Connections {
		t.Errorf("%d connections were open at the same time, want %d", most, bounded.Connections)
	}
}

// A connection is for one request: who would keep it lets others ask.
func TestConnectionsAreNotKept(t *testing.T) {
	_, url := serve(t, full)
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if !response.Close {
			t.Errorf("%s: the connection stays open", path)
		}
	}
}

// counted is a listener that knows how many of its connections were open at the
// same time.
type counted struct {
	net.Listener
	mutex      sync.Mutex
	open, most int
}

func (c *counted) Accept() (net.Conn, error) {
	connection, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.open++
	c.most = max(c.most, c.open)
	return &closing{Conn: connection, closed: sync.OnceFunc(func() {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.open--
	})}, nil
}

func (c *counted) mostOpen() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.most
}

type closing struct {
	net.Conn
	closed func()
}

func (c *closing) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
