package sdk

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/author"
)

// readmes print each language's way from nothing to a module, which is the same policy
// in all of them.
var readmes = map[string]string{
	"go":             "sdk/README.md",
	"c":              "sdk/c/README.md",
	"rust":           "sdk/rust/README.md",
	"assemblyscript": "sdk/assemblyscript/README.md",
}

// TestReadmes: the commands work as they are printed, with nothing but the language's
// toolchain, and the module decides what it should; and where an author makes a mistake,
// snatd says what to change.
func TestReadmes(t *testing.T) {
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			s := newStranger(t, language)
			s.clone()
			commands := s.follow(".", filepath.Join(root, readmes[language]))
			decides(t, s)
			build := builds(commands)
			for name, m := range mistakes[language] {
				t.Run(name, func(t *testing.T) { m.make(t, s, build) })
			}
		})
	}
}

// decides compares what the module decides on facts.yaml.
func decides(t *testing.T, s *stranger) {
	t.Helper()
	facts, err := filepath.Abs("testdata/facts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.run("partners", "snatd policy run partners.wasm -o json --facts "+facts)
	if err != nil {
		t.Fatal(err)
	}
	var got, want author.RunReport
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/decisions.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	want.SHA256 = got.SHA256
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// builds are those of the commands that make the module and check it, without tests.
func builds(commands string) string {
	var lines []string
	for line := range strings.Lines(commands) {
		if !strings.Contains(line, "test") && !strings.HasPrefix(line, "snatd policy run") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// mistake is one that an author makes: old is replaced by new in a file. What is then said
// has to match want; LINE in it is the line of the mistake.
type mistake struct{ file, old, new, want string }

var mistakes = map[string]map[string]mistake{
	"go": {
		"typo": {"policy.go", `facts.PodLabel("example.com/egress")`, `facts.Fact("pod.labels.example.com/egress")`, typo},
		"cidr": {"partners.yaml", "10.20.0.0/16", "10.20.0.1/16", hostBits},
		"no export": {"wasm/main.go", "sdk.Register(partners.Decide, sdk.Validate(partners.Validate))", "_, _ = partners.Decide, sdk.Everywhere",
			`failed +validate +failed: the module has no policy: call sdk\.Register from an init function of package main`},
		"panic": {"policy.go", "	networks, err := partners(facts)\n	for", "	networks, err := partners(facts)\n	panic(`on purpose`)\n	for",
			`failed +decide .*failed: panic: on purpose \(partners/policy\.go:LINE\)`},
	},
	"c": {
		"typo": {"partners.c", `FACT_POD_LABEL("example.com/egress")`, `snat_fact("pod.labels.example.com/egress")`, typo},
		"cidr": {"partners.yaml", "10.20.0.0/16", "10.20.0.1/16",
			`failed +validate +failed: config partners: "10\.20\.0\.1/16" is not an IPv4 prefix without host bits, such as 10\.0\.0\.0/8`},
		"no export": {"partners.c", "SNAT_POLICY(decide, validate)", "", noExport},
		"panic": {"partners.c", "	SNAT_EACH(", "	snat_panic(\"on purpose\");\n	SNAT_EACH(",
			`failed +decide .*failed: panic: on purpose \(partners\.c:LINE\)`},
	},
	"rust": {
		"typo":      {"src/lib.rs", `facts.pod_label("example.com/egress")`, `facts.fact("pod.labels.example.com/egress")`, typo},
		"cidr":      {"partners.yaml", "10.20.0.0/16", "10.20.0.1/16", hostBits},
		"no export": {"src/lib.rs", "policy!(decide, validate);", "", noExport},
		"panic": {"src/lib.rs", "    for network in", "    panic!(\"on purpose\");\n    #[allow(unreachable_code)]\n    for network in",
			`failed +decide .*failed: panic: on purpose \(src/lib\.rs:LINE\)`},
	},
	"assemblyscript": {
		"typo":      {"partners.ts", `facts.podLabel("example.com/egress")`, `facts.fact("pod.labels.example.com/egress")`, typo},
		"cidr":      {"partners.yaml", "10.20.0.0/16", "10.20.0.1/16", hostBits},
		"no export": {"partners.ts", "export function decide", "function decide", noExport},
		"panic": {"partners.ts", "  for (", "  if (networks.length > 0) throw new Error(\"on purpose\");\n  for (",
			`failed +decide .*failed: panic: on purpose \(partners\.ts:LINE\)`},
	},
}

const (
	typo     = `warning +facts +no fact is called pod\.labels\.example\.com/egress, did you mean pod\.label\.example\.com/egress\?`
	hostBits = `failed +validate +failed: config partners: "10\.20\.0\.1/16" has host bits set, write 10\.20\.0\.0/16`
	noExport = `failed +abi +load: exports no function decide; accepted: decide\(\) -> i32\n +to change: make the policy the module's: `
)

// make makes the mistake, and takes it back.
func (m mistake) make(t *testing.T, s *stranger, build string) {
	path := filepath.Join(s.home, "partners", m.file)
	right, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(right), m.old, m.new, 1)
	if wrong == string(right) {
		t.Fatalf("%s has no %q", m.file, m.old)
	}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(wrong)
	defer write(string(right))
	out, err := s.run("partners", build)
	if err != nil {
		out = err.Error()
	}
	before, _, _ := strings.Cut(wrong, "on purpose")
	line := strconv.Itoa(1 + strings.Count(before, "\n"))
	if want := strings.ReplaceAll(m.want, "LINE", line); !regexp.MustCompile(want).MatchString(out) {
		t.Errorf("got\n%s\nwant %s", out, want)
	}
}
