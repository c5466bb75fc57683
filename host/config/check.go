package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

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
	word := func(key, value string) rule { return rule{key, checkWord(key, value)} }
	checks := []rule{
		word("facts.vpc", config.Facts.VPC),
		word("facts.pods", config.Facts.Pods),
		{"facts.interval", config.Facts.Interval.between(time.Second, time.Hour)},
		{"facts.grace", config.Facts.Grace.between(0, 24*time.Hour)},
		{"facts.ec2", checkEC2(config.Facts)},
		{"policies.routes", checkRoutes(config)},
		{"facts.ec2Interval", config.Facts.EC2Interval.between(10*time.Second, 24*time.Hour)},
		{"facts.record", checkRecord(config.Facts)},
		{"facts.coalesce", config.Facts.Coalesce.between(0, time.Second)},
		{"facts.file", checkPath(config.Facts.File, "a file")},
		{"kubernetes.node", CheckNode(config.Kubernetes.Node)},
		{"network.primaryInterface", checkPrimaryInterface(config.Network.PrimaryInterface)},
		{"network.primaryAddress", checkPrimaryAddress(config.Network.PrimaryAddress)},
		{"network.podInterfaces", checkPodInterfaces(config.Network.PodInterfaces)},
		word("network.ipFamily", config.Network.IPFamily),
		word("network.protect", config.Network.Protect),
		{"network.verify", config.Network.Verify.orNever(time.Second, 24*time.Hour)},
		word("snat.onChange", config.SNAT.OnChange),
		{"snat.excludeCIDRs", checkExcludeCIDRs(config.SNAT.ExcludeCIDRs)},
		word("snat.randomize", string(config.SNAT.Randomize)),
		{"guard.maxChange", checkGuard(config)},
		{"policies.deadline", config.Policies.Deadline.between(time.Millisecond, 10*time.Second)},
		{"policies.directory", checkPath(config.Policies.Directory, "a directory")},
		{"socket", checkPath(config.Socket, "a Unix socket")},
		{"metrics.listen", checkListen(config.Metrics.Listen)},
		{"log.level", CheckLogLevel(config.Log.Level)},
	}
	for i, name := range config.Network.PodInterfaces {
		checks = append(checks, rule{fmt.Sprintf("network.podInterfaces[%d]", i), rules.CheckPattern(name)})
	}
	for i, name := range config.Facts.PrefixLists {
		checks = append(checks, rule{fmt.Sprintf("facts.prefixLists[%d]", i), checkPrefixList(name)})
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

func checkEC2(facts Facts) error {
	if facts.EC2 && facts.VPC != VPCIMDS {
		return fmt.Errorf("true needs facts.vpc: %s, which says whose route table is meant", VPCIMDS)
	}
	return nil
}

func checkRecord(facts Facts) error {
	if facts.Record == facts.File {
		return fmt.Errorf("%s is facts.file too, accepted: a file of its own, or empty", document.Quote(facts.Record))
	}
	return nil
}

func checkRoutes(config Config) error {
	if config.Policies.Routes && config.Facts.VPC == VPCIMDS && !config.Facts.EC2 {
		return errors.New("true needs facts.ec2: true, which reads the routes")
	}
	return nil
}

// checkPrefixList keeps to what EC2 accepts as a prefix list's name; an ID is
// one too.
func checkPrefixList(name string) error {
	if name == "" || len(name) > 255 || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("%s is not a prefix list, accepted: an ID or a name of at most 255 bytes, such as pl-0123456789abcdef0", document.Quote(name))
	}
	return nil
}

// CheckNode checks the name of a node; an empty one is to be found out.
func CheckNode(name string) error {
	if name != "" && !document.IsName(name) {
		return fmt.Errorf("%s is not a node's name, accepted: at most 253 of a-z, 0-9, - and ., such as ip-10-0-0-10.eu-west-1.compute.internal", document.Quote(name))
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

// MaxExcludeCIDRs leaves room for the VPC's CIDRs in the 10,000 prefixes that a
// module's decision may have.
const MaxExcludeCIDRs = 9000

func checkExcludeCIDRs(prefixes []netip.Prefix) error {
	if n := len(prefixes); n > MaxExcludeCIDRs {
		return fmt.Errorf("%d CIDRs, accepted: at most %d", n, MaxExcludeCIDRs)
	}
	return nil
}

// checkGuard checks that what is held can be noted for the next start, which is no approval.
func checkGuard(config Config) error {
	if config.Guard != Default().Guard && config.Facts.Record == "" {
		return errors.New("facts.record is empty, beside which it is noted that a change is held: accepted only with a path there")
	}
	return nil
}

// CheckLogLevel checks the name of a level of the log.
func CheckLogLevel(level string) error {
	if levels := words["log.level"]; !slices.Contains(levels, level) {
		return fmt.Errorf("%s is not a level, accepted: %s", document.Quote(level), strings.Join(levels, ", "))
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
