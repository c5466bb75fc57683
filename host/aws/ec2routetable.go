package aws

import (
	"context"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const describeRouteTables = "DescribeRouteTables"

// routeTable is a route table as the API describes it.
type routeTable struct {
	id     string
	routes []types.Route
}

// lists are the IDs of the prefix lists that are destinations of active routes,
// each once. Others carry nothing, and one that they lead to need not be readable.
func (t *routeTable) lists() []string {
	var ids []string
	for _, r := range t.routes {
		if id := sdk.ToString(r.DestinationPrefixListId); id != "" && r.State == types.RouteStateActive {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// routeTable reads the route table of the subnet: the one that it is associated
// with, or else the main one of the VPC.
func (l *look) routeTable(ctx context.Context) (*routeTable, error) {
	subnet, vpc := l.options.SubnetID, l.options.VPCID
	tables, err := l.routeTables(ctx, filter("association.subnet-id", subnet))
	if err != nil {
		return nil, err
	}
	if len(tables) == 0 {
		tables, err = l.routeTables(ctx, filter("vpc-id", vpc), filter("association.main", "true"))
		if err != nil {
			return nil, err
		}
	}
	if len(tables) != 1 {
		return nil, invalid(describeRouteTables, "%d route tables for %s in %s, accepted: one", len(tables), subnet, vpc)
	}
	table := &routeTable{routes: tables[0].Routes}
	if table.id, err = parseID("rtb")(describeRouteTables+": routeTableId", sdk.ToString(tables[0].RouteTableId)); err != nil {
		return nil, err
	}
	at := describeRouteTables + ": " + table.id
	if got := sdk.ToString(tables[0].VpcId); got != vpc {
		return nil, invalid(at+": vpcId", "%q, accepted: %s", got, vpc)
	}
	return table, l.spend(describeRouteTables, len(table.routes))
}

func (l *look) routeTables(ctx context.Context, filters ...types.Filter) ([]types.RouteTable, error) {
	p := ec2.NewDescribeRouteTablesPaginator(callsOf(l.client), &ec2.DescribeRouteTablesInput{Filters: filters})
	return pages(ctx, l, describeRouteTables, p, func(page *ec2.DescribeRouteTablesOutput) []types.RouteTable { return page.RouteTables })
}

// wildcards are what a filter's value does not take literally.
var wildcards = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// filter is a filter for any of some exact values.
func filter(name string, values ...string) types.Filter {
	f := types.Filter{Name: &name}
	for _, value := range values {
		f.Values = append(f.Values, wildcards.Replace(value))
	}
	return f
}
