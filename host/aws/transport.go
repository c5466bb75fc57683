package aws

import (
	"net"
	"net/http"
	"strings"
	"time"
)

// limit is the size in bytes that one value of IMDS may have. The largest that
// exists, the list of an instance's interfaces, has a few hundred.
const limit = 64 << 10

// transport sends requests to a service that is close and says little, one at a
// time. It remembers how the last one went, as the SDK's errors do not always
// tell.
type transport struct {
	client http.Client
	last   exchange
}

// exchange is a request and what came of it.
type exchange struct {
	// path is below /latest/.
	path string
	// status is that of the answer; 0 if there was none.
	status int
	// err is why there was none.
	err error
}

func newTransport() *transport {
	return &transport{client: http.Client{
		// Without a proxy, whatever the environment says: behind it would be the
		// metadata of another machine.
		Transport: &http.Transport{
			DialContext: (&net.Dialer{Timeout: time.Second}).DialContext,
			// A look uses one connection, the next look a new one.
			IdleConnTimeout:        time.Second,
			MaxIdleConns:           1,
			MaxResponseHeaderBytes: limit,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Do makes a request. Reading more than limit bytes of its response is an
// *http.MaxBytesError.
func (t *transport) Do(request *http.Request) (*http.Response, error) {
	t.last = exchange{path: strings.TrimPrefix(request.URL.Path, "/latest/")}
	response, err := t.client.Do(request)
	if err != nil {
		t.last.err = err
		return nil, err
	}
	t.last.status = response.StatusCode
	response.Body = http.MaxBytesReader(nil, response.Body, limit)
	return response, nil
}
