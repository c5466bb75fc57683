package aws

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snatd/snatd/host/document"
)

const (
	describePrefixLists  = "DescribeManagedPrefixLists"
	getPrefixListEntries = "GetManagedPrefixListEntries"
)

// The families of addresses.
const (
	familyIPv4 = "IPv4"
	familyIPv6 = "IPv6"
)

// prefixList is a managed prefix list.
type prefixList struct {
	id, name, family string
	// version is nil for a list of AWS's own.
	version *int64
	// cidrs are ascending, and none for IPv6 or until they have been read.
	cidrs []netip.Prefix
	read  bool
}

func isListID(text string) bool {
	_, err := parseID("pl")("", text)
	return err == nil
}

// isListName holds a name, or an ID, against what facts can carry. EC2 accepts no
// others.
func isListName(text string) bool {
	return text != "" && len(text) <= 255 && !strings.ContainsFunc(text, unicode.IsControl)
}

// destinations reads the lists that are destinations of routes, which may be for
// IPv6.
func (l *look) destinations(ctx context.Context, ids []string) error {
	if err := l.describeLists(ctx, "prefix-list-id", ids); err != nil {
		return err
	}
	for _, id := range ids {
		list, err := l.find(id)
		if err != nil {
			return err
		}
		if err := l.readEntries(ctx, list); err != nil {
			return err
		}
	}
	return nil
}

// describeLists describes lists by a filter. What there is not is not found: asked
// for by its ID, one that does not exist would fail the others too.
func (l *look) describeLists(ctx context.Context, by string, values []string) error {
	const mostValues = 200 // in a filter
	for some := range slices.Chunk(values, mostValues) {
		p := ec2.NewDescribeManagedPrefixListsPaginator(callsOf(l.client), &ec2.DescribeManagedPrefixListsInput{Filters: []types.Filter{filter(by, some...)}})
		found, err := pages(ctx, l, describePrefixLists, p, func(page *ec2.DescribeManagedPrefixListsOutput) []types.ManagedPrefixList { return page.PrefixLists })
		if err != nil {
			return err
		}
		for _, f := range found {
			id, err := parseID("pl")(describePrefixLists+": prefixListId", sdk.ToString(f.PrefixListId))
			if err != nil {
				return err
			}
			if l.lists[id] == nil {
				l.lists[id] = &prefixList{id: id, name: sdk.ToString(f.PrefixListName), family: sdk.ToString(f.AddressFamily), version: f.Version}
			}
		}
	}
	return nil
}

// readEntries reads the CIDRs of a list, once.
func (l *look) readEntries(ctx context.Context, list *prefixList) error {
	switch {
	case list.read || list.family == familyIPv6:
		return nil
	case list.family != familyIPv4:
		return invalid(describePrefixLists+": "+list.id, "addressFamily %s, accepted: IPv4, IPv6", document.Quote(list.family))
	}
	p := ec2.NewGetManagedPrefixListEntriesPaginator(callsOf(l.client), &ec2.GetManagedPrefixListEntriesInput{
		PrefixListId: &list.id,
		// A list that changes meanwhile would have pages of before and of after.
		TargetVersion: list.version,
	})
	entries, err := pages(ctx, l, getPrefixListEntries, p, func(page *ec2.GetManagedPrefixListEntriesOutput) []types.PrefixListEntry { return page.Entries })
	if err != nil {
		return err
	}
	cidrs := make([]netip.Prefix, len(entries))
	for i, entry := range entries {
		if cidrs[i], err = parseCIDR(getPrefixListEntries+": "+list.id+": cidr", sdk.ToString(entry.Cidr)); err != nil {
			return err
		}
	}
	list.cidrs, list.read = sortCIDRs(cidrs), true
	return nil
}
