package aws_test

import (
	"context"
	"testing"
	"time"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/imdstest"
	"github.com/snatd/snatd/host/facts"
)

const (
	primary   = "02:00:00:00:00:01"
	secondary = "02:00:00:00:00:02"
)

// eth0 is the primary interface of the node in these tests.
var eth0 = imdstest.Interface{
	MAC: primary, Device: "0", Subnet: "10.0.0.0/24", Addresses: "10.0.0.10", VPC: "10.0.0.0/16",
}

// eth1 is a second one.
var eth1 = imdstest.Interface{
	MAC: secondary, Device: "1", Subnet: "10.0.1.0/24", Addresses: "10.0.1.10", VPC: "10.0.0.0/16",
}

// serve starts a fake with the node of these tests.
func serve(t *testing.T) *imdstest.Server {
	t.Helper()
	server := imdstest.Start(t)
	server.Set(imdstest.Node(eth0, eth1))
	return server
}

// follow follows a fake until the test ends. It looks again only when asked,
// unless the options say otherwise.
func follow(t *testing.T, server *imdstest.Server, options aws.Options) *aws.IMDS {
	t.Helper()
	options.Endpoint = server.URL()
	if options.Interval == 0 {
		options.Interval = time.Hour
	}
	s, err := aws.NewIMDS(options)
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	return s
}

// follower is a source of facts.
type follower[T any] interface {
	Run(ctx context.Context)
	Changed() <-chan struct{}
	Latest() (*T, facts.Provenance)
}

// run runs until the test ends.
func run[T any](t *testing.T, s follower[T]) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

// await waits until what is known fulfils a condition, and looks only when told
// of a change.
func await[T any](t *testing.T, s follower[T], what string, is func(*T, facts.Provenance) bool) (*T, facts.Provenance) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		value, provenance := s.Latest()
		if is(value, provenance) {
			return value, provenance
		}
		select {
		case <-s.Changed():
		case <-deadline:
			t.Fatalf("waiting for %s: there is %+v from %+v", what, value, provenance)
		}
	}
}

func known[T any](value *T, p facts.Provenance) bool { return value != nil && p.Error == "" }
func failing[T any](_ *T, p facts.Provenance) bool   { return p.Error != "" }

// poll waits for a condition that nothing tells of.
func poll(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
