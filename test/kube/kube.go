// Package kube gives tests a Kubernetes API server: the real one, with a real
// etcd, and no controllers, no scheduler and no kubelets. What those would do to
// an object a test does, through the functions here.
//
// It knows nothing of what snatd reads from the API server, and nothing of the
// network that the daemon under test is in.
package kube

import (
	"context"
	"sync"
	"time"
)

// patience is how long a request or a start may take: a time that only a broken
// test needs.
const patience = 2 * time.Minute

// T is what this package needs of a *testing.T. [Do] makes one for programs that
// are not tests.
type T interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	TempDir() string
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Skip(args ...any)
}

// shared is the server that tests of this process share.
var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Shared returns a server that all tests of this process share, starting it at
// first use. What a test creates on it is deleted when the test ends; objects of
// other tests are there too. TestMain ends it by [Close].
func Shared(t T) *Server {
	t.Helper()
	Need(t)
	shared.once.Do(func() {
		// Not the context of this test: others use the server after it.
		shared.server, shared.err = start(context.Background())
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// Close ends the shared server, if there is one. It is for TestMain, after the
// tests; a process that is killed takes its servers with it, but leaves their
// files.
func Close() {
	// From now on nobody starts it.
	shared.once.Do(func() {})
	if shared.server != nil {
		shared.server.stop()
	}
}

// Own starts a server for this test alone, which ends with the test: for tests
// that kill it, or that count what is there.
func Own(t T) *Server {
	t.Helper()
	Need(t)
	s, err := start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.own = true
	t.Cleanup(s.stop)
	return s
}
