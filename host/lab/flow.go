package lab

import "sync/atomic"

// flows counts the questions without a connection: each gets a source port or an
// ID that none had before. Else the node's connection tracking could take a new
// question for an old one, which it remembers for minutes, and apply the
// decision of then.
var flows atomic.Uint32

// Ports that questions over UDP come from, outside of the range that the kernel
// chooses from. After so many the first is used again.
const (
	firstPort = 10_000
	ports     = 20_000
)

// newPort returns a source port for UDP.
func newPort() int { return firstPort + int(flows.Add(1)%ports) }

// newID returns an ID for an echo request.
func newID() int { return int(flows.Add(1) % (1 << 16)) }
