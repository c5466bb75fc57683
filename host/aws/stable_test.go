package aws

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// What services say has times and IDs in many forms; whatever does not vary
// stays.
func TestStable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		message func(number int) string
		want    string
	}{
		{func(n int) string { return "at " + at(n).Format(time.RFC3339) + "." }, "at ...."},
		{func(n int) string { return "at " + at(n).Format(time.RFC3339Nano) + ", no" }, "at ..., no"},
		{func(n int) string { return "at " + at(n).Format("2006-01-02T15:04:05.000-0700") + "!" }, "at ...!"},
		{func(n int) string { return "at " + at(n).String() }, "at ..."},
		{func(n int) string { return "at " + at(n).Format(time.DateTime) + " (5 min.)" }, "at ... (5 min.)"},
		{func(n int) string {
			return "at " + at(n).Format(http.TimeFormat) + " or " + at(n).Format(time.RFC1123Z)
		}, "at ... or ..."},
		{func(n int) string { return "at " + at(n).Format(time.UnixDate) + " or " + at(n).Format(time.ANSIC) }, "at ... or ..."},
		{func(n int) string {
			return fmt.Sprintf("at %d, %d, %d or %d", at(n).Unix(), at(n).UnixMilli(), at(n).UnixMicro(), at(n).UnixNano())
		}, "at ..., ..., ... or ..."},
		{func(n int) string {
			return "Signature expired: " + at(n).Format("20060102T150405Z") + " is now earlier than " + at(n+1).Format("20060102T150405Z") + " (15 min.)"
		}, "Signature expired: ... is now earlier than ... (15 min.)"},
		{func(n int) string { return fmt.Sprintf("failed, 8e6b2d4c-0000-4000-8000-%012x, go away", n) }, "failed, ..., go away"},
		{func(n int) string {
			return fmt.Sprintf(`status code: 403, request id: 7%dAB/c=, "host-id": "x%d", RequestId=%d; the request ID is odd`, n, n, n)
		}, `status code: 403, ..., "...", ...; the request ID is odd`},
		{func(n int) string { return fmt.Sprintf("not authorized. Encoded authorization failure message: %d", n) }, "not authorized. ..."},
		{func(int) string {
			return "User: arn:aws:sts::123456789012:assumed-role/node/i-0123456789abcdef0 on vpc-0123456789abcdef0 in 10.0.0.0/16, error 12345678"
		}, "User: arn:aws:sts::123456789012:assumed-role/node/i-0123456789abcdef0 on vpc-0123456789abcdef0 in 10.0.0.0/16, error 12345678"},
	} {
		for _, number := range []int{1, 50001} {
			if got := stable(c.message(number)); got != c.want {
				t.Errorf("%s:\ngot  %s\nwant %s", c.message(number), got, c.want)
			}
		}
	}
}
