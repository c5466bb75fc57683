package aws

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/host/facts"
)

// named reads the prefix lists that the options name. Beside an error are those
// that could be read, and of the others what they said last, as far as that is
// known.
func (l *look) named(ctx context.Context) ([]facts.PrefixList, error) {
	undescribed := l.describeNamed(ctx)
	found, problems := map[string]facts.PrefixList{}, []string(nil)
	var unreadable []string
	for _, wanted := range l.options.PrefixLists {
		list, err := l.readNamed(ctx, wanted, undescribed)
		if err != nil {
			unreadable = append(unreadable, wanted)
			if text := err.Error(); !slices.Contains(problems, text) {
				problems = append(problems, text)
			}
			continue
		}
		l.last[wanted], found[list.ID] = list, list
	}
	for _, wanted := range unreadable {
		// What was found just now may be it under its other name.
		if list, ok := l.last[wanted]; ok && found[list.ID].ID == "" {
			found[list.ID] = list
		}
	}
	var lists []facts.PrefixList
	for _, list := range found {
		lists = append(lists, list)
	}
	slices.SortFunc(lists, func(a, b facts.PrefixList) int { return cmp.Compare(a.ID, b.ID) })
	if len(problems) > 0 {
		return lists, errors.New(strings.Join(problems, "; "))
	}
	return lists, nil
}

// describeNamed describes all that the options name, by IDs and by names.
func (l *look) describeNamed(ctx context.Context) error {
	var ids, names []string
	for _, wanted := range l.options.PrefixLists {
		switch {
		case !isListID(wanted):
			names = append(names, wanted)
		case l.lists[wanted] == nil:
			ids = append(ids, wanted)
		}
	}
	return cmp.Or(l.describeLists(ctx, "prefix-list-id", ids), l.describeLists(ctx, "prefix-list-name", names))
}

// readNamed reads one list, after an attempt to describe all.
func (l *look) readNamed(ctx context.Context, wanted string, undescribed error) (facts.PrefixList, error) {
	list, err := l.find(wanted)
	if undescribed != nil && (err != nil || !isListID(wanted)) {
		err = undescribed // another list may have the name too
	}
	if err != nil {
		return facts.PrefixList{}, err
	}
	if err := l.readEntries(ctx, list); err != nil {
		return facts.PrefixList{}, err
	}
	switch at := describePrefixLists + ": " + list.id; {
	case list.family == familyIPv6:
		return facts.PrefixList{}, invalid(at, "addressFamily IPv6, accepted: IPv4")
	case list.name != "" && !isListName(list.name):
		return facts.PrefixList{}, invalid(at, "prefixListName %s, accepted: 1 to 255 bytes without control characters", document.Quote(list.name))
	}
	return facts.PrefixList{ID: list.id, Name: list.name, CIDRs: list.cidrs}, nil
}

// find finds a list among those that were described.
func (l *look) find(wanted string) (*prefixList, error) {
	if isListID(wanted) {
		list := l.lists[wanted]
		if list == nil {
			return nil, invalid(describePrefixLists, "there is no prefix list %s", document.Quote(wanted))
		}
		return list, nil
	}
	var have []string
	for id, list := range l.lists {
		if list.name == wanted {
			have = append(have, id)
		}
	}
	switch slices.Sort(have); len(have) {
	case 0:
		return nil, invalid(describePrefixLists, "there is no prefix list with the name %s", document.Quote(wanted))
	case 1:
		return l.lists[have[0]], nil
	default:
		return nil, invalid(describePrefixLists, "%s and %s have the name %s, accepted: an ID", have[0], have[1], document.Quote(wanted))
	}
}
