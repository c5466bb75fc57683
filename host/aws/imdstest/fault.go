package imdstest

import (
	"net/http"

	"github.com/snatd/snatd/host/aws/fake"
)

// Fail fails the requests for a path below /latest, and for all below it, until
// Heal. The path "" stands for all. The longest path that fits counts.
func (s *Server) Fail(path string, fault fake.Fault) {
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
func (s *Server) fault(path string) fake.Fault {
	longest := -1
	var found fake.Fault
	for at, fault := range s.faults {
		if (at == "" || within(path, at)) && len(at) > longest {
			longest, found = len(at), fault
		}
	}
	return found
}

// Status answers with an HTTP status and a page.
func Status(status int) fake.Fault {
	return func(_ *fake.Server, w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		refuse(w, status)
	}
}

// Expired makes all tokens invalid and then answers as if it was a request too
// late.
func (s *Server) Expired(_ *fake.Server, w http.ResponseWriter, _ *http.Request, answer func(http.ResponseWriter)) {
	s.Expire()
	answer(w)
}
