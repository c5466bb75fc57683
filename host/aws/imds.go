package aws

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/snatd/snatd/host/facts"
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
// use by many goroutines.
type IMDS struct {
	log     *slog.Logger
	reader  reader
	pace    pace
	asked   chan struct{}
	changed chan struct{}

	mu         sync.Mutex
	instance   *Instance
	provenance facts.Provenance
}

// NewIMDS checks the options and the SDK's variables; it asks nothing yet.
func NewIMDS(options Options) (*IMDS, error) {
	if options.Interval == 0 {
		options.Interval = 15 * time.Second
	}
	if options.Timeout == 0 {
		options.Timeout = 5 * time.Second
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Interval < 0 || options.Timeout < 0 {
		return nil, fmt.Errorf("imds: interval %s, timeout %s, accepted: durations of more than 0s", options.Interval, options.Timeout)
	}
	transport := newTransport()
	client, err := newClient(options.Endpoint, transport)
	if err != nil {
		return nil, err
	}
	return &IMDS{
		log:        options.Log,
		reader:     reader{client: client, transport: transport, timeout: options.Timeout},
		pace:       pace{interval: options.Interval},
		asked:      make(chan struct{}, 1),
		changed:    make(chan struct{}, 1),
		provenance: facts.Provenance{Source: source},
	}, nil
}

// Run looks at once, and then again at the interval, after Refresh, and sooner
// after failures, until ctx ends. It must run only once.
func (s *IMDS) Run(ctx context.Context) {
	for {
		// Who asked before this look is served by it.
		drain(s.asked)
		started := time.Now()
		instance, err := s.reader.look(ctx)
		if ctx.Err() != nil {
			return
		}
		done := time.Now()
		wait := s.pace.after(err != nil)
		s.observe(instance, err, done, done.Add(wait))
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		case <-s.asked:
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(done.Add(rest(done.Sub(started))))):
			}
		}
	}
}

// Refresh asks for a look now, as an address or a link has changed. It does not
// wait. Calls that come faster than looks are one.
func (s *IMDS) Refresh() { signal(s.asked) }

// Changed has a tick once the instance, or the error in its provenance, is not
// what it was when the last tick was taken. It is never closed.
func (s *IMDS) Changed() <-chan struct{} { return s.changed }

// Latest is the last instance that was read, whole, and how fresh it is; nil
// until there is one. It is the same pointer as long as the instance is equal.
func (s *IMDS) Latest() (*Instance, facts.Provenance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.instance, s.provenance
}

// observe takes in what a look gave. A failure leaves the instance as it was.
func (s *IMDS) observe(instance *Instance, err error, now, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	failure := s.provenance.Error
	s.provenance.Next = next
	if err != nil {
		s.provenance.Failure, s.provenance.Error = now, err.Error()
		if err.Error() != failure {
			s.log.Warn("the instance metadata service cannot be used: what it said last stays in force", "error", err, "known", s.instance != nil)
			signal(s.changed)
		}
		return
	}
	s.provenance.Success, s.provenance.Error = now, ""
	if failure != "" {
		s.log.Info("the instance metadata service can be used again")
	}
	same := instance.Equal(s.instance)
	if !same {
		s.instance = instance
		s.log.Info("instance metadata changed", "instance", instance.ID, "vpc", instance.VPCCIDRs, "interfaces", len(instance.Interfaces))
	}
	if !same || failure != "" {
		signal(s.changed)
	}
}

// signal leaves one signal in a channel of capacity 1.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default: // there is one that nobody has taken yet
	}
}

// drain takes the signal that may be there.
func drain(from <-chan struct{}) {
	select {
	case <-from:
	default:
	}
}
