package metrics

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestListen(t *testing.T) {
	taken := listen(t)
	defer taken.Close()
	for address, want := range map[string]string{
		taken.Addr().String(): "metrics.listen " + taken.Addr().String() + ": address already in use",
		"192.0.2.1:9477":      "metrics.listen 192.0.2.1:9477: cannot assign requested address",
		"127.0.0.1:99999":     "metrics.listen 127.0.0.1:99999: address 99999: invalid port",
		"127.0.0.1":           "metrics.listen 127.0.0.1: address 127.0.0.1: missing port in address",
	} {
		on, err := Listen(address)
		if err == nil {
			on.Close()
			t.Errorf("%s: no error", address)
		} else if err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	}
	if _, err := Listen(taken.Addr().String()); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("%v is not EADDRINUSE", err)
	}
}

func TestServeFails(t *testing.T) {
	on := listen(t)
	address := on.Addr().String()
	on.Close()
	want := "metrics.listen " + address + ": use of closed network connection"
	if err := New(full, well).Serve(t.Context(), on); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
