package engine

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A note that cannot be read still says that a change was held: no start lets it through.
func TestNoteOfAnotherVersion(t *testing.T) {
	record := filepath.Join(t.TempDir(), "record.yaml")
	for text, because := range map[string]string{
		`{"ruleset": "abc", "because": "vpc", "limits": ["new"]}`: "vpc",
		`{"ruleset": ["abc"], "because": "vpc"}`:                  "the run before held a change",
		``:                                                        "the run before held a change",
	} {
		if err := os.WriteFile(noteOf(record), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		g := guard{}
		g.begin(record, slog.New(slog.NewTextHandler(&log, nil)))
		if g.earlier == nil || g.earlier.Because != because {
			t.Errorf("%s: %+v", text, g.earlier)
		}
		if said := strings.Contains(log.String(), "cannot be read"); said == (because == "vpc") {
			t.Errorf("%s: the log says %q", text, &log)
		}
		if err := g.save(record); err != nil { // nothing is beyond the limits
			t.Fatal(err)
		}
		if _, err := os.Stat(noteOf(record)); !os.IsNotExist(err) {
			t.Errorf("%s: the note stays: %v", text, err)
		}
	}
}
