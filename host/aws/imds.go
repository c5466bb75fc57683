package aws

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/snatd/snatd/host/source"
)

// Options are how IMDS is followed.
type Options struct {
	// Interval is about how often IMDS is read, 10 % more or less; 15 s if zero.
	Interval time.Duration
	// Timeout is how long one look may take, with all its requests and their
	// retries; 5 s if zero.
	Timeout time.Duration
	// Endpoint is the URL of the service. If empty it is what
	// AWS_EC2_METADATA_SERVICE_ENDPOINT or AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE
	// say, or http://169.254.169.254.
	Endpoint string
	// Log is told what changes, not every look; nil for nothing.
	Log *slog.Logger
}

// IMDS follows the instance metadata service, with IMDSv2 only. It is safe for
// use by many goroutines. Refresh is for an address or a link that has changed.
type IMDS struct{ *source.Poller[Instance] }

// NewIMDS checks the options and the SDK's variables; it asks nothing yet.
func NewIMDS(options Options) (*IMDS, error) {
	if options.Interval == 0 {
		options.Interval = 15 * time.Second
	}
	if options.Timeout == 0 {
		options.Timeout = 5 * time.Second
	}
	if options.Interval < 0 || options.Timeout < 0 {
		return nil, fmt.Errorf("imds: interval %s, timeout %s, accepted: durations of more than 0s", options.Interval, options.Timeout)
	}
	transport := newTransport()
	client, err := newClient(options.Endpoint, transport)
	if err != nil {
		return nil, err
	}
	reader := reader{client: client, transport: transport, timeout: options.Timeout}
	return &IMDS{source.NewPoller(source.Options[Instance]{
		Name:     "imds",
		Title:    "the instance metadata service",
		Subject:  "instance metadata",
		Interval: options.Interval,
		// Also the longest rest between looks that Refresh asks for: each pod that
		// comes changes a link, and what talks to IMDS shares a budget of packets
		// with the node's DNS.
		FirstRetry: time.Second,
		Look:       reader.look,
		Equal:      (*Instance).Equal,
		Attributes: func(i *Instance) []any {
			return []any{"instance", i.ID, "vpc", i.VPCCIDRs, "interfaces", len(i.Interfaces)}
		},
		Log: options.Log,
	})}, nil
}
