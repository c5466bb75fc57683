package policy

import (
	"context"
	"sync"
)

// spare is a started instance that waits for the next evaluation. Where starting
// takes long, as that of a Go program does, restoring takes a twentieth. It costs
// the instance's memory twice, so it is kept only while there are evaluations: from
// the second on, and until rest. A nil spare keeps nothing.
type spare struct {
	globals []string // the names of those that are mutable

	mu     sync.Mutex
	starts int // since rest
	idle   *instance
}

// take returns the instance that is kept; nil if there is none.
func (s *spare) take() (i *instance) {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, s.idle = s.idle, nil
	return i
}

// started is told of each start, and has the instance remember what it is then if
// it is worth keeping.
func (s *spare) started(i *instance) {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.starts++
	again := s.starts > 1
	s.mu.Unlock()
	if again {
		i.remember(s.globals)
	}
}

// put keeps an instance, which is restored, unless there is one already.
func (s *spare) put(i *instance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle != nil {
		return false
	}
	s.idle = i
	return true
}

func (s *spare) rest() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle != nil {
		s.idle.close(context.Background())
	}
	s.starts, s.idle = 0, nil
}
