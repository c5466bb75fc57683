package imdstest

import (
	"cmp"
	"maps"
	"strings"
)

// Paths of what is there about an instance.
const (
	Identity = "dynamic/instance-identity/document"
	MAC      = "meta-data/mac"
	MACs     = "meta-data/network/interfaces/macs/"
)

const document = `{
  "accountId" : "123456789012",
  "architecture" : "x86_64",
  "availabilityZone" : "eu-west-1a",
  "billingProducts" : null,
  "imageId" : "ami-0123456789abcdef0",
  "instanceId" : "i-0123456789abcdef0",
  "instanceType" : "m5.large",
  "pendingTime" : "2026-01-02T03:04:05Z",
  "privateIp" : "10.0.0.10",
  "region" : "eu-west-1",
  "version" : "2017-09-30"
}`

// SubnetID and VPCID are those of an Interface that has none of its own.
const (
	SubnetID = "subnet-0123456789abcdef0"
	VPCID    = "vpc-0123456789abcdef0"
)

// Interface is the values of a network interface. Those that are empty are not
// there, which the real service answers with 404, but for SubnetID and VPCID:
// every interface has these.
type Interface struct {
	MAC, Device, Card, Subnet, Addresses, Prefixes, VPC string
	SubnetID, VPCID                                     string
}

// Values are the paths and values for Set.
func (i Interface) Values() map[string]string {
	values := map[string]string{}
	for name, value := range map[string]string{
		"mac":                    i.MAC,
		"device-number":          i.Device,
		"network-card":           i.Card,
		"subnet-ipv4-cidr-block": i.Subnet,
		"local-ipv4s":            i.Addresses,
		"ipv4-prefix":            i.Prefixes,
		"vpc-ipv4-cidr-blocks":   i.VPC,
		"subnet-id":              cmp.Or(i.SubnetID, SubnetID),
		"vpc-id":                 cmp.Or(i.VPCID, VPCID),
	} {
		if value != "" {
			values[MACs+i.MAC+"/"+name] = value
		}
	}
	return values
}

// Node are the paths and values of an instance for Set: m5.large
// i-0123456789abcdef0 in eu-west-1a, with the given interfaces, of which the
// first one is the primary.
func Node(interfaces ...Interface) map[string]string {
	values := map[string]string{
		Identity: document,
		MAC:      interfaces[0].MAC,
	}
	for _, i := range interfaces {
		maps.Copy(values, i.Values())
	}
	return values
}

// Lines is a value with an item on each line.
func Lines(items ...string) string { return strings.Join(items, "\n") }
