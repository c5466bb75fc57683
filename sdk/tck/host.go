package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// host is a host's process.
type host struct {
	command *exec.Cmd
	to      io.WriteCloser
	from    *bufio.Reader
}

// start starts a host by its command; what it says on standard error is passed on.
func start(command []string) (*host, error) {
	h := &host{command: exec.Command(command[0], command[1:]...)}
	h.command.Stderr = os.Stderr
	var err error
	if h.to, err = h.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := h.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.from = bufio.NewReaderSize(out, 1<<16)
	if err := h.command.Start(); err != nil {
		return nil, fmt.Errorf("start the host: %w", err)
	}
	return h, nil
}

// ask sends a request. An error is the host's, or the protocol's; that of a module
// is in the answer.
func (h *host) ask(r request) (answer, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return answer{}, err
	}
	if _, err := h.to.Write(append(text, '\n')); err != nil {
		return answer{}, fmt.Errorf("ask the host: %w", err)
	}
	reply, err := h.from.ReadBytes('\n')
	if err != nil {
		return answer{}, fmt.Errorf("the host does not answer: %w", err)
	}
	var a answer
	if err := json.Unmarshal(reply, &a); err != nil {
		return answer{}, fmt.Errorf("the host's answer %.200q: %w", reply, err)
	}
	return a, nil
}

// load makes a module the one that decides; the failure is the module's.
func (h *host) load(l load) (*failure, error) {
	a, err := h.ask(request{Load: &l})
	return a.Error, err
}

// stop ends the host, which ends when there are no more requests.
func (h *host) stop() error {
	h.to.Close()
	return h.command.Wait()
}
