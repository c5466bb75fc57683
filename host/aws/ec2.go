package aws

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/source"
)

// EC2Options are how the EC2 API is followed, and for which subnet.
type EC2Options struct {
	// Region, SubnetID and VPCID are the instance's, as IMDS tells them.
	Region, SubnetID, VPCID string
	// PrefixLists are the IDs or names of the managed prefix lists to read: 1 to 255
	// bytes each, without control characters.
	PrefixLists []string
	// Interval is about how often the API is read, 10 % more or less; 5 minutes if
	// zero. The requests count against a limit that the account's nodes share.
	Interval time.Duration
	// Timeout is how long one look may take, with all its requests and their
	// retries; 30 s if zero.
	Timeout time.Duration
	// Endpoint is the URL of the API. If empty it is what AWS_ENDPOINT_URL_EC2 or
	// the rest of the SDK's configuration say, or that of the region.
	Endpoint string
	// Log is told what changes, not every look; nil for nothing.
	Log *slog.Logger
}

// EC2 follows the EC2 API. It is safe for use by many goroutines. Refresh is for
// an operator who asks: the API is not for what changes with every pod.
//
// A look is three or four requests, and more for pages and prefix lists. The first
// look is at once, as there are those who wait for it; the looks after it are
// spread, and so are all retries. A request that is throttled is tried once more
// within a look, and a look that failed again after 5 s, 10 s and so on up to
// the interval.
//
// A look is all or nothing, but for the prefix lists of the options. What is wrong
// with one of those is an error in the provenance while the rest is followed, and
// the list stays as it was last read; one that never was is missing. A prefix list
// that is the destination of an active route has to be readable.
//
// The credentials are what the SDK's configuration says: the environment, a web
// identity, a file, or the role of the instance. They need the permissions
// ec2:DescribeRouteTables, ec2:DescribeVpcPeeringConnections and, for prefix
// lists and routes to them, ec2:DescribeManagedPrefixLists and
// ec2:GetManagedPrefixListEntries.
type EC2 struct{ *source.Poller[Network] }

const variableEndpointEC2 = "AWS_ENDPOINT_URL_EC2"

// NewEC2 checks the options and the SDK's variable; it asks nothing yet, and
// leaves the SDK's configuration alone until Run.
func NewEC2(options EC2Options) (*EC2, error) {
	if options.Interval == 0 {
		options.Interval = 5 * time.Minute
	}
	if options.Timeout == 0 {
		options.Timeout = 30 * time.Second
	}
	if err := options.check(); err != nil {
		return nil, fmt.Errorf("ec2: %w", err)
	}
	const example = "https://ec2.eu-west-1.amazonaws.com"
	if err := checkEndpoint("ec2: endpoint", options.Endpoint, example); err != nil {
		return nil, err
	}
	if err := checkEndpoint(variableEndpointEC2, os.Getenv(variableEndpointEC2), example); err != nil {
		return nil, err
	}
	options.PrefixLists = slices.Clone(options.PrefixLists)
	api := &api{options: options, last: map[string]facts.PrefixList{}}
	return &EC2{source.NewPoller(source.Options[Network]{
		Name:     "ec2",
		Title:    "the EC2 API",
		Subject:  "the VPC's network",
		Interval: options.Interval,
		// A look has tried again already. It doubles with each failure.
		FirstRetry: 5 * time.Second,
		Look:       func(ctx context.Context) (*Network, error) { return api.look(ctx) },
		Equal:      (*Network).Equal,
		Attributes: func(n *Network) []any {
			return []any{"routes", len(n.Routes), "prefixLists", len(n.PrefixLists), "peerings", len(n.Peerings)}
		},
		Log: options.Log,
	})}, nil
}

func (o *EC2Options) check() error {
	if o.Interval < 0 || o.Timeout < 0 {
		return fmt.Errorf("interval %s, timeout %s, accepted: durations of more than 0s", o.Interval, o.Timeout)
	}
	if err := checkName("region", o.Region, "eu-west-1"); err != nil {
		return err
	}
	if _, err := parseID("subnet")("subnet", o.SubnetID); err != nil {
		return err
	}
	if _, err := parseID("vpc")("vpc", o.VPCID); err != nil {
		return err
	}
	for i, list := range o.PrefixLists {
		switch {
		case !isListName(list):
			return invalid("prefix lists", "%s is neither, accepted: IDs, such as pl-0123456789abcdef0, or names of 1 to 255 bytes without control characters", document.Quote(list))
		case slices.Contains(o.PrefixLists[:i], list):
			return invalid("prefix lists", "%s is there twice", document.Quote(list))
		}
	}
	return nil
}
