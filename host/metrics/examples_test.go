package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/snatd/snatd/host/nstest"
)

const examples = "../../examples/prometheus/"

// promtool runs it in the folder of the examples.
func promtool(t *testing.T, input string, args ...string) {
	t.Helper()
	nstest.Need(t, "promtool", "prometheus")
	command := exec.Command("promtool", args...)
	command.Dir, command.Stdin = examples, strings.NewReader(input)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(examples + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestScrapeIsWhatPromtoolAccepts(t *testing.T) {
	_, url := serve(t, full)
	_, scrape := get(t, url+"/metrics")
	promtool(t, strings.ReplaceAll(own(scrape), " AGE\n", " 1\n"), "check", "metrics")
}

func TestAlerts(t *testing.T) {
	promtool(t, "", "check", "rules", "alerts.yaml")
	promtool(t, "", "test", "rules", "alerts_test.yaml")
}

// The configuration that is printed is one.
func TestScrapeConfiguration(t *testing.T) {
	_, block, _ := strings.Cut(string(read(t, "README.md")), "```yaml\n")
	block, _, found := strings.Cut(block, "```")
	if !found {
		t.Fatal("README.md has no configuration")
	}
	// Debian's promtool is built without Kubernetes.
	const pods = "kubernetes_sd_configs: [{role: pod}]"
	if !strings.Contains(block, pods) {
		t.Errorf("there is no %s", pods)
	}
	block = strings.Replace(block, pods, "static_configs: [{targets: [a]}]", 1)
	// The file of rules is looked for beside the configuration.
	dir := t.TempDir()
	for name, text := range map[string]string{"prometheus.yaml": block, "alerts.yaml": string(read(t, "alerts.yaml"))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	promtool(t, "", "check", "config", filepath.Join(dir, "prometheus.yaml"))
}

// Each alert has a test in which it fires, and one in which it does not.
func TestAlertsAreTested(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	var tests struct {
		Tests []struct {
			Alerts []struct {
				Name string           `yaml:"alertname"`
				Exp  []map[string]any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	for name, into := range map[string]any{"alerts.yaml": &rules, "alerts_test.yaml": &tests} {
		if err := yaml.Unmarshal(read(t, name), into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		for _, a := range test.Alerts {
			fires[a.Name] = fires[a.Name] || len(a.Exp) > 0
			quiet[a.Name] = quiet[a.Name] || len(a.Exp) == 0
		}
	}
	checked := 0
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			checked++
			if !fires[rule.Alert] || !quiet[rule.Alert] {
				t.Errorf("%s: a test in which it fires: %t, one in which it does not: %t", rule.Alert, fires[rule.Alert], quiet[rule.Alert])
			}
			known(t, rule.Alert, rule.Expr)
		}
	}
	if checked < 10 {
		t.Errorf("%d alerts were checked", checked)
	}
}

// What the dashboard asks for is told, and Prometheus understands the question.
func TestDashboard(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	asked := 0
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			known(t, panel.Title, target.Expr)
			expr := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(target.Expr)
			fmt.Fprintf(&rules, "  - {record: 'asked_%d', expr: '%s'}\n", asked, expr)
			asked++
		}
	}
	if asked < 20 {
		t.Errorf("the dashboard asks %d questions", asked)
	}
	file := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", file)
}

var (
	named    = regexp.MustCompile(`snatd_[a-z_]+`)
	matchers = regexp.MustCompile(`(snatd_[a-z_]+)\{([^}]*)\}`)
	matched  = regexp.MustCompile(`(\w+)\s*=~?`)
)

// known tells of metrics, and of labels, that do not exist.
func known(t *testing.T, where, expr string) {
	t.Helper()
	find := func(name string) *metric {
		for _, m := range all {
			if m.name == name || m.kind == "histogram" && strings.TrimSuffix(name, "_bucket") == m.name {
				return m
			}
		}
		return nil
	}
	names := named.FindAllString(expr, -1)
	for _, name := range names {
		if find(name) == nil {
			t.Errorf("%s: there is no %s", where, name)
		}
	}
	for _, found := range matchers.FindAllStringSubmatch(expr, -1) {
		for _, label := range matched.FindAllStringSubmatch(found[2], -1) {
			m := find(found[1])
			if m != nil && label[1] != "instance" && !slices.Contains(m.labels, label[1]) {
				t.Errorf("%s: %s has no label %s", where, found[1], label[1])
			}
		}
	}
	if len(names) == 0 && !strings.HasPrefix(expr, "up{") {
		t.Errorf("%s: %q asks for nothing of snatd", where, expr)
	}
}
