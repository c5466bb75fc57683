package test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/lab"
)

// commands are all of snatd's, by the words that call them, with their help.
func commands(t *testing.T, words ...string) map[string]string {
	t.Helper()
	out, err := exec.Command(binary(t), append(words, "--help")...).CombinedOutput()
	if err != nil {
		t.Fatalf("snatd %s --help: %v\n%s", strings.Join(words, " "), err, out)
	}
	all := map[string]string{strings.Join(words, " "): string(out)}
	_, list, _ := strings.Cut(string(out), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.Lines(list) {
		if name := strings.Fields(line)[0]; name != "help" {
			for words, help := range commands(t, append(words, name)...) {
				all[words] = help
			}
		}
	}
	return all
}

// Every command has help with an example of its own.
func TestHelp(t *testing.T) {
	all := commands(t)
	for words, help := range all {
		if want := strings.TrimSpace("Examples:\n  snatd " + words); !strings.Contains(help, want) {
			t.Errorf("snatd %s --help lacks %q:\n%s", words, want, help)
		}
	}
	if len(all) < 15 {
		t.Errorf("only %d commands", len(all))
	}
}

// silent are examples that say nothing: what they make is somewhere else.
var silent = regexp.MustCompile(`>|history export`)

// Every example of the help works, and every command of the guides, as it is printed, beside
// a daemon that one of them starts. Those for authors of policies are held by the tests of
// their commands.
func TestHelpExamples(t *testing.T) {
	d := prepare(t)
	facts := replace(t, baseFacts, "name: pod-a", "name: web-1")
	d.write("facts.yaml", facts)
	// What examples name is here, and a host name that is known everywhere.
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.write("new.yaml", string(config)+"log: {level: warn}\n")
	d.write("new-facts.yaml", baseFacts)
	d.write("node-a.yaml", facts)
	d.write("agent.yaml", "nonMasqueradeCIDRs: [10.0.0.0/8]\n")
	if err := os.MkdirAll(d.path("home/.config/fish/completions"), 0o755); err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer("/etc/snatd/", d.dir+"/", "/etc/bash_completion.d", d.dir, "${fpath[1]}", d.dir, "example.com", "localhost",
		" 12", " 1", "change-12", "change", "--at N", "--at 1", "export N", "export 1", "DIR", "exported", "DIGEST", "0123456789ab") // the first one there is
	var others, last []string
	began := false
	all := commands(t)
	for _, words := range slices.Sorted(maps.Keys(all)) {
		_, examples, _ := strings.Cut(all[words], "Examples:\n")
		examples, _, _ = strings.Cut(examples, "\n\n")
		for example := range strings.Lines(examples) {
			example = here.Replace(strings.TrimSpace(example))
			switch {
			case strings.HasPrefix(words, "policy"):
			case words == "run":
				if began {
					continue // one daemon at a time
				}
				began = true
				d.process, d.log = d.example(example), &logBuffer{}
				d.waitReady()
			case words == "cleanup":
				last = append(last, example)
			case !slices.Contains(others, example):
				others = append(others, example)
			}
		}
	}
	for _, guide := range guides {
		for _, command := range printedCommands(t, guide) {
			if command = here.Replace(command); !strings.HasPrefix(command, "snatd policy") && !slices.Contains(others, command) {
				others = append(others, command)
			}
		}
	}
	d.waitLoaded()
	for _, example := range others {
		process := d.example(example)
		if strings.Contains(example, "--watch") {
			d.wait(example, func() error {
				if text, err := os.ReadFile(d.path("example.out")); err != nil || !bytes.Contains(text, []byte("healthy")) {
					return fmt.Errorf("%s, %w", text, err)
				}
				return nil
			})
			// It is the shell's only command, so that this is snatd itself.
			if err := process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
		err := process.Wait()
		planned := strings.Contains(example, "snatd plan") && exitCode(err) == 2
		unheld := strings.Contains(example, "snatd approve")
		if out, _ := os.ReadFile(d.path("example.out")); unheld && !bytes.Contains(out, []byte("nothing is held")) || err != nil && !planned && !unheld || len(out) == 0 && !silent.MatchString(example) {
			t.Errorf("%s: %v\n%s", example, err, out)
		}
	}
	d.stop(syscall.SIGTERM)
	for _, example := range last {
		if err := d.example(example).Wait(); err != nil {
			out, _ := os.ReadFile(d.path("example.out"))
			t.Errorf("%s: %v\n%s", example, err, out)
		}
	}
	if len(others) < 15 || !began || len(last) == 0 {
		t.Errorf("only the examples %q were found", others)
	}
}

// example starts one on the node, as a person there would. What it says goes into the file
// example.out.
func (d *daemon) example(example string) *lab.Process {
	d.t.Helper()
	words := strings.Fields(example)
	if len(words) > 1 && regexp.MustCompile(`^(status|explain|plan|facts|flows|history|approve|run|cleanup)$`).MatchString(words[1]) && !strings.Contains(example, "--config") {
		words = append(words[:2], append([]string{"--config", d.path("config.yaml")}, words[2:]...)...)
	}
	out, err := os.Create(d.path("example.out"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer out.Close()
	line := strings.Join(words, " ")
	if before, last, two := strings.Cut(line, " && "); two {
		line = before + " && exec " + last
	} else {
		line = "exec " + line
	}
	command := exec.Command("bash", "-c", line)
	command.Dir = d.dir
	command.Env = append(os.Environ(), "PATH="+filepath.Dir(binary(d.t))+":"+os.Getenv("PATH"), "HOME="+d.path("home"))
	command.Stdout, command.Stderr = out, out
	process, err := d.lab.Node.Start(command)
	if err != nil {
		d.t.Fatal(err)
	}
	return process
}

// Who reads only the beginning of what a command prints ends it, without a word.
func TestClosedPipes(t *testing.T) {
	d := start(t)
	d.waitLoaded()
	desk := newDesk(t)
	config := []string{"--config", d.path("config.yaml")}
	for _, arguments := range [][]string{
		append([]string{"status"}, config...),
		append([]string{"status", "-o", "json"}, config...),
		append([]string{"status", "--watch"}, config...),
		append([]string{"status", "--watch", "-o", "json"}, config...),
		append([]string{"explain", "--from", "default/pod-a", "--to", lab.Internet.String()}, config...),
		append([]string{"explain", "--from", "default/pod-a", "--to", lab.Internet.String(), "--at", "plan", "-o", "json"}, config...),
		append([]string{"plan"}, config...),
		append([]string{"plan", "-o", "nft"}, config...),
		append([]string{"facts"}, config...),
		append([]string{"flows"}, config...),
		{"policy", "check", desk.dir + "/20-partners.wasm"},
		{"policy", "run", desk.dir + "/20-partners.wasm", "--facts", desk.dir + "/node-a.yaml"},
		{"completion", "bash"},
		{"demo"},
		{"--help"},
		{"status", "--help"},
		{"--version"},
		{"version"},
	} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		read.Close()
		var stderr bytes.Buffer
		command := exec.Command(binary(t), arguments...)
		command.Stdout, command.Stderr = write, &stderr
		process, err := d.lab.Node.Start(command)
		if err != nil {
			t.Fatal(err)
		}
		write.Close()
		err = process.Wait()
		if strings.Contains(stderr.String(), "panic") || strings.Contains(stderr.String(), "goroutine ") {
			t.Errorf("snatd %v: %v\n%s", arguments, err, &stderr)
		}
		// What runs in other namespaces is a process of its own, whose signal is told as shells do.
		const piped = 128 + int(syscall.SIGPIPE)
		ended := command.ProcessState.Sys().(syscall.WaitStatus)
		if ended.Signal() != syscall.SIGPIPE && ended.ExitStatus() != piped && ended.ExitStatus() > 1 {
			t.Errorf("snatd %v: %v\n%s", arguments, err, &stderr)
		}
	}
	d.check(onlyOutside)
}

// What is wrong is told on standard error, and nothing on standard output.
func TestErrorsOnStandardError(t *testing.T) {
	d := prepare(t)
	long := strings.Repeat("x", 100_000)
	none := []string{"--socket", d.path("none.sock")}
	for want, arguments := range map[string][]string{
		`unknown command "stats" for "snatd"`:        {"stats"},
		"unknown flag: --verbose":                    {"status", "--verbose"},
		"no snatd answers at " + d.path("none.sock"): append([]string{"status"}, none...),
		"accepted: text, json":                       {"status", "-o", "yaml"},
		`required flag(s) "to" not set`:              append([]string{"explain", "--from", "default/pod-a"}, none...),
		`shell "csh", accepted: bash, zsh, fish`:     {"completion", "csh"},
		`"cilium" is unknown, accepted: ip-masq`:     {"convert", "cilium"},
		"accepted: one file, ip-masq-agent's":        {"convert", "ip-masq-agent"},
		"facts.yaml:2:1: node: unknown key":          {"convert", "ip-masq-agent", d.path("facts.yaml")},
		"were all set":                               append([]string{"cleanup", "--wait", "--force"}, none...),
		`unknown command "` + long[:100]:             {long},
		"no such file or directory":                  {"plan", "--config", d.path("nothing.yaml")},
	} {
		var stdout, stderr bytes.Buffer
		command := exec.Command(binary(t), arguments...)
		command.Stdout, command.Stderr = &stdout, &stderr
		err := command.Run()
		if exitCode(err) != 1 || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "snatd: ") || !strings.Contains(stderr.String(), want) {
			t.Errorf("snatd %.200q: %v, %q\n%.500s, want %.200s", arguments, err, &stdout, &stderr, want)
		}
	}
}
