package engine

import "context"

// reloads are those who want everything to be read again.
type reloads struct {
	asked   chan chan struct{}
	waiting []chan struct{} // closed when the next pass is over
}

// Reload reads all files again, also those whose changes nobody tells of, has the metadata
// service asked, and returns once what follows from the files is in force, or is a problem
// in the state. It may be called by others than the one who runs the engine. If the context
// ends, that may still come.
func (e *Engine) Reload(ctx context.Context) {
	done := make(chan struct{})
	select {
	case e.reloads.asked <- done:
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// answer tells those who wait that a pass is over.
func (r *reloads) answer() {
	for _, done := range r.waiting {
		close(done)
	}
	r.waiting = nil
}

// askAgain asks the metadata service now, where it is followed; what it says makes a pass.
func (e *Engine) askAgain() {
	if refresh := e.reader.services.refresh; refresh != nil {
		refresh()
	}
}
