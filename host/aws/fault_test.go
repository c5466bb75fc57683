package aws_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/fake"
	"github.com/snatd/snatd/host/aws/imdstest"
	"github.com/snatd/snatd/host/facts"
)

// A look is all or nothing: whatever fails, and wherever in the middle.
func TestFaults(t *testing.T) {
	t.Parallel()
	const vpc = macs + primary + "/vpc-ipv4-cidr-blocks" // what is read last
	for _, c := range []struct {
		name    string
		path    string
		fault   fake.Fault
		timeout time.Duration
		error   string
	}{
		{"throttled", "", imdstest.Status(http.StatusTooManyRequests), 0,
			"api/token: http status 429 Too Many Requests"},
		{"throttled in the middle", vpc, imdstest.Status(http.StatusTooManyRequests), 0,
			"network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: http status 429 Too Many Requests"},
		{"unavailable", macs, imdstest.Status(http.StatusServiceUnavailable), 0,
			"network/interfaces/macs/: http status 503 Service Unavailable"},
		{"unavailable where nothing may be", macs + primary + "/ipv4-prefix", imdstest.Status(http.StatusServiceUnavailable), 0,
			"network/interfaces/macs/02:00:00:00:00:01/ipv4-prefix: http status 503 Service Unavailable"},
		{"redirected", imdstest.MAC, imdstest.Status(http.StatusFound), 0,
			"mac: http status 302 Found"},
		{"unauthorized for ever", vpc, imdstest.Status(http.StatusUnauthorized), 0,
			"network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: http status 401 Unauthorized"},
		{"truncated", vpc, fake.Truncate, 0,
			"network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: unexpected EOF"},
		{"truncated identity", identity, fake.Truncate, 0,
			"dynamic/instance-identity/document: unexpected EOF"},
		{"reset", vpc, fake.Reset, 0,
			"network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: read tcp SERVER: read: connection reset by peer"},
		{"slow", vpc, fake.Stall, 2 * time.Second,
			"network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: no complete answer within 2s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t)
			server.Fail(c.path, c.fault)
			instance, provenance := await(t, follow(t, server, aws.Options{Timeout: c.timeout}), "an error", failing)
			want := "imds: " + strings.ReplaceAll(c.error, "SERVER", strings.TrimPrefix(server.URL(), "http://"))
			if provenance.Error != want {
				t.Errorf("got  %s\nwant %s", provenance.Error, want)
			}
			if instance != nil {
				t.Errorf("there is %+v nevertheless", instance)
			}
		})
	}
}

func TestConnectionRefused(t *testing.T) {
	t.Parallel()
	// On an address of its own: nobody takes the port meanwhile.
	server := imdstest.StartOn(t, "127.0.0.2:0", net.Listen)
	server.Refuse()
	_, provenance := await(t, follow(t, server, aws.Options{}), "an error", failing)
	address := strings.TrimPrefix(server.URL(), "http://")
	if want := "imds: api/token: dial tcp " + address + ": connect: connection refused"; provenance.Error != want {
		t.Errorf("got  %s\nwant %s", provenance.Error, want)
	}
}

// What passes at once is no failure.
func TestRetryWithinLook(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*imdstest.Server){
		"token expired":            (*imdstest.Server).Expire,
		"unavailable once":         func(s *imdstest.Server) { s.Fail(macs, fake.Once(imdstest.Status(http.StatusServiceUnavailable))) },
		"token expires in a look":  func(s *imdstest.Server) { s.Fail(macs, fake.Once(s.Expired)) },
		"token is refused at once": func(s *imdstest.Server) { s.Expire(); s.Fail("api/token", fake.Once(imdstest.Status(503))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t)
			s := follow(t, server, aws.Options{})
			await(t, s, "an instance", known)
			server.Remove(macs + secondary)
			fail(server)
			s.Refresh()
			_, provenance := await(t, s, "a change", func(i *aws.Instance, p facts.Provenance) bool {
				return len(i.Interfaces) == 1 || p.Error != ""
			})
			if provenance.Error != "" {
				t.Error(provenance.Error)
			}
		})
	}
}

// A token that is not given is not a value that is not there.
func TestNoTokenForOptionalValue(t *testing.T) {
	t.Parallel()
	server := serve(t)
	s := follow(t, server, aws.Options{})
	before, _ := await(t, s, "an instance", known)
	server.Fail("api/token", fake.Once(imdstest.Status(http.StatusNotFound)))
	server.Fail(macs+primary+"/local-ipv4s", server.Expired)
	s.Refresh()
	after, provenance := await(t, s, "an error", failing)
	if want := "imds: api/token: http status 404 Not Found"; provenance.Error != want {
		t.Errorf("got  %s\nwant %s", provenance.Error, want)
	}
	if before != after {
		t.Errorf("the last good instance is replaced by %+v", after)
	}
}

func TestTokenFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fault   fake.Fault
		timeout time.Duration
		error   string
	}{
		{"metadata switched off", imdstest.Status(http.StatusForbidden), 0, "imds: api/token: http status 403 Forbidden"},
		{"only version 1", imdstest.Status(http.StatusNotFound), 0, "imds: api/token: http status 404 Not Found"},
		{"too few hops", fake.Stall, time.Second, "imds: api/token: no complete answer within 1s"},
		{"bad request", imdstest.Status(http.StatusBadRequest), 0, "imds: api/token: http status 400 Bad Request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t)
			server.Fail("api/token", c.fault)
			s := follow(t, server, aws.Options{Timeout: c.timeout})
			instance, provenance := await(t, s, "an error", failing)
			if provenance.Error != c.error {
				t.Errorf("got  %s\nwant %s", provenance.Error, c.error)
			}
			if instance != nil {
				t.Errorf("read without a token: %+v", instance)
			}
		})
	}
}
