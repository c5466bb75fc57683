package aws

import (
	"math/rand/v2"
	"time"
)

// firstRetry is how long after a first failure IMDS is asked again.
const firstRetry = time.Second

// pace says how long to wait between looks.
type pace struct {
	interval time.Duration
	// retry is the wait after the failure before; 0 if there was none.
	retry time.Duration
}

// after is how long to wait after a look: about the interval, so that the nodes
// of a cluster do not ask in step, or less after failures.
func (p *pace) after(failed bool) time.Duration {
	if !failed {
		p.retry = 0
		return time.Duration((0.9 + 0.2*rand.Float64()) * float64(p.interval))
	}
	p.retry = min(max(firstRetry, 2*p.retry), p.interval)
	return p.retry
}

// rest is how long IMDS is left alone after a look, whoever asks: each pod that
// comes changes a link, and what talks to IMDS shares a budget of packets with
// the node's DNS. Looking a tenth of the time leaves most of it, however much
// there is to read.
func rest(took time.Duration) time.Duration {
	return min(10*took, firstRetry)
}
