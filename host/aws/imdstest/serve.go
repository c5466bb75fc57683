package imdstest

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	headerToken = "X-aws-ec2-metadata-token"
	headerTTL   = "X-aws-ec2-metadata-token-ttl-seconds"
	tokenPath   = "api/token"
)

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, "/latest/")
	if !ok {
		refuse(w, http.StatusNotFound)
		return
	}
	s.Handle(w, r, path, func(w http.ResponseWriter) { s.answer(w, r, path) })
}

// answer answers as the real service does when it works.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, path string) {
	w.Header().Set("Server", "EC2ws")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case path == tokenPath && r.Method == http.MethodPut:
		s.token(w, r)
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed)
	case s.tokens[r.Header.Get(headerToken)].Before(time.Now()):
		refuse(w, http.StatusUnauthorized)
	default:
		value, ok := s.value(path)
		if !ok {
			refuse(w, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", strconv.Itoa(len(value)))
		_, _ = io.WriteString(w, value) // who does not wait for it does not get it
	}
}

// token gives out a token.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	seconds, err := strconv.Atoi(r.Header.Get(headerTTL))
	switch {
	case r.Header.Get("X-Forwarded-For") != "":
		refuse(w, http.StatusForbidden)
	case err != nil || seconds < 1 || seconds > 21600:
		refuse(w, http.StatusBadRequest)
	default:
		token := rand.Text()
		s.tokens[token] = time.Now().Add(time.Duration(seconds) * time.Second)
		w.Header().Set(headerTTL, strconv.Itoa(seconds))
		_, _ = io.WriteString(w, token)
	}
}

// Expire makes the tokens that were given out invalid, as a stopped and started
// instance does.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// value is what is at a path: a value, or the names of what is below.
func (s *Server) value(path string) (string, bool) {
	if value, ok := s.values[path]; ok {
		return value, true
	}
	directory := strings.TrimSuffix(path, "/") + "/"
	var names []string
	for p := range s.values {
		below, ok := strings.CutPrefix(p, directory)
		if !ok {
			continue
		}
		if name, _, deeper := strings.Cut(below, "/"); deeper {
			below = name + "/"
		}
		names = append(names, below)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), "\n"), len(names) > 0
}

// refuse answers with a page, as the real service does for everything but data.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
	"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>%[1]d - %[2]s</title>
 </head>
 <body>
  <h1>%[1]d - %[2]s</h1>
 </body>
</html>
`, status, http.StatusText(status))
}
