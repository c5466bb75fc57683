package kubernetes

import (
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// steady is how long a watch lives at least that is not cut at once.
const steady = 5 * time.Second

// stream is a watch that the server has answered. It passes the events on, and
// notes how the watch fares: client-go does not tell why one ended.
type stream struct {
	from     watch.Interface
	events   chan watch.Event
	stopped  chan struct{}
	stop     func()
	began    time.Time
	timer    *time.Timer
	listener listener

	mu   sync.Mutex
	fare fare
}

// fare is how a watch has fared so far.
type fare struct {
	listing bool // the events are those of a list, and no changes yet
	moved   bool // it has brought a change
	held    bool // it has lived for as long as is steady since it brings changes
	err     error
}

// newStream follows a watch. One that is listing brings what there is, and then
// the changes.
func newStream(from watch.Interface, listing bool, listener listener) *stream {
	s := &stream{
		from: from, events: make(chan watch.Event), stopped: make(chan struct{}), began: time.Now(), listener: listener,
		fare: fare{listing: true},
	}
	s.stop = sync.OnceFunc(func() {
		close(s.stopped)
		from.Stop()
	})
	s.timer = time.AfterFunc(steady, s.held)
	if listing {
		s.timer.Stop()
	} else {
		s.listed()
	}
	go s.pass()
	return s
}

// Stop ends the watch.
func (s *stream) Stop() { s.stop() }

// ResultChan has the events.
func (s *stream) ResultChan() <-chan watch.Event { return s.events }

func (s *stream) pass() {
	defer close(s.events)
	defer s.timer.Stop()
	for event := range s.from.ResultChan() {
		s.note(event)
		select {
		case s.events <- event:
		case <-s.stopped:
			return
		}
	}
}

func (s *stream) note(event watch.Event) {
	switch event.Type {
	case watch.Error:
		s.timer.Stop()
		s.mu.Lock()
		s.fare.err = apierrors.FromObject(event.Object)
		s.mu.Unlock()
	case watch.Bookmark:
		if object, err := meta.Accessor(event.Object); err == nil && object.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true" {
			s.listed()
		}
	default:
		s.mu.Lock()
		s.fare.moved = !s.fare.listing
		s.mu.Unlock()
	}
}

// listed notes that from now on there are changes only.
func (s *stream) listed() {
	s.mu.Lock()
	first := s.fare.listing
	s.fare.listing = false
	s.mu.Unlock()
	if first {
		s.timer.Reset(steady)
		s.listener.opened()
	}
}

func (s *stream) held() {
	s.mu.Lock()
	s.fare.held = true
	s.mu.Unlock()
	s.listener.held()
}

// fared is how the watch has fared.
func (s *stream) fared() fare {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fare
}
