package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/rules"
)

// variable is one of the AWS VPC CNI plugin's variables, with the plugin's name
// and values, documented at https://github.com/aws/amazon-vpc-cni-k8s.
type variable struct {
	name string
	key  string // the setting that it overrides
	set  func(config *Config, text string) error
}

var variables = []variable{
	{"AWS_VPC_K8S_CNI_EXTERNALSNAT", "snat.external", func(c *Config, text string) error {
		return parseBool(&c.SNAT.External, text)
	}},
	{"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "snat.excludeCIDRs", func(c *Config, text string) error {
		return parseCIDRs(&c.SNAT.ExcludeCIDRs, text)
	}},
	{"AWS_VPC_K8S_CNI_RANDOMIZESNAT", "snat.randomize", func(c *Config, text string) error {
		c.SNAT.Randomize = rules.Randomize(text)
		return checkWord("snat.randomize", text)
	}},
	{"AWS_VPC_K8S_CNI_CONNMARK", "snat.mark", func(c *Config, text string) error {
		return c.SNAT.Mark.UnmarshalText([]byte(text))
	}},
	{"AWS_VPC_K8S_CNI_VETHPREFIX", "network.podInterfaces", func(c *Config, text string) error {
		return parseVethPrefix(&c.Network.PodInterfaces, text)
	}},
	{"AWS_VPC_CNI_NODE_PORT_SUPPORT", "network.nodePorts", func(c *Config, text string) error {
		return parseBool(&c.Network.NodePorts, text)
	}},
	{"MY_NODE_NAME", "kubernetes.node", func(c *Config, text string) error {
		c.Kubernetes.Node = text
		return CheckNode(text)
	}},
	{"ENABLE_IPv6", "network.ipFamily", func(c *Config, text string) error {
		var ipv6 bool
		if err := parseBool(&ipv6, text); err != nil {
			return err
		}
		c.Network.IPFamily = IPv4
		if ipv6 {
			c.Network.IPFamily = IPv6
		}
		return nil
	}},
}

// Variables are the names of the variables that override the configuration.
func Variables() []string {
	names := make([]string, len(variables))
	for i, v := range variables {
		names[i] = v.name
	}
	return names
}

// applyVariables overrides settings by the variables that are set. The plugin
// takes an empty variable for one that is not set, and manifests rely on it.
func applyVariables(config *Config, environ func(string) (string, bool)) error {
	for _, v := range variables {
		text, ok := environ(v.name)
		if text = strings.TrimSpace(text); !ok || text == "" {
			continue
		}
		if err := v.set(config, text); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
	}
	return nil
}

func parseBool(into *bool, text string) error {
	value, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("%s is not a bool, accepted: true, false", document.Quote(text))
	}
	*into = value
	return nil
}

func parseCIDRs(into *[]netip.Prefix, text string) error {
	separator := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	var prefixes []netip.Prefix
	for field := range strings.FieldsFuncSeq(text, separator) {
		prefix, err := document.ParseCIDR(field)
		if err != nil {
			return err
		}
		prefixes = append(prefixes, prefix)
	}
	*into = prefixes
	return checkExcludeCIDRs(prefixes)
}

// parseVethPrefix keeps to what the plugin accepts: it gives its own meaning to
// the reserved prefixes, and a longer one leaves no room for the hash in a name.
func parseVethPrefix(into *[]string, text string) error {
	reserved := []string{"eth", "vlan", "lo"}
	if len(text) > 4 || slices.Contains(reserved, text) || rules.CheckName(text) != nil {
		return fmt.Errorf("%s is not a prefix of pod interfaces, accepted: at most 4 characters, not %s, such as eni",
			document.Quote(text), strings.Join(reserved, ", "))
	}
	*into = []string{text + "*"}
	return nil
}
