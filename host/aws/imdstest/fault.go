package imdstest

import (
	"net/http"

	"github.com/snatd/snatd/host/aws/fake"
)

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
