package config

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/rules"
)

// check holds what a file says against the rules that the types of the values
// do not carry. It reports the first that is broken.
func check(config Config, doc *document.Document) error {
	type rule struct {
		key string
		err error
	}
	checks := []rule{
		{"facts.vpc", checkVPC(config.Facts.VPC)},
		{"facts.pods", checkPods(config.Facts.Pods)},
		{"facts.file", checkPath(config.Facts.File, "a file")},
		{"network.primaryInterface", checkPrimaryInterface(config.Network.PrimaryInterface)},
		{"network.primaryAddress", checkPrimaryAddress(config.Network.PrimaryAddress)},
		{"network.podInterfaces", checkPodInterfaces(config.Network.PodInterfaces)},
		{"network.ipFamily", checkIPFamily(config.Network.IPFamily)},
		{"snat.excludeCIDRs", checkExcludeCIDRs(config.SNAT.ExcludeCIDRs)},
		{"snat.randomize", checkRandomize(config.SNAT.Randomize)},
		{"policies.directory", checkPath(config.Policies.Directory, "a directory")},
		{"socket", checkPath(config.Socket, "a Unix socket")},
		{"metrics.listen", checkListen(config.Metrics.Listen)},
	}
	for i, name := range config.Network.PodInterfaces {
		checks = append(checks, rule{fmt.Sprintf("network.podInterfaces[%d]", i), rules.CheckPattern(name)})
	}
	for _, r := range checks {
		if r.err != nil {
			return doc.Errorf(r.key, "%v", r.err)
		}
	}
	return nil
}

func checkPath(path, of string) error {
	if path == "" {
		return fmt.Errorf("empty, accepted: the path of %s", of)
	}
	return nil
}

func checkPrimaryInterface(name string) error {
	if name == "" {
		return nil
	}
	return rules.CheckName(name)
}

func checkPrimaryAddress(addr netip.Addr) error {
	if addr.IsValid() && (!addr.Is4() || !addr.IsGlobalUnicast()) {
		return fmt.Errorf("%s cannot be a primary address, accepted: a unicast IPv4 address, such as 10.0.0.10", addr)
	}
	return nil
}

func checkPodInterfaces(patterns []string) error {
	if len(patterns) == 0 {
		return errors.New("empty, accepted: at least one name, such as eni*")
	}
	return nil
}

// maxExcludeCIDRs leaves room for the VPC's CIDRs in the 10,000 prefixes that a
// module's decision may have.
const maxExcludeCIDRs = 9000

func checkExcludeCIDRs(prefixes []netip.Prefix) error {
	if n := len(prefixes); n > maxExcludeCIDRs {
		return fmt.Errorf("%d CIDRs, accepted: at most %d", n, maxExcludeCIDRs)
	}
	return nil
}

func checkListen(listen string) error {
	if listen == "" {
		return nil
	}
	if _, err := netip.ParseAddrPort(listen); err != nil {
		return fmt.Errorf("%s is not an address and port, accepted: such as 127.0.0.1:9477", document.Quote(listen))
	}
	return nil
}
