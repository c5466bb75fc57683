package aws

import (
	"context"
	"math/rand/v2"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// api reads the EC2 API, one look at a time.
type api struct {
	options EC2Options
	// What follows is nil until the SDK's configuration has been loaded.
	client      *ec2.Client
	credentials sdk.CredentialsProvider
	// metadata is how the role of the instance is asked for.
	metadata  *transport
	transport *apiTransport
}

// load loads the SDK's configuration, if that has not succeeded yet.
func (a *api) load(ctx context.Context) error {
	if a.client != nil {
		return nil
	}
	// The role of the instance is asked for as IMDS is: in version 2, without a
	// proxy.
	metadata := newTransport()
	// What asks for credentials outlives the look that wanted them: whatever it
	// waits for must end by itself.
	metadata.client.Timeout = a.options.Timeout
	imds, err := newClient("", metadata)
	if err != nil {
		return err
	}
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(a.options.Region),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(a.options.Timeout)),
		config.WithEC2RoleCredentialOptions(func(o *ec2rolecreds.Options) { o.Client = imds }),
		config.WithRetryer(func() sdk.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				// Only for what passes at once: a look that fails is done again anyway.
				o.MaxAttempts = 3
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return rand.N(time.Second), nil })
				// A budget of retries would be spent by the first long outage.
				o.RateLimiter = ratelimit.None
			})
		}),
	)
	if err != nil {
		return &fieldError{path: "configuration", reason: stable(reason(err))}
	}
	a.credentials, a.metadata = cfg.Credentials, metadata
	a.transport = &apiTransport{client: cfg.HTTPClient}
	a.client = ec2.NewFromConfig(cfg, func(o *ec2.Options) {
		if a.options.Endpoint != "" {
			o.BaseEndpoint = &a.options.Endpoint
		}
		o.HTTPClient = a.transport
	})
	return nil
}
