package source

import (
	"regexp"
	"strings"
)

// maxMessage is how long a message may be, in bytes.
const maxMessage = 512

// Stable is a message on one line, cut where it is long, without what is another
// each time: whoever tells of an error tells of it once. Varying is what to leave
// out.
func Stable(message string, varying *regexp.Regexp) string {
	message = varying.ReplaceAllString(strings.Join(strings.Fields(message), " "), "...")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "..."
	}
	return message
}
