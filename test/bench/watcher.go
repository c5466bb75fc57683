package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/snatd/snatd/test/kube"
)

// watcher hears from the API server of a pod's changes, as the daemon does: the
// server tells who watches before it answers who has changed the pod.
type watcher struct {
	stream io.ReadCloser
	heard  chan time.Time // when each event came; closed with the stream
}

// newWatcher returns when the server tells of changes.
func newWatcher(ctx context.Context, server *kube.Server, pod kube.Object) (*watcher, error) {
	stream, err := server.Admin().CoreV1().RESTClient().Get().
		Namespace(pod.Namespace).Resource(pod.Resource).
		Param("watch", "true").Param("fieldSelector", "metadata.name="+pod.Name).
		SetHeader("Accept", "application/json"). // an event is a line
		Stream(ctx)
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", pod, err)
	}
	w := &watcher{stream, make(chan time.Time, 1)}
	go func() {
		defer close(w.heard)
		for lines := bufio.NewReader(stream); ; {
			if _, err := lines.ReadBytes('\n'); err != nil {
				return
			}
			select {
			case w.heard <- time.Now():
			case <-ctx.Done():
				return
			}
		}
	}()
	// The first event is the pod as it is.
	if _, err := w.next(); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// next is when the next event came.
func (w *watcher) next() (time.Time, error) {
	select {
	case at, ok := <-w.heard:
		if !ok {
			return time.Time{}, errors.New("the API server ended the watch")
		}
		return at, nil
	case <-time.After(patience):
		return time.Time{}, errors.New("the API server told of no change")
	}
}

func (w *watcher) close() error { return w.stream.Close() }
