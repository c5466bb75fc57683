package author_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

const twoPods = `
vpc: {cidrs: [10.0.0.0/16]}
pods:
- {namespace: default, name: web-1, ip: 10.0.1.5}
- {namespace: default, name: web-2}
- {namespace: kube-system, name: proxy, ip: 10.0.0.10, hostNetwork: true}
`

// onTwoPods are options with a facts file of a pod that modules are asked about, and
// of pods that they are not.
func onTwoPods(t *testing.T, wasm []byte, sidecar string) author.Options {
	t.Helper()
	o := options(t, wasm, sidecar)
	o.Facts = filepath.Join(filepath.Dir(o.Module), "facts.yaml")
	write(t, o.Facts, twoPods)
	return o
}

// The format is what others rely on, to the letter.
func TestRunJSON(t *testing.T) {
	wasm := excludes(true)
	report, err := author.Run(t.Context(), onTwoPods(t, wasm, ""), "")
	if err != nil {
		t.Fatal(err)
	}
	if report.Failed() != 1 {
		t.Errorf("%d failed, want 1", report.Failed())
	}
	want := `{
  "module": "mine.wasm",
  "sha256": "` + digest(wasm) + `",
  "subjects": [
    {
      "subject": "node",
      "entries": [],
      "reads": [],
      "error": "trap: unreachable in $3"
    },
    {
      "subject": "default/web-1",
      "address": "10.0.1.5",
      "entries": [
        {
          "prefix": "172.31.0.0/16",
          "action": "exclude",
          "reason": "peered vpc"
        }
      ],
      "reads": [
        {
          "key": "pod.namespace",
          "value": "default",
          "found": true
        }
      ]
    }
  ]
}`
	got, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// An entry names the address that the destination sees.
func TestRunSource(t *testing.T) {
	for source, want := range map[string]string{"": "10.0.0.10", "10.0.0.11": "10.0.0.11"} {
		o := onTwoPods(t, translates(source), "grants: {translate: true, sources: [10.0.0.11]}\n")
		report, err := author.Run(t.Context(), o, "default/web-1")
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Subjects) != 1 || len(report.Subjects[0].Entries) != 1 || report.Subjects[0].Entries[0].Source.String() != want {
			t.Errorf("source %q: %+v, want %s", source, report, want)
		}
	}
}

func TestRunErrors(t *testing.T) {
	for _, tt := range []struct {
		name, subject string
		wasm          []byte
		want          string
	}{
		{"nobody", "default/nobody", excludes(false), `--subject: "default/nobody" is not in the facts, accepted: node, default/web-1`},
		{"host-network pod", "kube-system/proxy", excludes(false),
			"--subject: kube-system/proxy has the node's address and is never translated: no module is asked about it"},
		{"pod without an address", "default/web-2", excludes(false),
			"--subject: default/web-2 has no address yet: until then it has the decision of node"},
		{"module that does not load", "", wasmtest.New().Bytes(),
			"module mine.wasm: load: exports no function decide; accepted: decide() -> i32"},
	} {
		_, err := author.Run(t.Context(), onTwoPods(t, tt.wasm, ""), tt.subject)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

// What a module logs is passed on.
func TestRunLog(t *testing.T) {
	g := wasmtest.New()
	log := wasmtest.Call(g.Import(abi.Module, abi.Log, wasmtest.Sig(3, 0)))
	g.Func(abi.Decide, wasmtest.Sig(0, 1), wasmtest.Const(abi.LevelInfo), g.Text("hello from a module"), log, wasmtest.Const(abi.NoOpinion))
	o := onTwoPods(t, g.Bytes(), "")
	var text bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&text, nil))
	if _, err := author.Run(t.Context(), o, "node"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "hello from a module") {
		t.Errorf("the log is %q", text.String())
	}
}
