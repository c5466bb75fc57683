package source

import (
	"regexp"
	"strings"
	"testing"
)

func TestStable(t *testing.T) {
	varying := regexp.MustCompile(`id \d+`)
	for message, want := range map[string]string{
		"plain":                        "plain",
		" two\n  lines\t":              "two lines",
		"request id 17 failed":         "request ... failed",
		strings.Repeat("é", 300):       strings.Repeat("é", 256) + "...",
		"x" + strings.Repeat("é", 300): "x" + strings.Repeat("é", 255) + "...",
	} {
		if got := Stable(message, varying); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
