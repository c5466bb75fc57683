package imdstest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// Fault is a way to fail a request. It may call answer to get what would have
// been answered.
type Fault func(s *Server, w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter))

// Fail fails the requests for a path below /latest, and for all below it, until
// Heal. The path "" stands for all. The longest path that fits counts.
func (s *Server) Fail(path string, fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[path] = fault
}

// Heal ends all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// fault is the one for a path; nil if there is none.
func (s *Server) fault(path string) Fault {
	longest := -1
	var found Fault
	for at, fault := range s.faults {
		if (at == "" || within(path, at)) && len(at) > longest {
			longest, found = len(at), fault
		}
	}
	return found
}

// Status answers with an HTTP status and a page.
func Status(status int) Fault {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		refuse(w, status)
	}
}

// Once fails the first request only.
func Once(fault Fault) Fault {
	done := make(chan struct{}, 1)
	return func(s *Server, w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
		select {
		case done <- struct{}{}:
			fault(s, w, r, answer)
		default:
			answer(w)
		}
	}
}

// Truncate ends the connection in the middle of the value.
func Truncate(_ *Server, w http.ResponseWriter, _ *http.Request, answer func(http.ResponseWriter)) {
	whole := httptest.NewRecorder()
	answer(whole)
	body := whole.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(whole.Code)
	// The server ends the connection, as less was written than announced.
	_, _ = w.Write(body[:len(body)/2])
}

// Reset resets the connection instead of answering.
func Reset(s *Server, w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.t.Errorf("imdstest: %v", err)
		return
	}
	// Without lingering, what is closed is reset.
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// Stall answers nothing, until the client gives up or the test ends.
func Stall(s *Server, _ http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) {
	select {
	case <-r.Context().Done():
	case <-s.closing:
	}
}

// Hold answers when the channel is closed.
func Hold(until <-chan struct{}) Fault {
	return func(s *Server, w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
		select {
		case <-until:
			answer(w)
		case <-r.Context().Done():
		case <-s.closing:
		}
	}
}
