package kubernetes

import (
	"bytes"
	"log/slog"
	"testing"
)

// What client-go logs is for debugging only, whatever it takes it for.
func TestLog(t *testing.T) {
	for level, want := range map[slog.Level]string{
		slog.LevelInfo:  "",
		slog.LevelDebug: "level=DEBUG msg=\"Failed to watch\" reflector=pods a.b=1\n",
	} {
		var out bytes.Buffer
		without := func(_ []string, attr slog.Attr) slog.Attr {
			if attr.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return attr
		}
		log := slog.New(debugging{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: without})})
		log.With("reflector", "pods").WithGroup("a").Error("Failed to watch", "b", 1)
		if out.String() != want {
			t.Errorf("%s: got  %s\nwant %s", level, out.String(), want)
		}
	}
}
