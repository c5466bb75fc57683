package test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/lab"
)

// What READMEs print of explain and plan is what these print, but for what differs from
// run to run: hashes, ages and where files are.
func TestPrintedCommands(t *testing.T) {
	const readmeFacts = `
node: {name: node-a}
vpc: {cidrs: [10.0.0.0/16]}
namespaces: [{name: default}]
pods:
- {namespace: default, name: web-1, ip: 10.0.1.5, labels: {example.com/egress: own-address}}
`
	for readme, arrange := range map[string]func(*daemon){
		"../README.md": func(*daemon) {},
		"../host/OPERATING.md": func(d *daemon) {
			d.write("new-facts.yaml", replace(t, readmeFacts, "[10.0.0.0/16]", "[10.0.0.0/16, 198.51.100.0/24]"))
			d.open(d.lab.PodA, lab.TCP, lab.Internet)
		},
		"../examples/exclude-by-label/README.md": func(d *daemon) {
			sidecar, err := os.ReadFile("../examples/exclude-by-label/20-exclude-by-label.yaml")
			if err != nil {
				t.Fatal(err)
			}
			d.dropInExample("exclude-by-label", "20-exclude-by-label", string(sidecar))
			d.waitLoaded()
			d.waitAction(lab.PodA, lab.Internet, "translate")
		},
	} {
		t.Run(readme, func(t *testing.T) {
			d := prepare(t)
			d.write("facts.yaml", readmeFacts)
			d.run()
			d.waitReady()
			arrange(d)
			d.waitLoaded()
			text, err := os.ReadFile(readme)
			if err != nil {
				t.Fatal(err)
			}
			printed := regexp.MustCompile(`(?m)^    \$ snatd ((?:explain|plan|status).*)\n((?:\n?    .*\n)+)`).FindAllStringSubmatch(string(text), -1)
			if len(printed) == 0 {
				t.Fatal("nothing is printed")
			}
			for _, p := range printed {
				arguments := strings.Fields(strings.ReplaceAll(p[1], "new-facts.yaml", d.path("new-facts.yaml")))
				want := regexp.MustCompile(`(?m)^    `).ReplaceAllString(p[2], "")
				out, stderr, _ := d.output(nil, arguments...)
				if got := alike(out, d); got != alike(want, d) {
					t.Errorf("snatd %s:\n%s%s\nprinted:\n%s", p[1], out, stderr, want)
				}
			}
		})
	}
}

// alike is a text without what differs from run to run.
func alike(text string, d *daemon) string {
	text = strings.ReplaceAll(text, d.dir, "/etc/snatd")
	for _, pattern := range []string{`\b[0-9a-f]{12}\b`, `\d+s ago`, `\d+ KiB, loaded in \d+ ms`, `\d+ since the start`, `Linux .*`, `table: .*`, `snatd   .*`, `10\.0\.1\.5:\d+`, `10\.0\.0\.10:\d+`} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, pattern)
	}
	return text
}
