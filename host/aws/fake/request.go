package fake

import (
	"net/http"
	"strings"
)

// Requests have keys, which say what they are about: a path, or the name of an
// action. A key stands for what is below it too, and "" for all.

// Handle counts a request, and answers it unless there is a fault for it. Of the
// faults it is the one with the longest key.
func (s *Server) Handle(w http.ResponseWriter, r *http.Request, key string, answer func(http.ResponseWriter)) {
	s.mu.Lock()
	s.requests[key]++
	longest := -1
	var fault Fault
	for at, f := range s.faults {
		if Within(key, at) && len(at) > longest {
			longest, fault = len(at), f
		}
	}
	s.mu.Unlock()
	if fault == nil {
		answer(w)
		return
	}
	fault(s, w, r, answer)
}

// Fail fails the requests for a key, until Heal.
func (s *Server) Fail(key string, fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[key] = fault
}

// Heal ends all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// Requests is how many requests there were for a key.
func (s *Server) Requests(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := 0
	for at, some := range s.requests {
		if Within(at, key) {
			requests += some
		}
	}
	return requests
}

// Within tells that a key is the other one, or below it.
func Within(key, other string) bool {
	rest, ok := strings.CutPrefix(key, other)
	return ok && (other == "" || rest == "" || rest[0] == '/' || strings.HasSuffix(other, "/"))
}
