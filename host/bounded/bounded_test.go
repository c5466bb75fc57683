package bounded

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A body costs nothing, however large: nobody reads it.
func TestNoBodies(t *testing.T) {
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
		w.WriteHeader(http.StatusNoContent)
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, on, handler) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for body, refused := range map[string]bool{"": false, "x": true} {
		response, err := http.Post("http://"+on.Addr().String()+"/", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if err := <-read; (err != nil) != refused {
			t.Errorf("a body of %d bytes: %v", len(body), err)
		}
	}
}
