package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// machine is where the figures come from.
type machine struct {
	Kernel string `json:"kernel"`
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	Go     string `json:"go"`
	// Load is /proc/loadavg before the run: figures of a busy machine are worse.
	Load string `json:"load"`
}

func (m machine) String() string {
	return fmt.Sprintf("Linux %s, %d x %s, %s; load before the run: %s", m.Kernel, m.CPUs, m.CPU, m.Go, m.Load)
}

// thisMachine leaves unknown what it cannot read: nothing depends on it.
func thisMachine() machine {
	m := machine{Kernel: "unknown", CPU: "unknown CPU", CPUs: runtime.NumCPU(), Go: runtime.Version(), Load: "unknown"}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = cpuModel(string(text), m.CPU)
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(text))[:3], " ")
	}
	return m
}

func cpuModel(cpuinfo, otherwise string) string {
	for line := range strings.Lines(cpuinfo) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}
