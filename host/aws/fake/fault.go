package fake

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// Fault is a way to fail a request. It may call answer to get what would have
// been answered.
type Fault func(s *Server, w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter))

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
		s.t.Errorf("fake: %v", err)
		return
	}
	// Without lingering, what is closed is reset.
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// Stall answers nothing, until the client gives up or the test ends.
func Stall(s *Server, w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
	Hold(nil)(s, w, r, answer)
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

// Then answers, and calls a function after it.
func Then(do func()) Fault {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, answer func(http.ResponseWriter)) {
		answer(w)
		do()
	}
}

// Text answers with a status and a text as it is.
func Text(status int, contentType, text string) Fault {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text)) // who does not wait for it does not get it
	}
}
