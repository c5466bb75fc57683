package aws_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/imdstest"
)

const (
	macs     = imdstest.MACs
	identity = imdstest.Identity
)

// gone is no value at all.
const gone = "\x00"

func TestBadData(t *testing.T) {
	t.Parallel()
	at := func(mac, field string) string { return macs + mac + "/" + field }
	eth2 := imdstest.Interface{MAC: "02:00:00:00:00:03", Device: "1", Subnet: "10.0.2.0/24", Addresses: "10.0.2.10"}
	for _, c := range []struct {
		name  string
		set   map[string]string
		error string
	}{
		{"no VPC CIDR", map[string]string{at(primary, "vpc-ipv4-cidr-blocks"): ""},
			`network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: empty, accepted: at least one IPv4 CIDR, such as 10.0.0.0/16`},
		{"VPC CIDRs gone", map[string]string{at(primary, "vpc-ipv4-cidr-blocks"): gone},
			`network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: http status 404 Not Found`},
		{"no CIDR", map[string]string{at(primary, "vpc-ipv4-cidr-blocks"): imdstest.Lines("10.0.0.0/16", "10.1.0.0")},
			`network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: "10.1.0.0" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"empty line", map[string]string{at(primary, "vpc-ipv4-cidr-blocks"): imdstest.Lines("10.0.0.0/16", "", "10.1.0.0/16")},
			`network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: "" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"host bits", map[string]string{at(primary, "vpc-ipv4-cidr-blocks"): "10.0.0.1/16"},
			`network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: "10.0.0.1/16" has host bits set, accepted: 10.0.0.0/16`},
		{"IPv6 VPC CIDR", map[string]string{at(primary, "vpc-ipv4-cidr-blocks"): "2600:1f13::/56"},
			`network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: "2600:1f13::/56" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"page instead of CIDRs", map[string]string{at(primary, "vpc-ipv4-cidr-blocks"): "<html>\n<body>login</body>\n</html>\n"},
			`network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: "<html>" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"too long", map[string]string{at(primary, "vpc-ipv4-cidr-blocks"): strings.Repeat("10.0.0.0/16\n", 1<<16)},
			`network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: longer than 65536 bytes`},
		{"long value in one line", map[string]string{at(primary, "vpc-ipv4-cidr-blocks"): strings.Repeat("1", 1000)},
			`network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks: "` + strings.Repeat("1", 64) + `"... is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},

		{"no subnet", map[string]string{at(primary, "subnet-id"): gone},
			`network/interfaces/macs/02:00:00:00:00:01/subnet-id: http status 404 Not Found`},
		{"empty subnet", map[string]string{at(primary, "subnet-id"): ""},
			`network/interfaces/macs/02:00:00:00:00:01/subnet-id: "" is not an ID, accepted: such as subnet-0123456789abcdef0`},
		{"ID of a VPC for the subnet", map[string]string{at(primary, "subnet-id"): imdstest.VPCID},
			`network/interfaces/macs/02:00:00:00:00:01/subnet-id: "vpc-0123456789abcdef0" is not an ID, accepted: such as subnet-0123456789abcdef0`},
		{"subnet with digits too many", map[string]string{at(primary, "subnet-id"): "subnet-0123456789abcdef01"},
			`network/interfaces/macs/02:00:00:00:00:01/subnet-id: "subnet-0123456789abcdef01" is not an ID, accepted: such as subnet-0123456789abcdef0`},
		{"two subnets", map[string]string{at(primary, "subnet-id"): imdstest.Lines("subnet-0a1b2c3d", "subnet-0a1b2c3e")},
			`network/interfaces/macs/02:00:00:00:00:01/subnet-id: "subnet-0a1b2c3d\nsubnet-0a1b2c3e" is not an ID, accepted: such as subnet-0123456789abcdef0`},
		{"no VPC", map[string]string{at(primary, "vpc-id"): gone},
			`network/interfaces/macs/02:00:00:00:00:01/vpc-id: http status 404 Not Found`},
		{"VPC that is none", map[string]string{at(primary, "vpc-id"): "vpc-0A1B2C3D"},
			`network/interfaces/macs/02:00:00:00:00:01/vpc-id: "vpc-0A1B2C3D" is not an ID, accepted: such as vpc-0123456789abcdef0`},

		{"no primary MAC", map[string]string{imdstest.MAC: gone}, `mac: http status 404 Not Found`},
		{"primary MAC that is none", map[string]string{imdstest.MAC: "02:00"},
			`mac: "02:00" is not a MAC, accepted: such as 02:00:00:00:00:01`},
		{"long MAC", map[string]string{imdstest.MAC: "02:00:00:00:00:00:00:01"},
			`mac: "02:00:00:00:00:00:00:01" is not a MAC, accepted: such as 02:00:00:00:00:01`},
		{"unknown primary MAC", map[string]string{imdstest.MAC: "02:00:00:00:00:99"},
			`mac: 02:00:00:00:00:99 is not among network/interfaces/macs`},
		{"no interfaces", map[string]string{macs: ""},
			`mac: 02:00:00:00:00:01 is not among network/interfaces/macs`},
		{"interface that is none", map[string]string{macs: imdstest.Lines(primary+"/", "../")},
			`network/interfaces/macs/: ".." is not a MAC, accepted: such as 02:00:00:00:00:01`},
		{"same MAC twice", map[string]string{macs: imdstest.Lines(primary+"/", secondary+"/", primary+"/")},
			`network/interfaces/macs/: 02:00:00:00:00:01 is there twice`},
		{"same MAC in another spelling", map[string]string{macs: imdstest.Lines("02:00:00:00:00:0a/", "02:00:00:00:00:0A/")},
			`network/interfaces/macs/: 02:00:00:00:00:0a is there twice`},
		{"interface without anything", map[string]string{macs: imdstest.Lines(primary+"/", "02:00:00:00:00:03/")},
			`network/interfaces/macs/02:00:00:00:00:03/device-number: http status 404 Not Found`},

		{"same device twice", eth2.Values(),
			`network/interfaces/macs/02:00:00:00:00:03/device-number: 1 on card 0 is that of 02:00:00:00:00:02 too`},
		{"no device", map[string]string{at(secondary, "device-number"): ""},
			`network/interfaces/macs/02:00:00:00:00:02/device-number: "", accepted: a number from 0 to 255`},
		{"negative device", map[string]string{at(secondary, "device-number"): "-1"},
			`network/interfaces/macs/02:00:00:00:00:02/device-number: "-1", accepted: a number from 0 to 255`},
		{"huge device", map[string]string{at(secondary, "device-number"): "256"},
			`network/interfaces/macs/02:00:00:00:00:02/device-number: "256", accepted: a number from 0 to 255`},
		{"card that is none", map[string]string{at(secondary, "network-card"): "eth1"},
			`network/interfaces/macs/02:00:00:00:00:02/network-card: "eth1", accepted: a number from 0 to 255`},
		{"address that is none", map[string]string{at(secondary, "local-ipv4s"): "10.0.1"},
			`network/interfaces/macs/02:00:00:00:00:02/local-ipv4s: "10.0.1" is not an address, accepted: an IP address, such as 10.0.0.10`},
		{"IPv6 address", map[string]string{at(secondary, "local-ipv4s"): imdstest.Lines("10.0.1.10", "fd00::10")},
			`network/interfaces/macs/02:00:00:00:00:02/local-ipv4s: "fd00::10" is IPv6, accepted: an IPv4 address, such as 10.0.0.10`},
		{"addresses without a subnet", map[string]string{at(secondary, "subnet-ipv4-cidr-block"): gone},
			`network/interfaces/macs/02:00:00:00:00:02/subnet-ipv4-cidr-block: http status 404 Not Found`},
		{"IPv6 subnet", map[string]string{at(secondary, "subnet-ipv4-cidr-block"): "2600:1f13::/64"},
			`network/interfaces/macs/02:00:00:00:00:02/subnet-ipv4-cidr-block: "2600:1f13::/64" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"prefix that is none", map[string]string{at(secondary, "ipv4-prefix"): "10.0.1.1/28"},
			`network/interfaces/macs/02:00:00:00:00:02/ipv4-prefix: "10.0.1.1/28" has host bits set, accepted: 10.0.1.0/28`},

		{"no identity", map[string]string{identity: gone}, `dynamic/instance-identity/document: http status 404 Not Found`},
		{"identity in part", map[string]string{identity: `{"region": "eu-west-1", "availabi`},
			`dynamic/instance-identity/document: not an identity document: unexpected EOF`},
		{"page instead of the identity", map[string]string{identity: "<html>login</html>"},
			`dynamic/instance-identity/document: not an identity document: invalid character '<' looking for beginning of value`},
		{"no region", map[string]string{identity: `{"availabilityZone": "eu-west-1a"}`},
			`dynamic/instance-identity/document: region: "", accepted: up to 64 lower-case letters, digits, "-" and ".", such as eu-west-1`},
		{"odd zone", map[string]string{identity: `{"region": "eu-west-1", "availabilityZone": "eu west\n"}`},
			`dynamic/instance-identity/document: availabilityZone: "eu west\n", accepted: up to 64 lower-case letters, digits, "-" and ".", such as eu-west-1a`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t)
			for path, value := range c.set {
				if value == gone {
					server.Remove(path)
				}
			}
			maps.DeleteFunc(c.set, func(_, value string) bool { return value == gone })
			server.Set(c.set)
			instance, provenance := await(t, follow(t, server, aws.Options{}), "an error", failing)
			if want := "imds: " + c.error; provenance.Error != want {
				t.Errorf("got  %s\nwant %s", provenance.Error, want)
			}
			if instance != nil {
				t.Errorf("there is %+v nevertheless", instance)
			}
		})
	}
}
