package aws

import (
	"math/rand/v2"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// throttled are the errors that there were too many requests.
var throttled = retry.IsErrorThrottles(retry.DefaultThrottles)

// newRetryer tries requests again within a look, for what passes at once: a look
// that fails is done again anyway. What is throttled is tried once more and not
// twice: what keeps a limit exceeded is nodes that ask again.
func newRetryer() sdk.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 3
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, err error) (time.Duration, error) {
			if attempt > 1 && throttled.IsErrorThrottle(err) == sdk.TrueTernary {
				return 0, err // the request fails with it
			}
			// Up to 1 s, then up to 2 s: nodes that have met do not meet again.
			return rand.N(time.Second << max(attempt-1, 0)), nil
		})
		// A budget of retries would be spent by the first long outage.
		o.RateLimiter = ratelimit.None
	})
}
