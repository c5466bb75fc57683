package test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/aws/ec2test"
	"github.com/snatd/snatd/host/aws/imdstest"
	"github.com/snatd/snatd/host/lab"
)

// routes are the route table of a private subnet: the peered VPC is reached by a
// transit gateway, and the rest of the world by this target.
func routes(world ec2test.Route) ec2test.Network {
	world.CIDR = "0.0.0.0/0"
	return ec2test.Network{
		RouteTables: []ec2test.RouteTable{{
			ID: "rtb-0123456789abcdef0", VPC: imdstest.VPCID, Associations: []ec2test.Association{{Subnet: imdstest.SubnetID}},
			Routes: []ec2test.Route{
				{CIDR: "10.0.0.0/16", Gateway: "local"}, {CIDR: "100.64.0.0/16", Gateway: "local"},
				{CIDR: "172.31.0.0/16", TransitGateway: "tgw-0123456789abcdef0"},
				world,
			},
		}},
		PrefixLists: []ec2test.PrefixList{{ID: "pl-0123456789abcdef0", Name: "partners", Entries: ec2test.Entries("192.0.2.0/24")}},
		Peerings: []ec2test.Peering{{
			ID:        "pcx-0123456789abcdef0",
			Requester: &ec2test.Side{VPC: imdstest.VPCID, CIDRs: ec2test.Blocks("10.0.0.0/16")},
			Accepter:  &ec2test.Side{VPC: "vpc-0fedcba9876543210", CIDRs: ec2test.Blocks("172.31.0.0/16")},
		}},
	}
}

var (
	internetGateway = ec2test.Route{Gateway: "igw-0123456789abcdef0"}
	natGateway      = ec2test.Route{NAT: "nat-0123456789abcdef0"}
)

// The EC2 API says which networks a pod's own address is routable to; one line
// turns on the module that goes by it.
func TestRoutes(t *testing.T) {
	d, imds, _ := withIMDS(t)
	ec2 := ec2test.StartOn(t, "127.0.0.1:0", d.listen)
	ec2.Set(routes(internetGateway))
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	without := replace(t, string(config), "vpc: imds,", "vpc: imds, ec2: true, ec2Interval: 60s, prefixLists: [partners],")
	with := replace(t, without, "policies: {", "policies: {routes: true, ")
	d.write("config.yaml", without)
	environment := []string{
		"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + imds.URL(), "AWS_ENDPOINT_URL_EC2=" + ec2.URL(),
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
	}
	d.run(environment...)
	d.waitReady()
	d.check(onlyOutside)
	d.wait("the EC2 API's facts", func() error {
		recorded, _, err := d.output(nil, "facts")
		for _, want := range []string{"target: tgw-0123456789abcdef0", "name: partners", "id: pcx-0123456789abcdef0"} {
			if err == nil && !strings.Contains(recorded, want) {
				err = missing(want)
			}
		}
		return err
	})
	if s := d.source("ec2"); s.Success.IsZero() || s.Error != "" || s.Next.IsZero() {
		t.Errorf("source %+v", s)
	}

	d.write("config.yaml", with)
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	d.check(world{internet: true})
	explanation, err := d.client.Explain(t.Context(), lab.PodA.String(), lab.Peered.String())
	if err != nil || explanation.Module != "routes" || explanation.Reason != "route to tgw-0123456789abcdef0" {
		t.Errorf("explained %+v, %v", explanation, err)
	}

	// A NAT gateway translates by itself. Another interval begins with asking.
	ec2.Set(routes(natGateway))
	d.write("config.yaml", replace(t, with, "60s", "61s"))
	d.waitAction(lab.PodB, lab.Internet, "exclude")
	d.check(world{})

	// What EC2 does not say any more stays as it was, over another interval too.
	ec2.Fail("DescribeRouteTables", ec2test.Error(http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded."))
	d.write("config.yaml", replace(t, with, "60s", "62s"))
	d.waitProblem("ec2: DescribeRouteTables: RequestLimitExceeded")
	d.check(world{})
	ec2.Heal()

	d.write("config.yaml", without)
	d.waitAction(lab.PodA, lab.Internet, "translate")
	d.check(onlyOutside)
}

type missing string

func (m missing) Error() string { return "there is no " + string(m) }

// An operator may prefer translating too much to translating nothing, after a
// while; the VPC's CIDRs are taken when they come.
func TestGrace(t *testing.T) {
	d, imds, _ := withIMDS(t)
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.write("config.yaml", replace(t, string(config), "vpc: imds,", "vpc: imds, grace: 1s,"))
	imds.Refuse()
	d.runWithIMDS(imds)
	d.waitReady()
	d.waitProblem("imds")
	d.see(d.lab.PodA, lab.TCP, lab.VPC, lab.NodePrimary)
	d.see(d.lab.PodB, lab.UDP, lab.Internet, lab.NodePrimary)
	imds.Accept()
	d.waitAction(lab.PodA, lab.VPC, "exclude")
	d.check(onlyOutside)
	imds.Refuse()
	d.waitProblem("imds")
	d.check(onlyOutside)
	// Waiting again withdraws nothing either.
	d.write("config.yaml", string(config))
	d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16}\n")
	d.waitAction(lab.PodA, lab.Peered, "exclude")
}

// Pods that are to come from a file which is not there have the node's decision.
func TestFactsFileMissing(t *testing.T) {
	d, imds, _ := withIMDS(t)
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.write("config.yaml", replace(t, string(config), "pods: none", "pods: static"))
	d.runWithIMDS(imds)
	d.waitReady()
	d.waitProblem("/nonexistent")
	d.check(onlyOutside)
}
