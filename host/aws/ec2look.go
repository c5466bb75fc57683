package aws

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/roots"
)

// most is how many routes, entries of prefix lists and CIDRs of peering
// connections a look may find in all. EC2 lets a route table or a prefix list have
// 1,000 at most.
const most = 10000

// look is one look at the API.
type look struct {
	*api
	// left is how much more may be found.
	left int
	// lists are the prefix lists that were described, by their IDs.
	lists map[string]*prefixList
}

// look reads everything, or fails. Only what is wrong with the prefix lists that
// the options name is told beside all that could be read: nothing else needs
// them.
func (a *api) look(ctx context.Context) (*Network, error) {
	ctx, cancel := context.WithTimeout(ctx, a.options.Timeout)
	defer cancel()
	roots.Fallback()
	if err := a.load(ctx); err != nil {
		return nil, err
	}
	if err := a.retrieve(ctx); err != nil {
		return nil, err
	}
	l := &look{api: a, left: most, lists: map[string]*prefixList{}}
	table, err := l.routeTable(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.destinations(ctx, table.lists()); err != nil {
		return nil, err
	}
	network := &Network{}
	if network.Routes, err = l.routes(table); err != nil {
		return nil, err
	}
	if network.Peerings, err = l.peerings(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(network.Peerings, func(a, b facts.Peering) int { return cmp.Compare(a.ID, b.ID) })
	network.PrefixLists, err = l.named(ctx)
	return network, err
}

// spend counts what an action found.
func (l *look) spend(action string, found int) error {
	if l.left -= found; l.left < 0 {
		return invalid(action, "more than %d routes, entries and CIDRs in all", most)
	}
	return nil
}

// pager is a paginator of the SDK.
type pager[P any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*ec2.Options)) (P, error)
}

// pages reads the items of all pages.
func pages[P, T any](ctx context.Context, l *look, action string, p pager[P], items func(P) []T) ([]T, error) {
	var all []T
	for p.HasMorePages() {
		l.transport.action, l.transport.last = action, exchange{}
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, l.failed(ctx, action, err)
		}
		found := items(page)
		if err := l.spend(action, len(found)); err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}
