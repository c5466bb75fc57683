package aws_test

import (
	"reflect"
	"testing"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/facts"
)

// fillNetwork makes a network in which nothing is empty.
func fillNetwork() *aws.Network {
	return &aws.Network{
		Routes:      routes("10.0.0.0/16", "local"),
		PrefixLists: []facts.PrefixList{{ID: office, Name: "office", CIDRs: prefixes("192.0.2.0/24")}},
		Peerings:    []facts.Peering{{ID: peering, CIDRs: prefixes("10.1.0.0/16")}},
	}
}

// Every field counts, also one that is added later.
func TestEqualNetwork(t *testing.T) {
	t.Parallel()
	if !fillNetwork().Equal(fillNetwork()) {
		t.Error("a network is not equal to itself")
	}
	fields := reflect.ValueOf(fillNetwork()).Elem()
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Name
		other := fillNetwork()
		reflect.ValueOf(other).Elem().Field(i).SetZero()
		if fillNetwork().Equal(other) {
			t.Errorf("%s does not count", name)
		}
		for j := range fields.Field(i).Index(0).NumField() {
			other := fillNetwork()
			reflect.ValueOf(other).Elem().Field(i).Index(0).Field(j).SetZero()
			if fillNetwork().Equal(other) {
				t.Errorf("%s.%s does not count", name, fields.Field(i).Type().Elem().Field(j).Name)
			}
		}
	}
	if fillNetwork().Equal(nil) || (*aws.Network)(nil).Equal(fillNetwork()) || !(*aws.Network)(nil).Equal(nil) {
		t.Error("nil is equal to nil only")
	}
}
