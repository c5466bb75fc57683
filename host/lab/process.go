package lab

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Process is a program that runs inside a host's namespace.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; read it once done is closed
}

// Start starts cmd inside the host's namespace. It is killed when the lab is
// closed and when this process dies.
func (h *Host) Start(cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &unix.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = unix.SIGKILL
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread that forked ends: keep it
		// from other goroutines, which may end it, for as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := h.Do(cmd.Start)
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s: start %s: %w", h.Name, cmd.Path, err)
	}
	h.processes.add(p)
	return p, nil
}

// Signal sends a signal; to a process that has ended it is os.ErrProcessDone.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Done is closed when the process has ended and its output is read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end, and returns an *exec.ExitError if it is not a success.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// PID is the process ID, the same inside and outside.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// processes are what was started on a host.
type processes struct {
	mu  sync.Mutex
	all []*Process
}

func (ps *processes) add(p *Process) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.all = append(ps.all, p)
}

func (ps *processes) kill() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.all {
		_ = p.Signal(os.Kill) // an error is that it has ended
	}
	for _, p := range ps.all {
		<-p.done
	}
	ps.all = nil
}
