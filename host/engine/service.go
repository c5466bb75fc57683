package engine

import (
	"context"

	"github.com/snatd/snatd/host/facts"
)

// service is a source of facts that is followed while the configuration asks for
// it, with the settings that it asks for.
type service[V any, K comparable] struct {
	running  *following[V] // nil while nobody asks
	settings K
	stop     context.CancelFunc
	// before is what was known when other settings began.
	before *V
}

// following is a source that is being followed.
type following[V any] struct {
	run func(context.Context)
	// changed ticks when there is something new.
	changed <-chan struct{}
	// latest is the last good value; nil before the first.
	latest  func() *V
	sources func() []facts.Provenance
}

// follow follows the source with these settings, from start. It says whether that
// has just begun. A start that fails leaves what was known in force.
func (s *service[V, K]) follow(ctx context.Context, settings K, start func() (*following[V], error)) (begun bool, err error) {
	if s.running != nil && s.settings == settings {
		return false, nil
	}
	before := s.latest()
	s.close()
	s.before = before
	running, err := start()
	if err != nil {
		return false, err
	}
	ctx, s.stop = context.WithCancel(ctx)
	s.running, s.settings = running, settings
	go running.run(ctx)
	return true, nil
}

// close ends the following; nothing is known then.
func (s *service[V, K]) close() {
	if s.stop != nil {
		s.stop()
	}
	*s = service[V, K]{}
}

// latest is the last good value, nil before the first.
func (s *service[V, K]) latest() *V {
	if s.running != nil {
		if value := s.running.latest(); value != nil {
			return value
		}
	}
	return s.before
}

// changed ticks when there is something new; nil while nobody asks.
func (s *service[V, K]) changed() <-chan struct{} {
	if s.running == nil {
		return nil
	}
	return s.running.changed
}

// sources say how current the facts are now; nil while nobody asks.
func (s *service[V, K]) sources() func() []facts.Provenance {
	if s.running == nil {
		return nil
	}
	return s.running.sources
}

// answered says that the source has told something, if only that it fails, or
// that nobody asks it.
func (s *service[V, K]) answered() bool {
	if s.running == nil || s.running.latest() != nil {
		return true
	}
	for _, provenance := range s.running.sources() {
		if provenance.Error != "" {
			return true
		}
	}
	return false
}
