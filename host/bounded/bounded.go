// Package bounded serves HTTP to clients that nobody vouches for: however many there are,
// and however slow, they cost the daemon little and hold up nobody else for long. What is
// answered is not known here.
package bounded

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// A connection is for one request, which has to be there within a second, so that who is
// silent or keeps connections holds up nobody's probe.
const (
	// Connections are open at the same time, of some 30 KiB each; more wait for a second
	// at most.
	Connections = 256

	maxHeaderBytes = 16 << 10
	readTimeout    = time.Second
	writeTimeout   = 10 * time.Second // with the making of the answer
)

// Serve answers on a listener until ctx ends, and closes it. It waits for nobody who still
// asks then.
func Serve(ctx context.Context, on net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:        http.MaxBytesHandler(handler, 0), // nothing is told by a body
		ReadTimeout:    readTimeout,
		WriteTimeout:   writeTimeout,
		MaxHeaderBytes: maxHeaderBytes,
	}
	server.SetKeepAlivesEnabled(false)
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(netutil.LimitListener(on, Connections)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
