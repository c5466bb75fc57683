package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
)

// Do calls f with a T, for programs that are not tests. What f or its cleanups
// fail with, or skip for, is returned; only the first of it.
func Do(ctx context.Context, f func(T)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &program{ctx: ctx}
	step(func() { f(p) })
	cancel() // before the cleanups, as in tests
	for cleanup := p.next(); cleanup != nil; cleanup = p.next() {
		step(cleanup)
	}
	return p.err
}

// step calls f where it may end its goroutine.
func step(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// program is the T of a program.
type program struct {
	ctx context.Context

	mu       sync.Mutex
	cleanups []func()
	err      error
}

func (p *program) Helper() {}

func (p *program) Context() context.Context { return p.ctx }

func (p *program) Cleanup(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cleanups = append(p.cleanups, f)
}

// next is the cleanup that was added last, and removes it; nil without any.
func (p *program) next() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.cleanups) == 0 {
		return nil
	}
	last := len(p.cleanups) - 1
	f := p.cleanups[last]
	p.cleanups = p.cleanups[:last]
	return f
}

func (p *program) TempDir() string {
	dir, err := os.MkdirTemp("", "snatd-kube-")
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			p.fail(err)
		}
	})
	return dir
}

func (p *program) Errorf(format string, args ...any) { p.fail(fmt.Errorf(format, args...)) }

func (p *program) Fatal(args ...any) {
	p.fail(errors.New(fmt.Sprint(args...)))
	runtime.Goexit()
}

func (p *program) Skip(args ...any) { p.Fatal(args...) }

func (p *program) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}
