// Package ec2test is a fake of the EC2 API, for tests only: of the four actions
// that tell about a VPC's network. It speaks the query protocol as the real one
// does, with filters and pages, about what a test puts into it, and fails in the
// ways that the real one fails.
//
// It knows nothing of what snatd makes of the answers, nor of the SDK.
package ec2test

import (
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/snatd/snatd/host/aws/fake"
)

// The actions that the fake answers.
const (
	RouteTables       = "DescribeRouteTables"
	PrefixLists       = "DescribeManagedPrefixLists"
	PrefixListEntries = "GetManagedPrefixListEntries"
	Peerings          = "DescribeVpcPeeringConnections"
)

// Server is a fake that listens. Everything about it may be changed while it
// serves. Its requests are for actions.
type Server struct {
	*fake.Server

	mu       sync.Mutex
	network  Network
	pageSize int
	region   string
}

// Start starts a fake on a port of 127.0.0.1, which knows of nothing. It ends
// with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartOn(t, "127.0.0.1:0", net.Listen)
}

// StartOn starts a fake that listens by means of a function like net.Listen, for
// example in another network namespace. It is called with address at first, and
// with the address that was chosen after Refuse.
func StartOn(t testing.TB, address string, listen func(network, address string) (net.Listener, error)) *Server {
	t.Helper()
	s := &Server{pageSize: 100}
	s.Server = fake.Start(t, address, listen, http.HandlerFunc(s.serve))
	return s
}

// Set sets what there is, in place of what was there.
func (s *Server) Set(network Network) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.network = network
}

// SetPageSize sets how many items an answer has at most; 100 unless it is set.
func (s *Server) SetPageSize(items int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pageSize = items
}

// Region is the region that the last request was signed for.
func (s *Server) Region() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.region
}
