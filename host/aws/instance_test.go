package aws_test

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/snatd/snatd/host/aws"
)

// fill makes an instance in which nothing is empty.
func fill() *aws.Instance {
	return &aws.Instance{
		Region: "eu-west-1", Zone: "eu-west-1a", ID: "i-1", Type: "m5.large", PrimaryMAC: primary,
		SubnetID: "subnet-0123456789abcdef0", VPCID: "vpc-0123456789abcdef0",
		VPCCIDRs: prefixes("10.0.0.0/16"),
		Interfaces: []aws.Interface{{
			MAC: primary, Card: 1, Device: 1, SubnetCIDR: netip.MustParsePrefix("10.0.0.0/24"),
			Addresses: addrs("10.0.0.10"), Prefixes: prefixes("10.0.0.16/28"),
		}},
	}
}

// Every field counts, also one that is added later.
func TestEqual(t *testing.T) {
	t.Parallel()
	if !fill().Equal(fill()) {
		t.Error("an instance is not equal to itself")
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[aws.Instance]()) {
		other := fill()
		reflect.ValueOf(other).Elem().FieldByIndex(f.Index).SetZero()
		if fill().Equal(other) {
			t.Errorf("%s does not count", f.Name)
		}
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[aws.Interface]()) {
		other := fill()
		reflect.ValueOf(&other.Interfaces[0]).Elem().FieldByIndex(f.Index).SetZero()
		if fill().Equal(other) {
			t.Errorf("Interfaces.%s does not count", f.Name)
		}
	}
	if fill().Equal(nil) || (*aws.Instance)(nil).Equal(fill()) || !(*aws.Instance)(nil).Equal(nil) {
		t.Error("nil is equal to nil only")
	}
}
