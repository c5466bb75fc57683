package routespolicy_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

const (
	coreNetwork = "arn:aws:networkmanager::111122223333:core-network/core-network-0123456789abcdef0"
	odbNetwork  = "arn:aws:odb:eu-west-1:111122223333:odb-network/odbnet_1"
)

func randomTable(random *rand.Rand) table {
	kinds := []string{
		"local", "pcx-1", "tgw-1", "vgw-1", "nat-1", "igw-1", "igw-2", "eni-1", "vpce-1", "new-1", "blackhole", coreNetwork, odbNetwork,
	}
	t := table{}
	for _, cidr := range randomPrefixes(random) {
		t[cidr] = kinds[random.IntN(len(kinds))]
	}
	if random.IntN(3) == 0 {
		t["0.0.0.0/0"] = kinds[random.IntN(len(kinds))]
	}
	return t
}

// randomSettings are those that the modules go by, seldom one with which nothing
// is translated at all.
func randomSettings(random *rand.Rand) sdk.Map {
	settings := sdk.Map{
		abi.KeyVPCCIDRs:    sdk.List(randomPrefix(random).String(), "100.64.0.0/16"),
		abi.KeySNATExclude: sdk.List(randomPrefixes(random)...),
	}
	for _, setting := range []struct{ key, usual, seldom string }{
		{abi.KeySNATExternal, "false", "true"},
		{abi.KeyPodHostNetwork, "false", "true"},
		{abi.KeyClusterIPFamily, "ipv4", "ipv6"},
		{abi.KeySNATExclude, settings[abi.KeySNATExclude], absent},
	} {
		settings[setting.key] = setting.usual
		if random.IntN(20) == 0 {
			settings[setting.key] = setting.seldom
		}
	}
	return settings
}

func randomPrefixes(random *rand.Rand) []string {
	prefixes := make([]string, random.IntN(9))
	for i := range prefixes {
		prefixes[i] = randomPrefix(random).String()
	}
	return prefixes
}

func texts(prefixes []netip.Prefix) []string {
	list := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		list[i] = prefix.String()
	}
	return list
}

// randomPrefix is from a space that is small enough for many to be inside, around
// and equal to each other.
func randomPrefix(random *rand.Rand) netip.Prefix {
	address := fmt.Sprintf("10.%d.%d.%d", random.IntN(4)*64, random.IntN(2)*128, random.IntN(2)*255)
	lengths := []int{0, 6, 8, 9, 10, 16, 17, 24, 25, 31, 32}
	return netip.PrefixFrom(netip.MustParseAddr(address), lengths[random.IntN(len(lengths))]).Masked()
}
