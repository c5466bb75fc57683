package aws

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/smithy-go"
)

// Waits double, are any part of that, and there is one only for what is throttled.
func TestRetryer(t *testing.T) {
	t.Parallel()
	limit := &smithy.GenericAPIError{Code: "RequestLimitExceeded"}
	internal := &smithy.GenericAPIError{Code: "InternalError"}
	retryer := newRetryer()
	for attempt, most := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second} {
		longest := time.Duration(0)
		for range 1000 {
			wait, err := retryer.RetryDelay(attempt, internal)
			if err != nil || wait < 0 || wait >= most {
				t.Fatalf("attempt %d: waits %s, %v", attempt, wait, err)
			}
			longest = max(longest, wait)
		}
		if longest < most/2 {
			t.Errorf("attempt %d: waits %s at most, want up to %s", attempt, longest, most)
		}
	}
	if wait, err := retryer.RetryDelay(1, limit); err != nil || wait >= time.Second {
		t.Errorf("waits %s, %v", wait, err)
	}
	if _, err := retryer.RetryDelay(2, limit); !errors.Is(err, limit) {
		t.Errorf("got %v, want %v", err, limit)
	}
}
