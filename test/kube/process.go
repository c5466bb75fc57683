package kube

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// process is a program that is killed when this process dies.
type process struct {
	cmd  *exec.Cmd
	log  string // the file of its output
	done chan struct{}
	err  error // of Wait; read it once done is closed
}

// startProcess starts a program whose output is added to a file.
func startProcess(log, path string, args ...string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer output.Close() // the program has its own
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = output, output
	// Not in the terminal's process group: after an interrupt tests may still
	// have to clean up on it.
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL, Setpgid: true}
	p := &process{cmd: cmd, log: log, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread that forked ends: keep it
		// from other goroutines, which may end it, for as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// kill kills it, and returns when it is gone. It has nothing to save.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error is that it has ended
	<-p.done
}

// failure is why it ended, by its own words. Call it once done is closed.
func (p *process) failure() error {
	const lines = 8
	output, err := os.ReadFile(p.log)
	if err != nil {
		return err
	}
	last := bytes.Split(bytes.TrimSpace(output), []byte("\n"))
	last = last[max(0, len(last)-lines):]
	return fmt.Errorf("%s has ended: %w\n%s", filepath.Base(p.cmd.Path), p.err, bytes.Join(last, []byte("\n")))
}
