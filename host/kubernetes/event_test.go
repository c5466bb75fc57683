package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// teller has events, and what an API server takes of them.
type teller struct {
	*events
	log strings.Builder

	mu    sync.Mutex
	tries int
	told  []*corev1.Event
}

// took is what the server took so far, and after how many tries.
func (t *teller) took() (told []*corev1.Event, tries int) {
	synctest.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.told), t.tries
}

// tellers runs a test in a bubble of its own time, with a server that answers each try.
func tellers(t *testing.T, answer func(try int) error, test func(t *testing.T, to *teller)) {
	synctest.Test(t, func(t *testing.T) {
		to := &teller{}
		to.events = newEvents("node-a", slog.New(slog.NewTextHandler(&to.log, nil)), func(_ context.Context, e *corev1.Event) error {
			to.mu.Lock()
			defer to.mu.Unlock()
			to.tries++
			err := answer(to.tries)
			if err == nil {
				to.told = append(to.told, e)
			}
			return err
		})
		go to.run(t.Context())
		test(t, to)
	})
}

func taken(int) error { return nil }

func TestEvents(t *testing.T) {
	tellers(t, taken, func(t *testing.T, to *teller) {
		at := time.Now()
		to.add(Event{"ModuleProblem", strings.Repeat("\u00e9", maxMessage)})
		told, _ := to.took()
		if len(told) != 1 {
			t.Fatalf("%d events", len(told))
		}
		e := told[0]
		if e.Namespace != "default" || !strings.HasPrefix(e.Name, "node-a.snatd.") || e.InvolvedObject.Kind != "Node" ||
			e.InvolvedObject.Name != "node-a" || e.InvolvedObject.UID != "node-a" || e.Type != "Warning" || e.Reason != "ModuleProblem" ||
			!e.FirstTimestamp.Time.Equal(at) || e.Count != 1 || e.Source.Component != "snatd" {
			t.Errorf("%+v", e)
		}
		if len(e.Message) > maxMessage || !strings.HasSuffix(e.Message, "\u00e9 ...") {
			t.Errorf("a message of %d bytes: %q", len(e.Message), e.Message)
		}
	})
}

// Too many events of a reason are left out, and the same is told again after an hour.
func TestEventsAreLimited(t *testing.T) {
	tellers(t, taken, func(t *testing.T, to *teller) {
		told := func(want int) {
			t.Helper()
			if all, _ := to.took(); len(all) != want {
				t.Fatalf("%d events, want %d", len(all), want)
			}
		}
		for range 3 {
			to.add(Event{"Reason", "the same"})
			told(1)
		}
		for n := range 2 * eventsAtOnce {
			to.add(Event{"Reason", fmt.Sprint(n)})
		}
		told(eventsAtOnce)
		to.add(Event{"Other", "1"})
		told(eventsAtOnce + 1)
		time.Sleep(eventsEvery)
		for n := range 3 {
			to.add(Event{"Reason", fmt.Sprint("later ", n)})
		}
		told(eventsAtOnce + 2)
		time.Sleep(tellAgainAfter)
		to.add(Event{"Reason", "the same"})
		told(eventsAtOnce + 3)
	})
}

// A server that is away is asked again. What it refuses is said once.
func TestEventsRefused(t *testing.T) {
	answer := func(try int) error {
		switch {
		case try < 4:
			return errors.New("connection refused")
		case try == 4:
			return nil
		}
		return apierrors.NewForbidden(schema.GroupResource{Resource: "events"}, "", errors.New("by the test"))
	}
	tellers(t, answer, func(t *testing.T, to *teller) {
		to.add(Event{"Reason", "away"})
		time.Sleep(4 * eventRetry)
		if told, tries := to.took(); len(told) != 1 || tries != 4 || to.log.String() != "" {
			t.Errorf("%d events after %d tries, said %q", len(told), tries, to.log.String())
		}
		for n := range 3 {
			to.add(Event{"Reason", fmt.Sprint("refused ", n)})
			to.took()
		}
		if _, tries := to.took(); tries != 7 || strings.Count(to.log.String(), "the API server takes no events") != 1 {
			t.Errorf("%d tries, said %q", tries, to.log.String())
		}
	})
}
