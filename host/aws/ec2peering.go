package aws

import (
	"context"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snatd/snatd/host/facts"
)

const describePeerings = "DescribeVpcPeeringConnections"

// side is one of the two ends of a peering connection.
type side struct {
	name   string
	filter string
	of     func(types.VpcPeeringConnection) *types.VpcPeeringConnectionVpcInfo
}

var (
	requester = side{"requesterVpcInfo", "requester-vpc-info.vpc-id",
		func(p types.VpcPeeringConnection) *types.VpcPeeringConnectionVpcInfo { return p.RequesterVpcInfo }}
	accepter = side{"accepterVpcInfo", "accepter-vpc-info.vpc-id",
		func(p types.VpcPeeringConnection) *types.VpcPeeringConnectionVpcInfo { return p.AccepterVpcInfo }}
)

// peerings reads the active peering connections, with the CIDRs of the VPCs at
// the other end.
func (l *look) peerings(ctx context.Context) ([]facts.Peering, error) {
	// Filters are and-ed: our VPC at either end takes two questions.
	asked, err := l.peeringsAt(ctx, requester, accepter)
	if err != nil {
		return nil, err
	}
	answered, err := l.peeringsAt(ctx, accepter, requester)
	return append(asked, answered...), err
}

// peeringsAt reads those that have our VPC at one end.
func (l *look) peeringsAt(ctx context.Context, ours, other side) ([]facts.Peering, error) {
	p := ec2.NewDescribeVpcPeeringConnectionsPaginator(callsOf(l.client), &ec2.DescribeVpcPeeringConnectionsInput{
		Filters: []types.Filter{filter("status-code", "active"), filter(ours.filter, l.options.VPCID)},
	})
	found, err := pages(ctx, l, describePeerings, p, func(page *ec2.DescribeVpcPeeringConnectionsOutput) []types.VpcPeeringConnection {
		return page.VpcPeeringConnections
	})
	if err != nil {
		return nil, err
	}
	var peerings []facts.Peering
	for _, f := range found {
		id, err := parseID("pcx")(describePeerings+": vpcPeeringConnectionId", sdk.ToString(f.VpcPeeringConnectionId))
		if err != nil {
			return nil, err
		}
		// A connection that comes or goes while pages are read can be on two.
		if slices.ContainsFunc(peerings, func(p facts.Peering) bool { return p.ID == id }) {
			continue
		}
		peering := facts.Peering{ID: id}
		at := describePeerings + ": " + id + ": " + other.name
		for _, text := range otherCIDRs(other.of(f)) {
			cidr, err := parseCIDR(at+": cidrBlock", text)
			if err != nil {
				return nil, err
			}
			peering.CIDRs = append(peering.CIDRs, cidr)
		}
		if len(peering.CIDRs) == 0 {
			return nil, invalid(at+": cidrBlockSet", "empty, accepted: at least one IPv4 CIDR, such as 10.0.0.0/16")
		}
		if err := l.spend(describePeerings, len(peering.CIDRs)); err != nil {
			return nil, err
		}
		peering.CIDRs = sortCIDRs(peering.CIDRs)
		peerings = append(peerings, peering)
	}
	return peerings, nil
}

// otherCIDRs are all IPv4 CIDRs of a VPC, or the first one where the API tells
// only that.
func otherCIDRs(vpc *types.VpcPeeringConnectionVpcInfo) []string {
	if vpc == nil {
		return nil
	}
	var cidrs []string
	for _, block := range vpc.CidrBlockSet {
		cidrs = append(cidrs, sdk.ToString(block.CidrBlock))
	}
	if len(cidrs) == 0 && sdk.ToString(vpc.CidrBlock) != "" {
		cidrs = []string{*vpc.CidrBlock}
	}
	return cidrs
}
