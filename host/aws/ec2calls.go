package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// call is one of the EC2 API.
type call[In, Out any] func(ctx context.Context, in *In, options ...func(*ec2.Options)) (*Out, error)

// calls are those of the EC2 API that are made, and no others. Where a program looks methods
// up by name, as templates do, the linker keeps all methods of a type that becomes an
// interface somewhere, and of those that it refers to: of the SDK's client those are 20 MB.
type calls struct {
	routeTables call[ec2.DescribeRouteTablesInput, ec2.DescribeRouteTablesOutput]
	peerings    call[ec2.DescribeVpcPeeringConnectionsInput, ec2.DescribeVpcPeeringConnectionsOutput]
	prefixLists call[ec2.DescribeManagedPrefixListsInput, ec2.DescribeManagedPrefixListsOutput]
	entries     call[ec2.GetManagedPrefixListEntriesInput, ec2.GetManagedPrefixListEntriesOutput]
}

func callsOf(c *ec2.Client) calls {
	return calls{c.DescribeRouteTables, c.DescribeVpcPeeringConnections, c.DescribeManagedPrefixLists, c.GetManagedPrefixListEntries}
}

func (c calls) DescribeRouteTables(ctx context.Context, in *ec2.DescribeRouteTablesInput, options ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error) {
	return c.routeTables(ctx, in, options...)
}

func (c calls) DescribeVpcPeeringConnections(ctx context.Context, in *ec2.DescribeVpcPeeringConnectionsInput, options ...func(*ec2.Options)) (*ec2.DescribeVpcPeeringConnectionsOutput, error) {
	return c.peerings(ctx, in, options...)
}

func (c calls) DescribeManagedPrefixLists(ctx context.Context, in *ec2.DescribeManagedPrefixListsInput, options ...func(*ec2.Options)) (*ec2.DescribeManagedPrefixListsOutput, error) {
	return c.prefixLists(ctx, in, options...)
}

func (c calls) GetManagedPrefixListEntries(ctx context.Context, in *ec2.GetManagedPrefixListEntriesInput, options ...func(*ec2.Options)) (*ec2.GetManagedPrefixListEntriesOutput, error) {
	return c.entries(ctx, in, options...)
}
