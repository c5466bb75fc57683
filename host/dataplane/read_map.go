package dataplane

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/rules/nft"
)

// Attributes of sets beside those that x/sys knows, from linux/netfilter/nf_tables.h.
const (
	setKeyType     = 4
	setKeyLength   = 5
	setDataType    = 6
	setDataLength  = 7
	setObject      = 15
	setExpression  = 17
	setExpressions = 18
)

// verdictType is NFT_DATA_VERDICT.
const verdictType = 0xffffff00

// readMaps reads the maps that have a name, and returns the names of interfaces in the
// sets that rules have of their own, by the sets' names.
func (s *socket) readMaps(held *nft.Table, elements elementReader) (interfaces map[string][]string, err error) {
	var sets []attributes
	request := []netlink.Attribute{name(unix.NFTA_SET_TABLE, held.Name)}
	err = s.dump(unix.NFT_MSG_GETSET, held.Name, request, func(object attributes) { sets = append(sets, object) })
	if err != nil {
		return nil, fmt.Errorf("maps: %w", err)
	}
	interfaces = map[string][]string{}
	for _, set := range sets {
		setName := set.text(unix.NFTA_SET_NAME)
		if set.number(unix.NFTA_SET_FLAGS)&unix.NFT_SET_ANONYMOUS != 0 {
			if isInterfaceSet(set) {
				interfaces[setName], err = s.readInterfaces(held.Name, set)
			}
		} else {
			m := decodeMap(set)
			if m.Other == "" {
				err = elements(held.Name, &m)
			}
			held.Maps = append(held.Maps, m)
		}
		if err != nil {
			return nil, fmt.Errorf("elements of %s: %w", setName, err)
		}
	}
	return interfaces, nil
}

// decodeMap is the inverse of addedMap, without elements.
func decodeMap(set attributes) nft.Map {
	flags := set.number(unix.NFTA_SET_FLAGS)
	m := nft.Map{
		Name:      set.text(unix.NFTA_SET_NAME),
		Interval:  flags&unix.NFT_SET_INTERVAL != 0,
		Addresses: set.number(setDataType) != verdictType,
	}
	key, data := nftables.TypeIPAddr.GetNFTMagic(), set.number(setDataType)
	switch {
	case flags&unix.NFT_SET_MAP == 0 || set[setObject] != nil:
		m.Other = "no map"
	case set.number(setKeyType) != key || set.number(setKeyLength) != addressLength,
		m.Addresses && (data != key || set.number(setDataLength) != addressLength):
		m.Other = fmt.Sprintf("types %#x and %#x", set.number(setKeyType), data)
	case flags&^(unix.NFT_SET_MAP|unix.NFT_SET_INTERVAL) != 0:
		m.Other = fmt.Sprintf("flags %#x", flags)
	case set[unix.NFTA_SET_TIMEOUT] != nil, hasSize(set):
		m.Other = "limits"
	case set[setExpression] != nil, set[setExpressions] != nil:
		m.Other = "statements"
	}
	return m
}

// hasSize says whether a set has a limit to how many elements it takes.
func hasSize(set attributes) bool {
	return set.nested(unix.NFTA_SET_DESC)[unix.NFTA_SET_DESC_SIZE] != nil
}
