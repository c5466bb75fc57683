package engine

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// begin reads what the run before held.
func (g *guard) begin(record string, log *slog.Logger) {
	text, err := os.ReadFile(noteOf(record))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	g.noted = &Held{} // to be removed, whatever it says
	if err == nil {
		err = json.Unmarshal(text, g.noted)
	}
	if err != nil {
		// That there is a note says enough: a start is no approval.
		log.Warn("what the run before held cannot be read: what is beyond the guard's limits is held again", "file", noteOf(record), "error", err)
		*g.noted = Held{Since: time.Now(), Because: "the run before held a change"}
	}
	g.earlier = g.noted
}

// noteOf is where it is noted that a change is held, for the next start.
func noteOf(record string) string {
	if record == "" {
		return ""
	}
	return record + ".held"
}

// save notes on disk that a change is held, or that none is.
func (g *guard) save(record string) error {
	path := noteOf(record)
	switch {
	case path == "" || g.held == g.noted:
		return nil
	case g.held == nil:
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	default:
		text, err := json.Marshal(g.held)
		if err == nil {
			err = replaceFile(path, text)
		}
		if err != nil {
			return err
		}
	}
	g.noted = g.held
	return nil
}
