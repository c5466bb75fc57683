package facts

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/snatd/snatd/host/document"
)

// maxRoutes is less than a module may read in one evaluation (abi.MaxReads).
const maxRoutes = 3000

// checkVPC holds what is said of the VPC against what facts can carry.
func (d *Document) checkVPC(mayLack bool) error {
	// Without a CIDR, traffic inside the VPC would be translated.
	if len(d.VPC.CIDRs) == 0 && !mayLack {
		return d.source.Errorf("vpc.cidrs", "empty, accepted: at least one IPv4 CIDR, such as 10.0.0.0/16")
	}
	if err := d.checkCIDRs("vpc.cidrs", d.VPC.CIDRs); err != nil {
		return err
	}
	if n := len(d.VPC.Routes); n > maxRoutes {
		return d.source.Errorf("vpc.routes", "%d, accepted: at most %d", n, maxRoutes)
	}
	seen := map[string]bool{}
	unique := func(key, value string) error {
		if seen[value] {
			return d.source.Errorf(key, "%s is there twice", document.Quote(value))
		}
		seen[value] = true
		return d.checkID(key, value)
	}
	for i, route := range d.VPC.Routes {
		key := fmt.Sprintf("vpc.routes[%d]", i)
		if err := d.checkCIDR(key+".cidr", route.CIDR); err != nil {
			return err
		}
		if err := unique(key+".cidr", route.CIDR.String()); err != nil {
			return err
		}
		if err := d.checkID(key+".target", route.Target); err != nil {
			return err
		}
	}
	for i, list := range d.VPC.PrefixLists {
		key := fmt.Sprintf("vpc.prefixLists[%d]", i)
		if err := unique(key+".id", list.ID); err != nil {
			return err
		}
		if list.Name != "" {
			if err := d.checkID(key+".name", list.Name); err != nil {
				return err
			}
		}
		if err := d.checkCIDRs(key+".cidrs", list.CIDRs); err != nil {
			return err
		}
	}
	for i, peering := range d.VPC.Peerings {
		key := fmt.Sprintf("vpc.peerings[%d]", i)
		if err := unique(key+".id", peering.ID); err != nil {
			return err
		}
		if err := d.checkCIDRs(key+".cidrs", peering.CIDRs); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) checkCIDRs(key string, cidrs []netip.Prefix) error {
	for i, cidr := range cidrs {
		if err := d.checkCIDR(fmt.Sprintf("%s[%d]", key, i), cidr); err != nil {
			return err
		}
	}
	return nil
}

// checkCIDR checks again what a file's decoder has checked: a document that was
// not read from a file may hold anything.
func (d *Document) checkCIDR(key string, cidr netip.Prefix) error {
	text := ""
	if cidr.IsValid() {
		text = cidr.String()
	}
	if _, err := document.ParseCIDR(text); err != nil {
		return d.source.Errorf(key, "%v", err)
	}
	return nil
}

// checkID checks what becomes part of a fact's key, or its value.
func (d *Document) checkID(key, id string) error {
	if id == "" || len(id) > 255 || strings.ContainsFunc(id, unicode.IsControl) {
		return d.source.Errorf(key, "%s, accepted: 1 to 255 bytes without control characters, such as tgw-0123456789abcdef0", document.Quote(id))
	}
	return nil
}

// byName are the prefix lists by those of their names that mean one of them.
func (v VPC) byName() map[string]PrefixList {
	lists, ambiguous := map[string]PrefixList{"": {}}, []string{""}
	for _, list := range v.PrefixLists {
		if _, ok := lists[list.Name]; ok {
			ambiguous = append(ambiguous, list.Name)
		}
		lists[list.Name] = list
	}
	for _, name := range ambiguous {
		delete(lists, name)
	}
	return lists
}

// canonicalVPC is the same in canonical order, in lists of its own.
func canonicalVPC(v VPC) VPC {
	v.CIDRs = canonical(v.CIDRs)
	v.Routes = slices.SortedFunc(slices.Values(v.Routes), func(a, b Route) int { return a.CIDR.Compare(b.CIDR) })
	v.PrefixLists = slices.SortedFunc(slices.Values(v.PrefixLists), func(a, b PrefixList) int { return cmp.Compare(a.ID, b.ID) })
	for i, list := range v.PrefixLists {
		v.PrefixLists[i].CIDRs = canonical(list.CIDRs)
	}
	v.Peerings = slices.SortedFunc(slices.Values(v.Peerings), func(a, b Peering) int { return cmp.Compare(a.ID, b.ID) })
	for i, peering := range v.Peerings {
		v.Peerings[i].CIDRs = canonical(peering.CIDRs)
	}
	return v
}
