package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"

	"golang.org/x/sys/unix"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Texts are the same at each try.
func TestReason(t *testing.T) {
	addr := func(port int) net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }
	reset := &net.OpError{Op: "read", Net: "tcp", Source: addr(50000), Addr: addr(6443), Err: unix.ECONNRESET}
	at := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://127.0.0.1:6443/api/v1/pods?timeoutSeconds=417", Err: err}
	}
	pods := schema.GroupResource{Resource: "pods"}
	for _, c := range []struct {
		err  error
		want string
	}{
		{at(reset), "read tcp 127.0.0.1:6443: connection reset by peer"},
		{at(errors.New("tls: bad certificate")), "tls: bad certificate"},
		{at(context.DeadlineExceeded), "no answer within 30s"},
		{fmt.Errorf("failed to list *v1.Pod: %w", final(at(reset))), "read tcp 127.0.0.1:6443: connection reset by peer"},
		{fmt.Errorf("failed to list *v1.Pod: %w", final(apierrors.NewForbidden(pods, "", errors.New("who are you")))), "pods is forbidden: who are you"},
	} {
		if got := reason(c.err); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// What a reflector is made for, it sees as it is.
func TestFinal(t *testing.T) {
	for _, err := range []error{apierrors.NewResourceExpired("old"), apierrors.NewGone("old"), apierrors.NewTimeoutError("new", 1)} {
		if final(err) != err {
			t.Errorf("%v is hidden", err)
		}
	}
	if refused := (&net.OpError{Op: "dial", Err: unix.ECONNREFUSED}); errors.Is(final(refused), unix.ECONNREFUSED) {
		t.Error("a refused connection is seen")
	}
}
