package test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What is completed: commands, values, and pods where the daemon answers.
func TestCompletion(t *testing.T) {
	d := start(t)
	for typed, want := range map[string]string{
		"sta":                         "status\task the daemon how it is\n:4\n",
		"explain --from default/":     "default/pod-a\t10.0.1.5\ndefault/pod-b\t10.0.65.6\n:4\n",
		"explain --at ":               "now\nplan\n:4\n",
		"status -o ":                  "text\njson\n:4\n",
		"version -o ":                 "text\njson\n:4\n",
		"completion ":                 "bash\nzsh\nfish\n:4\n",
		"policy check ":               "wasm\nwasm.gz\n:8\n",
		"policy push ":                "wasm\nwasm.gz\n:8\n",
		"policy pull oci://a/b:1 ":    ":16\n",
		"convert ":                    "ip-masq-agent\tfrom ip-masq-agent's configuration, in YAML or JSON\n:4\n",
		"convert ip-masq-agent ":      ":0\n",
		"convert ip-masq-agent a -o ": "yaml\n:4\n",
		"run --log-level ":            "debug\ninfo\nwarn\nerror\n:4\n",
		"status --config ":            "yaml\nyml\n:8\n",
		"status --socket none --wat":  "--watch\task every second until it is interrupted, also while the daemon is away\n:4\n",
		"explain --socket none --fro": "--from\ta pod as `NAMESPACE/NAME`, or an IPv4 address\n:4\n",
	} {
		words := strings.Split(typed, " ")
		arguments := []string{"__complete"}
		if words[0] == "explain" && words[1] == "--from" {
			words = append([]string{"explain", "--config", d.path("config.yaml")}, words[1:]...)
		}
		out, err := exec.Command(binary(t), append(arguments, words...)...).Output()
		if err != nil || string(out) != want {
			t.Errorf("%q: %v\n%s\nwant\n%s", typed, err, out, want)
		}
	}
	if out, err := exec.Command(binary(t), "__complete", "explain", "--socket", d.path("none.sock"), "--from", "").Output(); err != nil || string(out) != ":4\n" {
		t.Errorf("without a daemon: %v\n%s", err, out)
	}
}

// bashCompletion is the part of the package bash-completion that scripts for bash build on.
const bashCompletion = "/usr/share/bash-completion/bash_completion"

// The shells understand what they are given, and ask it.
func TestCompletionInShells(t *testing.T) {
	d := start(t)
	for shell, script := range map[string]string{
		"bash": `. ` + bashCompletion + `; . <(snatd completion bash)
			COMP_LINE="snatd explain --config $CONFIG --from default/pod-"; COMP_WORDS=($COMP_LINE); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
			__start_snatd; printf '%s\n' "${COMPREPLY[@]}"`,
		"fish": `snatd completion fish | source; complete --do-complete "snatd explain --config $CONFIG --from default/pod-"`,
		// The completion of zsh needs its line editor: that it is understood, and defined.
		"zsh": `autoload -U compinit; compinit -u -D; . <(snatd completion zsh); whence -w _snatd; snatd __complete explain --config $CONFIG --from default/pod-`,
	} {
		t.Run(shell, func(t *testing.T) {
			needs(t, shell)
			if _, err := os.Stat(bashCompletion); shell == "bash" && err != nil {
				needs(t, bashCompletion)
			}
			command := exec.Command(shell, "-c", script)
			command.Env = append(os.Environ(), "PATH="+strings.TrimSuffix(binary(t), "/snatd")+":"+os.Getenv("PATH"), "CONFIG="+d.path("config.yaml"), "HOME="+d.dir)
			out, err := command.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "default/pod-a") || !strings.Contains(string(out), "default/pod-b") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
