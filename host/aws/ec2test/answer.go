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
	return struct {
		XMLName xml.Name     `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeRouteTablesResponse"`
		Items   []RouteTable `xml:"routeTableSet>item"`
		Token   string       `xml:"nextToken,omitempty"`
	}{Items: found, Token: token}, err
}

func (s *Server) prefixLists(form url.Values) (any, *refusal) {
	lists := s.network.PrefixLists
	if ids := values(form, "PrefixListId"); len(ids) > 0 {
		for _, id := range ids {
			if !slices.ContainsFunc(lists, func(l PrefixList) bool { return l.ID == id }) {
				return nil, notFound(id)
			}
		}
		lists = keep(lists, func(l PrefixList) bool { return slices.Contains(ids, l.ID) })
	}
	found, token, err := search(s, form, lists, map[string]func(PrefixList, string) bool{
		"prefix-list-name": func(l PrefixList, value string) bool { return fits(value, l.Name) },
	})
	found = slices.Clone(found)
	for i, l := range found {
		found[i].Family = cmp.Or(l.Family, "IPv4")
	}
	return struct {
		XMLName xml.Name     `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeManagedPrefixListsResponse"`
		Items   []PrefixList `xml:"prefixListSet>item"`
		Token   string       `xml:"nextToken,omitempty"`
	}{Items: found, Token: token}, err
}

func (s *Server) prefixListEntries(form url.Values) (any, *refusal) {
	id := form.Get("PrefixListId")
	at := slices.IndexFunc(s.network.PrefixLists, func(l PrefixList) bool { return l.ID == id })
	if at < 0 {
		return nil, notFound(id)
	}
	found, token, err := page(s, form, s.network.PrefixLists[at].Entries)
	return struct {
		XMLName xml.Name `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ GetManagedPrefixListEntriesResponse"`
		Items   []Entry  `xml:"entrySet>item"`
		Token   string   `xml:"nextToken,omitempty"`
	}{Items: found, Token: token}, err
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
	return struct {
		XMLName xml.Name  `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeVpcPeeringConnectionsResponse"`
		Items   []Peering `xml:"vpcPeeringConnectionSet>item"`
		Token   string    `xml:"nextToken,omitempty"`
	}{Items: found, Token: token}, err
}

func notFound(id string) *refusal {
	return &refusal{http.StatusBadRequest, "InvalidPrefixListID.NotFound", fmt.Sprintf("The prefix list ID '%s' does not exist", id)}
}
