package metrics

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"golang.org/x/sys/unix"
)

func TestListen(t *testing.T) {
	taken := listen(t)
	defer taken.Close()
	for address, want := range map[string]string{
		taken.Addr().String(): taken.Addr().String() + ": address already in use",
		"192.0.2.1:9477":      "192.0.2.1:9477: cannot assign requested address",
		"127.0.0.1:99999":     "127.0.0.1:99999: address 99999: invalid port",
		"127.0.0.1":           "127.0.0.1: address 127.0.0.1: missing port in address",
	} {
		port := NewPort(address)
		for range 2 {
			if err := port.Listen(); err == nil || err.Error() != want {
				t.Errorf("error %v, want %q", err, want)
			}
		}
	}
	if err := NewPort(taken.Addr().String()).Listen(); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("%v is not EADDRINUSE", err)
	}
}

// A port that is taken is served once it is free.
func TestListenLater(t *testing.T) {
	taken := listen(t)
	address := taken.Addr().String()
	port := NewPort(address)
	if err := port.Listen(); err == nil {
		t.Fatal("a port that another listens at")
	}
	served := make(chan error)
	ctx, stop := context.WithCancel(t.Context())
	go func() { served <- New(full, well).Serve(ctx, port) }()
	taken.Close()
	for range 2 { // it is had already
		if err := port.Listen(); err != nil {
			t.Fatal(err)
		}
	}
	response, err := http.Get("http://" + address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// Without an address nobody listens.
func TestListenNowhere(t *testing.T) {
	port := NewPort("")
	if err := port.Listen(); err != nil {
		t.Error(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := New(full, well).Serve(ctx, port); err != nil {
		t.Error(err)
	}
}

func TestServeFails(t *testing.T) {
	on := listen(t)
	address := on.Addr().String()
	on.Close()
	want := "metrics.listen " + address + ": use of closed network connection"
	if err := New(full, well).Serve(t.Context(), listening(on)); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
