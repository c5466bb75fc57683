package kubernetes

import (
	"regexp"
	"strings"

	"github.com/snatd/snatd/host/source"
)

// local is the address and the port on this side in the text of a network error.
var local = regexp.MustCompile(`\S+:\d+->`)

// varying are parts of messages that are others each time: times, the IDs of
// requests and streams, and revisions.
var varying = regexp.MustCompile(strings.Join([]string{
	`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|UTC|[+-]\d\d:?\d\d)\b)*`,
	`\b[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b`,
	`(?i:\b(last)?stream ?id[ =])\d+`,
	`\bresource version: \d+(, current: \d+| \(\d+\))?`,
}, "|"))

// stable is a message without what is another each time.
func stable(message string) string {
	return source.Stable(local.ReplaceAllString(message, ""), varying)
}
