package egressaddress_test

import (
	"net/netip"
	"slices"
	"testing"

	egressaddress "github.com/snatd/snatd/examples/egress-address"
	"github.com/snatd/snatd/sdk"
)

var base = sdk.Map{
	"config.source": "10.0.0.11", "config.namespaces": "payments, billing", "pod.namespace": "billing",
	"vpc.cidrs": sdk.List("10.0.0.0/16"), "snat.exclude": sdk.List("192.168.0.0/16"), "snat.external": "false",
}

// with is base with other facts; an empty value takes one away.
func with(facts sdk.Map) sdk.Map {
	all := sdk.Map{}
	for _, from := range []sdk.Map{base, facts} {
		for key, value := range from {
			if all[key] = value; value == "" {
				delete(all, key)
			}
		}
	}
	return all
}

func TestDecide(t *testing.T) {
	to := func(prefix string) sdk.Entry {
		return sdk.Entry{
			Prefix: netip.MustParsePrefix(prefix), Translate: true, Source: netip.MustParseAddr("10.0.0.11"), Reason: "egress address of the namespace",
		}
	}
	keep := func(prefix string) sdk.Entry {
		return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: "not translated by default"}
	}
	for _, test := range []struct {
		name  string
		facts sdk.Map
		want  []sdk.Entry
	}{
		{"outside of the VPC", nil, []sdk.Entry{to("0.0.0.0/0"), keep("10.0.0.0/16"), keep("192.168.0.0/16")}},
		{"another namespace", sdk.Map{"pod.namespace": "shop"}, nil},
		{"a pod that is not known", sdk.Map{"pod.namespace": ""}, nil},
		{"external", sdk.Map{"snat.external": "true"}, nil},
		{"one network", sdk.Map{"config.cidrs": "192.0.2.0/24"}, []sdk.Entry{to("192.0.2.0/24")}},
		{"inside of the VPC", sdk.Map{"config.cidrs": "10.0.0.0/16"}, []sdk.Entry{to("10.0.0.0/16")}},
		{"around the VPC", sdk.Map{"config.cidrs": "10.0.0.0/8 10.0.1.0/24"}, []sdk.Entry{to("10.0.0.0/8"), to("10.0.1.0/24"), keep("10.0.0.0/16")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			decision, err := sdk.Run(egressaddress.Decide, with(test.facts))
			if err != nil {
				t.Fatal(err)
			}
			if got := decision.Entries(); !slices.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	const noSource = " is no unicast address that others could answer to, want one of the node such as 10.0.0.11"
	for _, test := range []struct {
		facts sdk.Map
		want  string
	}{
		{nil, ""},
		{sdk.Map{"config.sources": "x"}, `config "sources" is not a setting, want source, namespaces or cidrs`},
		{sdk.Map{"config.source": ""}, `config source: "" is not an IPv4 address, want one of the node such as 10.0.0.11`},
		{sdk.Map{"config.source": "fd00::1"}, `config source: "fd00::1" is not an IPv4 address, want one of the node such as 10.0.0.11`},
		{sdk.Map{"config.source": "224.0.0.1"}, "config source: 224.0.0.1" + noSource},
		{sdk.Map{"config.source": "0.0.0.0"}, "config source: 0.0.0.0" + noSource},
		{sdk.Map{"config.source": "0.0.0.1"}, "config source: 0.0.0.1" + noSource},
		{sdk.Map{"config.source": "127.0.0.1"}, "config source: 127.0.0.1" + noSource},
		{sdk.Map{"config.source": "169.254.1.1"}, "config source: 169.254.1.1" + noSource},
		{sdk.Map{"config.source": "240.0.0.1"}, "config source: 240.0.0.1" + noSource},
		{sdk.Map{"config.source": "255.255.255.255"}, "config source: 255.255.255.255" + noSource},
		{sdk.Map{"config.source": "223.255.255.1"}, ""},
		{sdk.Map{"config.namespaces": ","}, `config namespaces: missing or empty, want names such as "payments, billing"`},
		{sdk.Map{"config.cidrs": ","}, `config cidrs: empty, want IPv4 prefixes such as "192.0.2.0/24", or no such setting for everywhere outside of the VPC`},
		{sdk.Map{"config.cidrs": "10.0.0.1/8"}, `config cidrs: "10.0.0.1/8" has host bits set, write 10.0.0.0/8`},
	} {
		err := egressaddress.Validate(sdk.Facts{Source: with(test.facts)})
		if got := text(err); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
