package aws

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/host/facts"
)

const (
	describePrefixLists  = "DescribeManagedPrefixLists"
	getPrefixListEntries = "GetManagedPrefixListEntries"
)

// prefixList is a managed prefix list.
type prefixList struct {
	id, name string
	ipv6     bool
	cidrs    []netip.Prefix // without those of IPv6, ascending
}

// prefixLists reads the lists that the options name, and those that are
// destinations of routes, which may be for IPv6.
func (l *look) prefixLists(ctx context.Context, destinations []string) ([]facts.PrefixList, error) {
	var ids, names []string
	for _, wanted := range l.options.PrefixLists {
		if _, err := parseID("pl")("", wanted); err == nil {
			ids = append(ids, wanted)
		} else {
			names = append(names, wanted)
		}
	}
	if err := l.listsByID(ctx, append(slices.Clone(ids), destinations...)); err != nil {
		return nil, err
	}
	byName, err := l.listsByName(ctx, names)
	if err != nil {
		return nil, err
	}
	for _, id := range sorted(slices.Collect(maps.Keys(l.lists))) {
		if err := l.readEntries(ctx, l.lists[id]); err != nil {
			return nil, err
		}
	}
	var named []facts.PrefixList
	for _, id := range sorted(append(ids, byName...)) {
		list := l.lists[id]
		if list.ipv6 {
			return nil, invalid(describePrefixLists+": "+id, "addressFamily IPv6, accepted: IPv4")
		}
		named = append(named, facts.PrefixList{ID: list.id, Name: list.name, CIDRs: list.cidrs})
	}
	return named, nil
}

// listsByID describes lists.
func (l *look) listsByID(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	ids = sorted(ids)
	if _, err := l.describeLists(ctx, &ec2.DescribeManagedPrefixListsInput{PrefixListIds: ids}); err != nil {
		return err
	}
	for _, id := range ids {
		if l.lists[id] == nil {
			return invalid(describePrefixLists, "there is no prefix list %s", document.Quote(id))
		}
	}
	return nil
}

// listsByName describes lists. It returns their IDs.
func (l *look) listsByName(ctx context.Context, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	found, err := l.describeLists(ctx, &ec2.DescribeManagedPrefixListsInput{Filters: []types.Filter{filter("prefix-list-name", names...)}})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range names {
		var have []string
		for _, list := range found {
			if list.name == name {
				have = append(have, list.id)
			}
		}
		switch have = sorted(have); len(have) {
		case 0:
			return nil, invalid(describePrefixLists, "there is no prefix list with the name %s", document.Quote(name))
		case 1:
			ids = append(ids, have[0])
		default:
			return nil, invalid(describePrefixLists, "%s and %s have the name %s, accepted: an ID", have[0], have[1], document.Quote(name))
		}
	}
	return ids, nil
}

func (l *look) describeLists(ctx context.Context, input *ec2.DescribeManagedPrefixListsInput) ([]*prefixList, error) {
	p := ec2.NewDescribeManagedPrefixListsPaginator(l.client, input)
	found, err := pages(ctx, l, describePrefixLists, p, func(page *ec2.DescribeManagedPrefixListsOutput) []types.ManagedPrefixList { return page.PrefixLists })
	if err != nil {
		return nil, err
	}
	var lists []*prefixList
	for _, f := range found {
		list := &prefixList{name: sdk.ToString(f.PrefixListName)}
		if list.id, err = parseID("pl")(describePrefixLists+": prefixListId", sdk.ToString(f.PrefixListId)); err != nil {
			return nil, err
		}
		switch family := sdk.ToString(f.AddressFamily); family {
		case "IPv4":
		case "IPv6":
			list.ipv6 = true
		default:
			return nil, invalid(describePrefixLists+": "+list.id, "addressFamily %s, accepted: IPv4, IPv6", document.Quote(family))
		}
		lists = append(lists, list)
		l.lists[list.id] = list
	}
	return lists, nil
}

// readEntries reads the CIDRs of a list.
func (l *look) readEntries(ctx context.Context, list *prefixList) error {
	if list.ipv6 {
		return nil
	}
	p := ec2.NewGetManagedPrefixListEntriesPaginator(l.client, &ec2.GetManagedPrefixListEntriesInput{PrefixListId: &list.id})
	entries, err := pages(ctx, l, getPrefixListEntries, p, func(page *ec2.GetManagedPrefixListEntriesOutput) []types.PrefixListEntry { return page.Entries })
	if err != nil {
		return err
	}
	for _, entry := range entries {
		cidr, err := parseCIDR(getPrefixListEntries+": "+list.id+": cidr", sdk.ToString(entry.Cidr))
		if err != nil {
			return err
		}
		list.cidrs = append(list.cidrs, cidr)
	}
	list.cidrs = sortCIDRs(list.cidrs)
	return nil
}

// sorted are texts in their order, each once.
func sorted(texts []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(texts)))
}
