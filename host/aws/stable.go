package aws

import (
	"regexp"
	"strings"

	"github.com/snatd/snatd/host/source"
)

// varying are parts of messages that are others each time: times, in any of the
// forms that services write them in, or as seconds, milliseconds, microseconds or
// nanoseconds; the IDs of requests; and what stands for details.
var varying = regexp.MustCompile(strings.Join([]string{
	`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?( ?(Z|UTC|GMT|[+-]\d\d:?\d\d)\b)*`,
	`\b([A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d( (UTC|GMT|[+-]\d{4})\b)?`,
	`\b[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d ([A-Z]{3,4} )?\d{4}\b`,
	`\b\d{8}T\d{6}Z\b`,
	`\b(\d{10}|\d{13}|\d{16}|\d{19})(\.\d+)?\b`,
	`\b[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b`,
	`(?i:\b(request|host|trace)[ _-]?id"? ?[:=] ?"?)[\w/+=.-]+`,
	`Encoded authorization failure message:.*`,
}, "|"))

// stable is a message without what is another each time.
func stable(message string) string { return source.Stable(message, varying) }
