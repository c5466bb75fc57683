package ec2test

import (
	"fmt"
	"net/http"

	"github.com/snatd/snatd/host/aws/fake"
)

// Error answers with an error of the API.
func Error(status int, code, message string) fake.Fault {
	return func(_ *fake.Server, w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		refuse(w, refusal{status, code, message})
	}
}

// Throttle answers that there were too many requests.
var Throttle = Error(http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")

var authFailure = refusal{http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials"}

// AuthFailure answers as to credentials that are not valid, or to a request that
// is not signed.
var AuthFailure = Error(authFailure.status, authFailure.code, authFailure.message)

// Unauthorized answers that the role may not do this.
func Unauthorized(_ *fake.Server, w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) {
	const role = "arn:aws:sts::123456789012:assumed-role/node/i-0123456789abcdef0"
	permission := "ec2:" + r.PostForm.Get("Action")
	refuse(w, refusal{http.StatusForbidden, "UnauthorizedOperation", fmt.Sprintf(
		"You are not authorized to perform this operation. User: %s is not authorized to perform: %s because no identity-based policy allows the %[2]s action",
		role, permission)})
}

// Page answers with an HTTP status and a page that is none of the API's, as a
// proxy does.
func Page(status int) fake.Fault {
	return fake.Text(status, "text/html", fmt.Sprintf("<html>\n<head><title>%[1]d %[2]s</title></head>\n<body><h1>%[2]s</h1></body>\n</html>\n",
		status, http.StatusText(status)))
}
