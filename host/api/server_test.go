package api

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/snatd/snatd/host/bounded"
	"github.com/snatd/snatd/host/engine"
)

// patience is a time that only a broken test needs.
const patience = time.Minute

// ask sends what no client of ours would, and returns the status and the body.
func ask(t *testing.T, c *Client, method, target string) (code int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://snatd"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// Whatever is wrong with a request is told in one line, in the same form.
func TestBadRequests(t *testing.T) {
	client := serve(t, &engine.State{Waiting: "waiting for facts"})
	long := strings.Repeat("x", 10_000)
	for _, test := range []struct {
		method, target string
		code           int
		want           string
	}{
		{"GET", "/", 404, `there is no "/", accepted: /v1/status, /v1/explain, `},
		{"GET", "/v2/status", 404, `there is no "/v2/status", accepted: /v1/status`},
		{"GET", "/v1/status/", 404, `there is no "/v1/status/"`},
		{"GET", "/" + long, 404, `there is no "/xxx`},
		{"POST", "/v1/status", 405, `method "POST", accepted: GET`},
		{"DELETE", "/v1/facts", 405, `method "DELETE", accepted: GET`},
		{"GET", "/v1/status?verbose=1", 400, `"verbose" is not a parameter of /v1/status, accepted: none`},
		{"GET", "/v1/explain", 400, "from: missing, accepted: a pod as NAMESPACE/NAME, or an IPv4 address"},
		{"GET", "/v1/explain?from=10.0.0.1&to=", 400, "to: missing, accepted: an IPv4 address"},
		{"GET", "/v1/explain?from=10.0.0.1&from=10.0.0.2&to=10.0.0.3", 400, "from: given 2 times, accepted: once"},
		{"GET", "/v1/explain?from=10.0.0.1&to=10.0.0.3&form=x", 400, `"form" is not a parameter of /v1/explain, accepted: from, to`},
		{"GET", "/v1/explain?from=%zz&to=10.0.0.3", 400, `query "from=%zz&to=10.0.0.3": invalid URL escape "%zz"`},
		{"GET", "/v1/explain?from=10.0.0.1&to=10.0.0.3", 503, "nothing is decided yet: waiting for facts"},
		{"GET", "/v1/facts", 503, "there are no facts yet: waiting for facts"},
		{"GET", "/v1/installed", 503, "nothing is decided yet: waiting for facts"},
		{"GET", "/v1/flows", 400, "limit: missing, accepted: 1 to 100000"},
		{"GET", "/v1/flows?limit=" + long, 400, `limit: "xxx`},
	} {
		code, body := ask(t, client, test.method, test.target)
		var p problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || code != test.code || !strings.HasPrefix(p.Error, test.want) || len(p.Error) > 500 {
			t.Errorf("%s %.100s: %d %.600s (%v), want %d %s", test.method, test.target, code, body, err, test.code, test.want)
		}
	}
	// Nobody reads all of a huge one, so that the client may not get to see the answer.
	response, err := client.http.Get("http://snatd/v1/status?" + strings.Repeat("x", 1<<16))
	if err == nil {
		response.Body.Close()
		if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a huge request: %s", response.Status)
		}
	}
	if _, err := client.Status(t.Context()); err != nil {
		t.Error(err)
	}
}

// blocked is a daemon whose explanations take as long as the test wants.
type blocked struct {
	still
	entered chan struct{}
	release chan struct{}
}

func (b blocked) Explain(string, string) (engine.Explanation, error) {
	b.entered <- struct{}{}
	<-b.release
	return engine.Explanation{}, nil
}

// What one path costs is bounded, and holds up no other.
func TestTurns(t *testing.T) {
	daemon := blocked{still{&engine.State{}}, make(chan struct{}), make(chan struct{})}
	client := serveDaemon(t, daemon)
	codes := make(chan error, mostAtOnce)
	for range mostAtOnce {
		go func() {
			_, err := client.Explain(context.Background(), "10.0.0.1", "10.0.0.2")
			codes <- err
		}()
		<-daemon.entered
	}
	const busy = "busy: 8 requests of this kind are being answered, which is the most at the same time; try again later"
	if _, err := client.Explain(t.Context(), "10.0.0.1", "10.0.0.2"); err == nil || err.Error() != busy {
		t.Errorf("one too many: %v", err)
	}
	if _, err := client.Status(t.Context()); err != nil {
		t.Error(err)
	}
	close(daemon.release)
	for range mostAtOnce {
		if err := <-codes; err != nil {
			t.Error(err)
		}
	}
}

// lengthy has an answer that no socket's buffer holds.
type lengthy struct{ still }

func (lengthy) Flows(int) (engine.Flows, error) {
	return engine.Flows{Flows: make([]engine.Flow, 20_000)}, nil
}

// Clients that say nothing, and clients that do not read, are hung up on. Others get their
// turn.
func TestSlowClients(t *testing.T) {
	client := serveDaemon(t, lengthy{still{&engine.State{}}})
	dial := func(says string) net.Conn {
		connection, err := net.Dial("unix", client.socket)
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
	var slow []net.Conn
	for range largeAtOnce {
		slow = append(slow, dial("GET /v1/flows?limit=100000 HTTP/1.1\r\nHost: x\r\n\r\n"))
	}
	for range bounded.Connections {
		slow = append(slow, dial("GET /v1/status HTTP/1.1\r\nHost:"))
	}
	if _, err := client.Status(t.Context()); err != nil {
		t.Error(err)
	}
	for i, connection := range slow[largeAtOnce:] {
		if _, err := io.Copy(io.Discard, connection); os.IsTimeout(err) {
			t.Errorf("silent client %d is still connected", i)
		}
	}
	for i, connection := range slow[:largeAtOnce] {
		// What is in the buffer can be read; the whole answer cannot come after that.
		if read := waitHungUp(t, connection); read >= 20_000*100 {
			t.Errorf("client %d, which did not read, got all %d bytes", i, read)
		}
	}
	if flows, err := client.Flows(t.Context(), 1); err != nil || len(flows.Flows) != 20_000 {
		t.Errorf("%d, %v", len(flows.Flows), err)
	}
}

// waitHungUp waits until the other end closed a connection, and reads what is left in it.
func waitHungUp(t *testing.T, connection net.Conn) (read int64) {
	t.Helper()
	raw, err := connection.(*net.UnixConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		var failed error
		if err := raw.Write(func(fd uintptr) bool {
			_, failed = syscall.Write(int(fd), []byte("x")) // EPIPE once nobody is there
			return true
		}); err != nil || failed == syscall.EPIPE {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a client that does not read is still connected")
		}
	}
	read, _ = io.Copy(io.Discard, connection)
	return read
}

// The group's members may ask; who is neither root nor one of them may not.
func TestGroup(t *testing.T) {
	for _, group := range []string{strconv.Itoa(os.Getgid()), "", "no such group"} {
		socket := t.TempDir() + "/run/snatd.sock"
		on, err := Listen(socket, group)
		if group == "no such group" {
			if want := `socketGroup: there is no group "no such group", accepted: a group's name or number`; err == nil || err.Error() != want {
				t.Errorf("%v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(socket)
		if err != nil {
			t.Fatal(err)
		}
		want := os.FileMode(0o660)
		if group == "" {
			want = 0o600
		}
		if info.Mode().Perm() != want {
			t.Errorf("group %q: %v", group, info.Mode())
		}
		on.Close()
	}
}
