package ec2test

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

func (s *Server) routeTables(form url.Values) (any, *refusal) {
	found, token, err := search(s, form, s.network.RouteTables, map[string]func(RouteTable, string) bool{
		"vpc-id": func(t RouteTable, value string) bool { return t.VPC == value },
		"association.subnet-id": func(t RouteTable, value string) bool {
			return slices.ContainsFunc(t.Associations, func(a Association) bool { return a.Subnet != "" && a.Subnet == value })
		},
		"association.main": func(t RouteTable, value string) bool {
			return slices.ContainsFunc(t.Associations, func(a Association) bool { return strconv.FormatBool(a.Main) == value })
		},
	})
	found = slices.Clone(found)
	for i, table := range found {
		found[i].Routes = slices.Clone(table.Routes)
		for at, r := range table.Routes {
			found[i].Routes[at].State = cmp.Or(r.State, "active")
			found[i].Routes[at].Origin = cmp.Or(r.Origin, "CreateRoute")
		}
	}
	return envelope(RouteTables, "routeTableSet", found, token), err
}

func (s *Server) prefixLists(form url.Values) (any, *refusal) {
	found, token, err := search(s, form, s.network.PrefixLists, map[string]func(PrefixList, string) bool{
		"prefix-list-id":   func(l PrefixList, value string) bool { return fits(value, l.ID) },
		"prefix-list-name": func(l PrefixList, value string) bool { return fits(value, l.Name) },
	})
	found = slices.Clone(found)
	for i, l := range found {
		found[i].Family = cmp.Or(l.Family, "IPv4")
	}
	return envelope(PrefixLists, "prefixListSet", found, token), err
}

func (s *Server) prefixListEntries(form url.Values) (any, *refusal) {
	id := form.Get("PrefixListId")
	at := slices.IndexFunc(s.network.PrefixLists, func(l PrefixList) bool { return l.ID == id })
	if at < 0 {
		return nil, &refusal{http.StatusBadRequest, "InvalidPrefixListID.NotFound", fmt.Sprintf("The prefix list ID '%s' does not exist", id)}
	}
	list := s.network.PrefixLists[at]
	entries := list.Entries
	if text := form.Get("TargetVersion"); text != "" && text != strconv.FormatInt(list.Version, 10) {
		version, err := strconv.ParseInt(text, 10, 64)
		earlier, ok := list.Earlier[version]
		if err != nil || !ok {
			return nil, &refusal{http.StatusBadRequest, "InvalidParameterValue",
				fmt.Sprintf("The prefix list %s has no version %s", id, text)}
		}
		entries = earlier
	}
	found, token, err := page(s, form, entries)
	return envelope(PrefixListEntries, "entrySet", found, token), err
}

func (s *Server) peerings(form url.Values) (any, *refusal) {
	at := func(side *Side, value string) bool { return side != nil && side.VPC == value }
	found, token, err := search(s, form, s.network.Peerings, map[string]func(Peering, string) bool{
		"status-code":               func(p Peering, value string) bool { return cmp.Or(p.State, "active") == value },
		"requester-vpc-info.vpc-id": func(p Peering, value string) bool { return at(p.Requester, value) },
		"accepter-vpc-info.vpc-id":  func(p Peering, value string) bool { return at(p.Accepter, value) },
	})
	found = slices.Clone(found)
	for i, p := range found {
		found[i].State = cmp.Or(p.State, "active")
	}
	return envelope(Peerings, "vpcPeeringConnectionSet", found, token), err
}

// set are items, each in an element of its own.
type set[T any] struct {
	XMLName xml.Name
	Items   []T `xml:"item"`
}

// envelope is the answer to an action: a set of items by its name, and the token
// for the next page.
func envelope[T any](action, name string, items []T, token string) any {
	return struct {
		XMLName xml.Name
		Set     set[T]
		Token   string `xml:"nextToken,omitempty"`
	}{
		XMLName: xml.Name{Space: "http://ec2.amazonaws.com/doc/2016-11-15/", Local: action + "Response"},
		Set:     set[T]{XMLName: xml.Name{Local: name}, Items: items},
		Token:   token,
	}
}
