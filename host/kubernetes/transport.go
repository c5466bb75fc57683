package kubernetes

import (
	"context"
	"net/http"
)

// attempt is what became of the last request for a watch.
type attempt struct{ err error }

type attemptKey struct{}

// transport notes why a request got no answer. client-go takes a connection that
// ends before the answer, as behind a load balancer without a server, for a watch
// in which nothing happened.
type transport struct{ next http.RoundTripper }

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	if noted, ok := request.Context().Value(attemptKey{}).(*attempt); ok {
		noted.err = err
	}
	return response, err
}

// noting is a context whose requests note in the attempt what became of them.
func noting(ctx context.Context) (context.Context, *attempt) {
	noted := &attempt{}
	return context.WithValue(ctx, attemptKey{}, noted), noted
}
