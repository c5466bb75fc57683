package policy

import (
	"runtime"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

// What Engine.Mode returns: how modules run. The interpreter is many times
// slower and needs several times the memory.
const (
	ModeCompiler    = "compiler"
	ModeInterpreter = "interpreter"
)

// detectMode makes wazero's own choice by the same criteria, because wazero
// does not tell which one it took.
func detectMode() string {
	compiles := runtime.GOARCH == "arm64" || runtime.GOARCH == "amd64" && cpu.X86.HasSSE41
	if compiles && executableMemory() {
		return ModeCompiler
	}
	return ModeInterpreter
}

// executableMemory tells whether memory can be made executable; SELinux and
// seccomp profiles may refuse it.
func executableMemory() bool {
	page, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return false
	}
	executable := unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC) == nil
	return unix.Munmap(page) == nil && executable
}

func runtimeConfig(mode string) wazero.RuntimeConfig {
	if mode == ModeCompiler {
		return wazero.NewRuntimeConfigCompiler()
	}
	return wazero.NewRuntimeConfigInterpreter()
}
