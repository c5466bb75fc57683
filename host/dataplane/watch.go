package dataplane

import (
	"context"
	"fmt"
	"time"
)

// Watching is a subscription to what others do to a table.
type Watching struct {
	// Found tells what they did. If disturbances come faster than they are taken, they
	// become one.
	Found <-chan Disturbance
	// Ended tells once why the kernel cannot be heard any more; nothing if that is
	// because the context ended.
	Ended <-chan error
}

// Watch tells what others do to a table of family ip, within the moment that the
// kernel needs to tell. Changes by this Dataplane are silent. It has a socket of its
// own, in the network namespace of the calling thread, and goes on until the context
// ends or the subscription does; then it can be called again.
func (d *Dataplane) Watch(ctx context.Context, table string) (Watching, error) {
	e, err := d.listen()
	if err != nil {
		return Watching{}, fmt.Errorf("watch table ip %s: %w", table, err)
	}
	return e.watch(ctx, table), nil
}

func (e ear) watch(ctx context.Context, table string) Watching {
	found, ended := make(chan Disturbance, 1), make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { _ = e.conn.SetReadDeadline(time.Unix(0, 1)) })
	go func() {
		defer func() { _ = e.conn.Close() }()
		defer stop()
		if err := e.hear(&hearing{table: table}, found); ctx.Err() == nil {
			ended <- fmt.Errorf("watch table ip %s: %w", table, err)
		}
	}()
	return Watching{found, ended}
}

// tell hands over a disturbance, together with one that nobody has taken. Nobody else
// sends, so there is room.
func tell(to chan Disturbance, d Disturbance) {
	select {
	case earlier := <-to:
		d = earlier.And(d)
	default:
	}
	to <- d
}
