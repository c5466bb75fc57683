package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/snatd/snatd/host/facts"
)

// api reads the EC2 API, one look at a time.
type api struct {
	options EC2Options
	// last are the prefix lists that the options name as they were last read.
	last map[string]facts.PrefixList
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
		config.WithRetryer(newRetryer),
	)
	if err != nil {
		return &fieldError{path: "configuration", reason: reason(err)}
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
