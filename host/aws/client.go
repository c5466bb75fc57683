package aws

import (
	"fmt"
	"os"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"github.com/snatd/snatd/host/document"
)

// The SDK's variables. It would ignore the mode without its configuration
// module, and complain about an endpoint only when it is asked.
const (
	variableEndpoint = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
	variableMode     = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"
)

// newClient makes the SDK's client for an endpoint, or for what the SDK's
// variables say if it is empty.
func newClient(endpoint string, transport imds.HTTPClient) (*imds.Client, error) {
	name := "imds: endpoint"
	if endpoint == "" {
		name, endpoint = variableEndpoint, os.Getenv(variableEndpoint)
	}
	if err := checkEndpoint(name, endpoint, "http://169.254.169.254"); err != nil {
		return nil, err
	}
	var mode imds.EndpointModeState
	if err := mode.SetFromString(os.Getenv(variableMode)); err != nil {
		return nil, fmt.Errorf("%s: %s is unknown, accepted: IPv4, IPv6", variableMode, document.Quote(os.Getenv(variableMode)))
	}
	return imds.New(imds.Options{
		Endpoint:     endpoint,
		EndpointMode: mode,
		HTTPClient:   transport,
		// Without a token, anything that can make the node send a request can ask.
		EnableFallback: sdk.FalseTernary,
		// Only for what passes at once, such as a token that has become invalid: a
		// look that fails is done again anyway.
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 2
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 50 * time.Millisecond, nil })
			// A budget of retries would be spent by the first long outage.
			o.RateLimiter = ratelimit.None
		}),
		// The maximum would replace the delay above.
		DisableDefaultMaxBackoff: true,
	}), nil
}
