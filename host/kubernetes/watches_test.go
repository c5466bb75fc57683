package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/klog/v2"
)

// answer is what a server makes of a watch: an error, or nothing for a time, and
// then events and the end.
type answer struct {
	err    error
	quiet  time.Duration
	events []watch.Event
}

// serve is a lister of a server that answers watches in turn, and in the end
// always the same.
type serve struct {
	// streams says that the server lists by a watch.
	streams bool
	began   time.Time

	mu      sync.Mutex
	answers []answer
	lists   int
	watches []time.Duration // when they were asked for
}

// asked is how many lists were asked for so far, and when watches were.
func (s *serve) asked() (lists int, watches []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists, slices.Clone(s.watches)
}

func (s *serve) lister() lister {
	return lister{
		example: &corev1.Pod{},
		list: func(context.Context, metav1.ListOptions) (runtime.Object, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.lists++
			return &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}, nil
		},
		watch: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			if options.SendInitialEvents != nil && !s.streams {
				return nil, apierrors.NewInvalid(schema.GroupKind{Kind: "ListOptions"}, "", nil)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.watches = append(s.watches, time.Since(s.began))
			answer := s.answers[0]
			if len(s.answers) > 1 {
				s.answers = s.answers[1:]
			}
			if answer.err != nil {
				return nil, answer.err
			}
			w := watch.NewFakeWithChanSize(len(answer.events), false)
			go func() {
				select {
				case <-ctx.Done():
				case <-time.After(answer.quiet):
					for _, event := range answer.events {
						w.Action(event.Type, event.Object)
					}
				}
				w.Stop()
			}()
			return w, nil
		},
	}
}

func failure(err *apierrors.StatusError) []watch.Event {
	return []watch.Event{{Type: watch.Error, Object: &err.ErrStatus}}
}

var (
	change   = watch.Event{Type: watch.Added, Object: object(nil)}
	bookmark = watch.Event{Type: watch.Bookmark, Object: object(func(p *corev1.Pod) { p.ResourceVersion = "2" })}
	// complete is the end of a list.
	complete = watch.Event{Type: watch.Bookmark, Object: object(func(p *corev1.Pod) {
		p.ResourceVersion, p.Annotations = "2", map[string]string{metav1.InitialEventsAnnotationKey: "true"}
	})}
	expired = apierrors.NewResourceExpired("too old resource version: 1 (5)")
)

// follow runs a feed of a server in a bubble of time. It returns what client-go
// logs there.
func follow(t *testing.T, s *serve) (f *feed[pod], told *atomic.Int32, log *bytes.Buffer) {
	log = &bytes.Buffer{}
	klog.SetSlogLogger(slog.New(debugging{slog.NewTextHandler(log, nil)}))
	told = new(atomic.Int32)
	s.began = time.Now()
	f = newFeed("pods", s.lister(), func(arrived time.Time) {
		if arrived.IsZero() {
			told.Add(1)
		}
	}, func(object any) (pod, bool, error) { return convertPod(object, "ipv4") }, all)
	ctx, cancel := context.WithCancel(t.Context())
	go f.run(ctx)
	t.Cleanup(func() {
		cancel()
		synctest.Wait()
		klog.ClearLogger()
	})
	return f, told, log
}

// after lets time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// A server that ends watches is asked less and less often, and told of once.
func TestWatchesThatFail(t *testing.T) {
	const atOnce = "the server ends watches at once"
	for _, c := range []struct {
		name    string
		streams bool
		answer  answer
		want    string
	}{
		{"nothing", false, answer{}, atOnce},
		{"a bookmark", false, answer{events: []watch.Event{bookmark}}, atOnce},
		{"error", false, answer{events: failure(apierrors.NewInternalError(errors.New("no leader")))}, "Internal error occurred: no leader"},
		{"too many requests", false, answer{events: failure(apierrors.NewTooManyRequests("too many watches", 1))}, "too many watches"},
		{"error after a change", false, answer{events: append([]watch.Event{change}, failure(apierrors.NewBadRequest("odd"))...)}, "odd"},
		{"expired", false, answer{events: failure(expired)}, "too old ..."},
		{"refused as expired", false, answer{err: expired}, "too old ..."},
		{"denied", false, answer{err: apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("verb watch"))}, "pods is forbidden: verb watch"},
		{"nothing of a list", true, answer{}, atOnce},
		{"no more than a list", true, answer{events: []watch.Event{change, complete}}, atOnce},
		{"list expired", true, answer{events: failure(expired)}, "too old ..."},
		{"list refused as expired", true, answer{err: expired}, "too old ..."},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &serve{streams: c.streams, answers: []answer{c.answer}}
				f, told, log := follow(t, s)
				after(3 * time.Minute)
				if p := f.current(); p.Error != c.want || told.Load() != 1 || log.Len() > 0 {
					t.Errorf("told %d times, %+v, client-go logs %q", told.Load(), p, log)
				}
				// With pauses of 1, 2, 4, 8 and 15 seconds there are 16 tries or so, and
				// a watch that is to list is another one.
				if lists, watches := s.asked(); lists > 20 || len(watches) > 40 {
					t.Errorf("%d lists, watches at %v", lists, watches)
				}
			})
		})
	}
}

// What is no failure is told to nobody.
func TestWatchesThatDoNotFail(t *testing.T) {
	for _, c := range []struct {
		name    string
		streams bool
		answers []answer
		// most are the watches that there are at most.
		most int
	}{
		{"holds", false, []answer{{quiet: time.Hour}}, 1},
		{"holds after a list", true, []answer{{events: []watch.Event{change, complete}, quiet: time.Hour}}, 1},
		{"ends now and then", false, []answer{{quiet: time.Minute}}, 4},
		{"error now and then", false, []answer{{quiet: time.Minute, events: failure(apierrors.NewInternalError(errors.New("no leader")))}}, 4},
		{"expired once", false, []answer{{events: failure(expired)}, {quiet: time.Hour}}, 2},
		{"expired now and then", false, []answer{{quiet: time.Minute, events: failure(expired)}}, 4},
		{"refused as expired once", true, []answer{{err: expired}, {events: failure(expired)}, {quiet: time.Hour}}, 3},
		{"ends after each change", false, []answer{{events: []watch.Event{change}}}, 182},
		{"lists in part only", true, []answer{{events: []watch.Event{change}}, {quiet: time.Hour}}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &serve{streams: c.streams, answers: c.answers}
				f, told, log := follow(t, s)
				after(3 * time.Minute)
				if p := f.current(); p.Error != "" || !p.Failure.IsZero() || told.Load() != 0 || log.Len() > 0 {
					t.Errorf("told %d times, %+v, client-go logs %q", told.Load(), p, log)
				}
				if _, watches := s.asked(); len(watches) > c.most {
					t.Errorf("%d watches, at %v", len(watches), watches)
				}
			})
		})
	}
}

// A watch mends what failed before it as soon as it is answered, but for watches
// that were cut: it has to hold first.
func TestWatchMends(t *testing.T) {
	for _, c := range []struct {
		name   string
		failed answer
		cut    bool
	}{
		{"denied", answer{err: apierrors.NewUnauthorized("who are you")}, false},
		{"cut", answer{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &serve{answers: []answer{c.failed, c.failed, c.failed, {quiet: time.Minute}, c.failed}}
				f, told, _ := follow(t, s)
				for {
					after(100 * time.Millisecond)
					if _, watches := s.asked(); len(watches) == 4 {
						break
					}
				}
				if p := f.current(); (p.Error != "") != c.cut || !p.Next.IsZero() {
					t.Errorf("begun: %+v", p)
				}
				after(steady)
				if p := f.current(); p.Error != "" || told.Load() != 2 {
					t.Errorf("held: told %d times, %+v", told.Load(), p)
				}
				// A watch that held is as good as the first.
				after(time.Minute)
				if p := f.current(); p.Error == "" || told.Load() != 3 {
					t.Errorf("failed again: told %d times, %+v", told.Load(), p)
				}
				if _, at := s.asked(); at[5]-at[4] > 1100*time.Millisecond {
					t.Errorf("watches at %v", at)
				}
			})
		})
	}
}
