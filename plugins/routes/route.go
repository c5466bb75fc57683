package routespolicy

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// Targets that are not the ID of anything.
const (
	local     = "local"     // the VPC itself
	blackhole = "blackhole" // the target is gone
)

// ownAddress are the beginnings of the targets' IDs behind which a pod's own
// address is known, or does not matter.
var ownAddress = []string{
	"pcx-", // peering connection
	"tgw-", // transit gateway
	"vgw-", // virtual private gateway
	"nat-", // NAT gateway, which translates by itself
}

// coreNetwork is in the ARN of a Cloud WAN core network, which has no ID in a
// route table. It is a transit gateway by another name.
const coreNetwork = ":core-network/"

// route is a route of the route table.
type route struct {
	prefix netip.Prefix
	target string
}

// readRoutes returns the route table, no route twice, in the order of the keys.
// One that cannot be read makes all of it an error: without it a shorter one
// would decide.
func readRoutes(facts sdk.Facts) ([]route, error) {
	var routes []route
	for _, cidr := range facts.VPCRouteKeys() {
		target, _ := facts.VPCRoute(cidr)
		prefix, err := sdk.ParsePrefix(cidr)
		if err != nil {
			return nil, errRoute(cidr, target, err.Error())
		}
		if target == "" {
			return nil, errRoute(cidr, target, `has no target, want one such as "local", "tgw-0123456789abcdef0" or "blackhole"`)
		}
		routes = append(routes, route{prefix, target})
	}
	return routes, nil
}

func errRoute(cidr, target, problem string) error {
	return errors.New("fact " + abi.KeyVPCRoute + cidr + " (" + strconv.Quote(target) + "): " + problem)
}

func (r route) blackhole() bool { return r.target == blackhole }

// routable says whether the pod's own address does behind this route. It does
// not behind an internet gateway, which knows the node's address only.
//
// Of the others it is not known, and the default module's answer stands: an
// instance or a network interface (a NAT instance, an appliance), a local or
// carrier gateway, and whatever comes. A VPC endpoint (vpce-) is one of them: as
// the target of a CIDR it is a firewall or a Gateway Load Balancer, and behind
// that may be the internet gateway. Gateway endpoints are the same kind of ID,
// and answer to the node's address too.
func (r route) routable() bool {
	return r.target == local ||
		slices.ContainsFunc(ownAddress, func(kind string) bool { return strings.HasPrefix(r.target, kind) }) ||
		strings.HasPrefix(r.target, "arn:") && strings.Contains(r.target, coreNetwork)
}

// reason is shown to people, and stays as it is.
func (r route) reason() string {
	if r.routable() || strings.HasPrefix(r.target, "igw-") {
		return "route to " + r.target
	}
	return "route to " + r.target + ", as by default"
}
