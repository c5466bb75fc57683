// Command tck holds a host against the ABI snat_v1: it makes a host run modules of
// each language and compares what they read and decide, and how they fail, with what
// the files in cases say.
//
//	go run ./sdk/tck                         this repository's host and the frozen modules
//	go run ./sdk/tck -modules DIR            other modules, LANGUAGE-KIND.wasm
//	go run ./sdk/tck -- COMMAND ARGUMENT...  another host, which speaks PROTOCOL.md
//
// It knows no host: it imports the SDK and the standard library only.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

// ourHost is the command of this repository's host.
var ourHost = []string{"go", "run", "github.com/snatd/snatd/test/tckhost"}

func main() {
	folder := flag.String("modules", "", "folder with modules LANGUAGE-KIND.wasm; the frozen ones if it is not given")
	verbose := flag.Bool("v", false, "say every case")
	flag.Parse()
	command := flag.Args()
	if len(command) == 0 {
		command = ourHost
	}
	problems, err := hold(os.Stdout, command, *folder, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tck:", err)
		os.Exit(2)
	}
	if problems > 0 {
		os.Exit(1)
	}
}

// hold runs the suite and returns how many problems it printed. The error is that it
// could not be run.
func hold(out io.Writer, command []string, folder string, verbose bool) (problems int, err error) {
	modules, err := readModules(folder)
	if err != nil {
		return 0, err
	}
	h, err := start(command)
	if err != nil {
		return 0, err
	}
	ran := 0
	report := func(m module, name, problem string) {
		ran++
		if problem != "" {
			problems++
			fmt.Fprintf(out, "FAIL %s: %s: %s\n", m.name, name, problem)
		} else if verbose {
			fmt.Fprintf(out, "ok   %s: %s\n", m.name, name)
		}
	}
	for _, m := range modules {
		all, err := readCases(m.kind())
		if err != nil {
			return 0, fmt.Errorf("module %s: %w", m.name, err)
		}
		for _, c := range all {
			problem, err := c.run(h, m)
			if err != nil {
				return 0, fmt.Errorf("module %s: %s: %w", m.name, c.Name, err)
			}
			report(m, c.Name, problem)
		}
		if m.kind() != "sample" {
			continue
		}
		for _, s := range suites {
			got, err := s.digest(h, m)
			if err != nil {
				return 0, fmt.Errorf("module %s: %w", m.name, err)
			}
			problem := ""
			if got != s.want {
				problem = fmt.Sprintf("digest %s\nwant   %s", got, s.want)
			}
			report(m, s.name, problem)
		}
	}
	if err := h.stop(); err != nil {
		return 0, fmt.Errorf("the host ended badly: %w", err)
	}
	fmt.Fprintf(out, "%d modules, %d cases, %d problems\n", len(modules), ran, problems)
	return problems, nil
}
