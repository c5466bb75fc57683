package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/snatd/snatd/host/facts"
)

// service is a source of facts that is followed while the configuration asks for
// it, with the settings that it asks for.
type service[V any, K comparable] struct {
	running  *following[V] // nil while nobody asks, and where it cannot begin
	settings K
	stop     context.CancelFunc
	// before is what was known when other settings began, and known how current
	// that was, by source.
	before *V
	known  map[string]time.Time
	// failure says why it cannot begin.
	failure facts.Provenance
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
func (s *service[V, K]) follow(ctx context.Context, name string, settings K, start func() (*following[V], error)) (begun bool, err error) {
	if s.running != nil && s.settings == settings {
		return false, nil
	}
	before, known := s.latest(), map[string]time.Time{}
	maps.Copy(known, s.known)
	for _, p := range s.provenance() {
		known[p.Source] = p.Success
	}
	failing := s.failure
	s.close()
	s.before, s.known = before, known
	running, err := start()
	if err != nil {
		failing.Source, failing.Success = name, known[name]
		failing.Fail(time.Now(), err.Error())
		s.failure = failing
		return false, err
	}
	ctx, s.stop = context.WithCancel(ctx)
	s.running, s.settings = running, settings
	go running.run(ctx)
	return true, nil
}

// close ends the following and forgets what was known.
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

// provenance says how current the facts are now.
func (s *service[V, K]) provenance() []facts.Provenance {
	if sources := s.sources(); sources != nil {
		return sources()
	}
	return nil
}

// sources is provenance for others to ask later, when s may be another; nil while
// nobody asks.
func (s *service[V, K]) sources() func() []facts.Provenance {
	switch {
	case s.running != nil:
		sources, known := s.running.sources, s.known
		return func() []facts.Provenance { return current(sources, known) }
	case s.failure.Source != "":
		failure := s.failure
		return func() []facts.Provenance { return []facts.Provenance{failure} }
	}
	return nil
}

// current is what sources say, with what was known before they were asked.
func current(sources func() []facts.Provenance, known map[string]time.Time) []facts.Provenance {
	list := sources()
	for i, p := range list {
		if p.Success.IsZero() {
			list[i].Success = known[p.Source]
		}
	}
	return list
}

// answered says that the source has told everything, if only that it fails, or
// that nobody asks it.
func (s *service[V, K]) answered() bool {
	if s.running == nil || s.running.latest() != nil {
		return true
	}
	return !slices.ContainsFunc(s.running.sources(), func(p facts.Provenance) bool {
		return p.Success.IsZero() && p.Error == ""
	})
}
