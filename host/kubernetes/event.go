package kubernetes

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Event is something on the node that the cluster's operators should see, as a warning of
// the Node object.
type Event struct {
	Reason  string // for programs, such as ModuleFailed
	Message string // for people
}

// Limits, for a node that has much to tell and for a cluster with many such nodes: so many of
// a reason. The same is told once an hour, which is how long the API server keeps it by
// default.
const (
	eventsAtOnce   = 10
	eventsEvery    = time.Minute // after those
	maxEvents      = 64          // that wait
	maxMessage     = 1024        // bytes, of the API
	tellAgainAfter = time.Hour
	eventTimeout   = 10 * time.Second
	eventRetry     = 30 * time.Second
)

// component is who tells.
const component = "snatd"

// events tells the API server what happens on the node.
type events struct {
	node    string
	log     *slog.Logger
	create  func(context.Context, *corev1.Event) error
	queue   chan happened
	limits  map[string]*rate.Limiter // by reason
	told    map[Event]time.Time
	refused string // why the last one was; empty: it was not
}

// happened is an event, and when.
type happened struct {
	Event
	at time.Time
}

func newEvents(node string, log *slog.Logger, create func(context.Context, *corev1.Event) error) *events {
	return &events{
		node: node, log: log, create: create, queue: make(chan happened, maxEvents),
		limits: map[string]*rate.Limiter{}, told: map[Event]time.Time{},
	}
}

// Tell tells the cluster's operators of an event, as soon as the API server takes it. It
// does not wait for that. Of many at once the last are left out, and so is what was told
// within an hour.
func (c *Cluster) Tell(e Event) { c.events.add(e) }

func (s *events) add(e Event) {
	if len(e.Message) > maxMessage {
		const more = " ..."
		e.Message = strings.ToValidUTF8(e.Message[:maxMessage-len(more)], "") + more
	}
	select {
	case s.queue <- happened{e, time.Now()}:
	default:
		s.log.Debug("too many events wait", "reason", e.Reason, "message", e.Message)
	}
}

func (s *events) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-s.queue:
			if s.fresh(e) {
				s.tell(ctx, e)
			}
		}
	}
}

// fresh says whether the event was not told within an hour, nor too many for its reason, and
// takes note of it.
func (s *events) fresh(e happened) bool {
	for old, at := range s.told {
		if e.at.Sub(at) > tellAgainAfter {
			delete(s.told, old)
		}
	}
	if _, known := s.told[e.Event]; known {
		return false
	}
	limit, known := s.limits[e.Reason]
	if !known {
		limit = rate.NewLimiter(rate.Every(eventsEvery), eventsAtOnce)
		s.limits[e.Reason] = limit
	}
	if !limit.AllowN(e.at, 1) {
		s.log.Debug("too many events", "reason", e.Reason, "message", e.Message)
		return false
	}
	s.told[e.Event] = e.at
	return true
}

// tell creates the event, when it can: the API server may be away for a while.
func (s *events) tell(ctx context.Context, e happened) {
	object := s.object(e)
	for {
		within, cancel := context.WithTimeout(ctx, eventTimeout)
		err := s.create(within, object)
		cancel()
		switch {
		case err == nil || apierrors.IsAlreadyExists(err):
			s.refused = ""
			return
		case ctx.Err() != nil:
			return
		case refuses(err):
			if reason := text(err); s.refused != reason {
				s.refused = reason
				s.log.Warn("the API server takes no events", "error", reason)
			}
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(eventRetry):
		}
	}
}

// refuses says that another try will not help.
func refuses(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsInvalid(err) ||
		apierrors.IsBadRequest(err) || apierrors.IsNotFound(err)
}

// object is what the API server gets. Events of nodes are in the namespace "default", and
// have the node's name for its UID, as the kubelet's have: "kubectl describe node" looks
// for that.
func (s *events) object(e happened) *corev1.Event {
	node, at := s.node, metav1.NewTime(e.at)
	return &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: fmt.Sprintf("%s.%s.%x", node, component, at.UnixNano()), Namespace: metav1.NamespaceDefault},
		InvolvedObject: corev1.ObjectReference{Kind: "Node", Name: node, UID: types.UID(node)},
		Reason:         e.Reason, Message: e.Message, Type: corev1.EventTypeWarning, Count: 1,
		FirstTimestamp: at, LastTimestamp: at,
		Source:              corev1.EventSource{Component: component, Host: node},
		ReportingController: component, ReportingInstance: node,
	}
}
