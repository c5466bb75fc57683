package sdk

import (
	"errors"
	"net/netip"
	"strconv"
)

// ParseAddress parses an IPv4 address such as 10.0.0.10. The error quotes the text
// and says what would be accepted.
func ParseAddress(text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	if err != nil || !address.Is4() {
		return netip.Addr{}, errors.New(strconv.Quote(text) + " is not an IPv4 address, want one such as 10.0.0.10")
	}
	return address, nil
}
