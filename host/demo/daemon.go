package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/lab"
)

// daemon is a running snatd.
type daemon struct {
	process *lab.Process
	client  *api.Client
	log     *record
}

// Times after which the demo gives up; what it waits for takes a fraction.
const (
	changeTime = 20 * time.Second // for a change to be in the kernel
	stopTime   = 5 * time.Second  // for the daemon to stop by itself
)

// startDaemon starts this program as the daemon on the node.
func startDaemon(node *lab.Host, f *files) (*daemon, error) {
	d := &daemon{client: api.NewClient(f.socket()), log: &record{}}
	cmd := exec.Command("/proc/self/exe", "run", "--config", f.config())
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = d.log, d.log
	var err error
	d.process, err = node.Start(cmd)
	return d, err
}

// environment is this process's, without what would override the demo's own
// configuration.
func environment() []string {
	variables := config.Variables()
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(variables, name)
	})
}

// stop stops the daemon as an operator does, and kills it if that fails.
func (d *daemon) stop() {
	_ = d.process.Signal(syscall.SIGTERM) // an error is that it has ended
	select {
	case <-d.process.Done():
	case <-time.After(stopTime):
		_ = d.process.Signal(syscall.SIGKILL)
		<-d.process.Done()
	}
}

// ready waits until the kernel holds what the files demand.
func (d *daemon) ready(ctx context.Context) error {
	return d.await(ctx, func(ctx context.Context) error {
		status, err := d.client.Status(ctx)
		if err != nil {
			return err
		}
		if err := firstProblem(status); err != nil {
			return err
		}
		if !status.Ready {
			return errors.New(status.Waiting)
		}
		return nil
	})
}

func firstProblem(s api.Status) error {
	if len(s.Problems) == 0 {
		return nil
	}
	return errors.New(s.Problems[0].String())
}

// explain asks the daemon about connections from a pod.
func (d *daemon) explain(ctx context.Context, pod string, to netip.Addr) (verdict, error) {
	e, err := d.client.Explain(ctx, pod, to.String())
	if err != nil {
		return verdict{}, err
	}
	return verdict{e.Action, e.Module, e.Prefix, e.Reason}, nil
}

// awaitDecision waits until the kernel holds a decision as wanted.
func (d *daemon) awaitDecision(ctx context.Context, pod string, to netip.Addr, wanted func(verdict) bool) error {
	return d.await(ctx, func(ctx context.Context) error {
		says, err := d.explain(ctx, pod, to)
		if err != nil {
			return err
		}
		if wanted(says) {
			return nil
		}
		status, err := d.client.Status(ctx)
		if err != nil {
			return err
		}
		if err := firstProblem(status); err != nil {
			return err
		}
		return fmt.Errorf("%s to %s is still: %s by %s, %s", pod, to, says.Action, says.Module, says.Reason)
	})
}

// await tries until there is no error, the daemon ends, or the time is up. The
// error is the last one, with the daemon's log.
func (d *daemon) await(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, changeTime)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-d.process.Done():
			if err := d.process.Wait(); err != nil {
				return fmt.Errorf("snatd ended: %w; its log:\n%s", err, d.log)
			}
			return fmt.Errorf("snatd ended; its log:\n%s", d.log)
		case <-ctx.Done():
			return fmt.Errorf("%w; the log of snatd:\n%s", err, d.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// record keeps what is written to it.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.TrimSpace(r.text.String())
}
