package bounded

import (
	"context"
	"fmt"
	"time"
)

// patience is how long a request waits for its turn.
const patience = 3 * time.Second

// Turns bound how many requests of a kind are worked on at the same time. Make one by its
// capacity.
type Turns chan struct{}

// Take waits for a turn, for some seconds at most, and returns how it ends. An error says
// that all are taken.
func (t Turns) Take(ctx context.Context) (end func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("busy: %d requests of this kind are being answered, which is the most at the same time; try again later", cap(t))
	}
}
