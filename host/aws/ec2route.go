package aws

import (
	"cmp"
	"regexp"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/host/facts"
)

// Where a route is from. Of two with the same destination the first of these is
// in force: EC2 prefers what somebody wrote to what was propagated, and a CIDR
// to a prefix list that has it too.
const (
	static = iota
	listed
	propagated
)

// candidate is a route that may be in force.
type candidate struct {
	facts.Route
	rank int
}

// local is the target of routes within the VPC.
const local = "local"

// mostRoutes is how many routes there may be. A module reads each of them for
// itself, and may read no more than 4,096 facts.
const mostRoutes = 3000

// routes are the IPv4 routes in force in a table, by their destinations.
func (l *look) routes(table *routeTable) ([]facts.Route, error) {
	at := describeRouteTables + ": " + table.id
	var all []candidate
	for _, r := range table.routes {
		candidates, err := l.candidates(at, &r)
		if err != nil {
			return nil, err
		}
		all = append(all, candidates...)
	}
	all = slices.DeleteFunc(all, func(c candidate) bool { return c.rank == propagated && overridden(c, all) })
	// If it is the same in all, then two prefix lists have the CIDR, or two
	// propagated routes. EC2 chooses one and does not tell which: here it is the
	// same one in every look.
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(a.CIDR.Compare(b.CIDR), cmp.Compare(a.rank, b.rank), cmp.Compare(a.Target, b.Target))
	})
	var routes []facts.Route
	for i, c := range all {
		if i == 0 || c.CIDR != all[i-1].CIDR {
			routes = append(routes, c.Route)
		}
	}
	switch {
	case len(routes) == 0: // each table has the local route
		return nil, invalid(at+": routeSet", "no IPv4 route, accepted: at least the local one")
	case len(routes) > mostRoutes:
		return nil, invalid(at+": routeSet", "%d IPv4 routes with those to the entries of prefix lists, accepted: at most %d", len(routes), mostRoutes)
	}
	return routes, nil
}

// overridden tells that a propagated route is inside of a local one, which EC2
// prefers even though it is less specific.
func overridden(c candidate, all []candidate) bool {
	return slices.ContainsFunc(all, func(other candidate) bool {
		return other.rank == static && other.Target == local &&
			other.CIDR.Bits() <= c.CIDR.Bits() && other.CIDR.Contains(c.CIDR.Addr())
	})
}

// candidates are a route's, one for each of its destinations; none for IPv6.
func (l *look) candidates(at string, r *types.Route) ([]candidate, error) {
	cidr, list := sdk.ToString(r.DestinationCidrBlock), sdk.ToString(r.DestinationPrefixListId)
	rank := static
	switch r.Origin {
	case types.RouteOriginEnableVgwRoutePropagation, types.RouteOriginAdvertisement:
		rank = propagated
	}
	switch {
	case cidr != "":
		destination, err := parseCIDR(at+": destinationCidrBlock", cidr)
		if err != nil {
			return nil, err
		}
		target, ok, err := parseTarget(at+": "+cidr, r)
		if !ok {
			return nil, err
		}
		return []candidate{{facts.Route{CIDR: destination, Target: target}, rank}}, nil
	case list != "":
		target, ok, err := parseTarget(at+": "+list, r)
		// What is behind a blackhole is not known: see lists.
		if !ok || target == facts.Blackhole {
			return nil, err
		}
		destinations := l.lists[list]
		if err := l.spend(describeRouteTables, len(destinations.cidrs)); err != nil {
			return nil, err
		}
		candidates := make([]candidate, len(destinations.cidrs))
		for i, destination := range destinations.cidrs {
			candidates[i] = candidate{facts.Route{CIDR: destination, Target: target}, max(rank, listed)}
		}
		return candidates, nil
	case sdk.ToString(r.DestinationIpv6CidrBlock) != "":
		return nil, nil
	}
	return nil, invalid(at+": routeSet", "a route without destinationCidrBlock, destinationIpv6CidrBlock and destinationPrefixListId, accepted: one of them")
}

// target is an ID or an ARN.
var target = regexp.MustCompile(`^[A-Za-z0-9:/_.-]{1,256}$`)

// parseTarget parses a route's target. It is not ok if the route is not in
// force, or with an error.
func parseTarget(at string, r *types.Route) (text string, ok bool, err error) {
	switch r.State {
	case types.RouteStateBlackhole:
		return facts.Blackhole, true, nil
	case types.RouteStateFiltered:
		return "", false, nil
	case types.RouteStateActive:
	default:
		return "", false, invalid(at+": state", "%s, accepted: active, blackhole, filtered", document.Quote(string(r.State)))
	}
	for _, id := range []*string{
		r.GatewayId, // "local", or an internet, virtual private or endpoint's gateway
		r.NatGatewayId, r.TransitGatewayId, r.VpcPeeringConnectionId, r.LocalGatewayId, r.CarrierGatewayId,
		r.CoreNetworkArn, r.OdbNetworkArn,
		// A route to an instance has its interface too.
		r.NetworkInterfaceId, r.InstanceId, r.EgressOnlyInternetGatewayId,
	} {
		switch value := sdk.ToString(id); {
		case value == "":
		case value == facts.Blackhole || !target.MatchString(value):
			return "", false, invalid(at+": target", "%s, accepted: an ID or an ARN", document.Quote(value))
		default:
			return value, true, nil
		}
	}
	return "", false, invalid(at+": target", "there is none, accepted: a gateway, an interface, a peering connection or the like")
}
