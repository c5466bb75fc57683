package aws

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// Where things are in IMDS.
const (
	pathToken    = "api/token"
	pathIdentity = "dynamic/instance-identity/document"
	pathMAC      = "mac"
	pathMACs     = "network/interfaces/macs"
)

// reader reads IMDS, one look at a time.
type reader struct {
	client    *imds.Client
	transport *transport
	// timeout bounds a look.
	timeout time.Duration
}

// look reads everything, or fails.
func (r *reader) look(ctx context.Context) (*Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	instance, err := r.identity(ctx)
	if err != nil {
		return nil, err
	}
	if instance.PrimaryMAC, err = field(ctx, r, pathMAC, parseMAC); err != nil {
		return nil, err
	}
	macs, err := field(ctx, r, pathMACs+"/", parseMACs)
	if err != nil {
		return nil, err
	}
	for _, mac := range macs {
		n, err := r.networkInterface(ctx, mac)
		if err != nil {
			return nil, err
		}
		instance.Interfaces = append(instance.Interfaces, n)
	}
	if err := instance.arrange(); err != nil {
		return nil, err
	}
	at := pathMACs + "/" + instance.PrimaryMAC + "/"
	if instance.SubnetID, err = field(ctx, r, at+"subnet-id", parseID("subnet")); err != nil {
		return nil, err
	}
	if instance.VPCID, err = field(ctx, r, at+"vpc-id", parseID("vpc")); err != nil {
		return nil, err
	}
	if instance.VPCCIDRs, err = field(ctx, r, at+"vpc-ipv4-cidr-blocks", parseVPC); err != nil {
		return nil, err
	}
	return instance, nil
}

// identity reads what the instance identity document says.
func (r *reader) identity(ctx context.Context) (*Instance, error) {
	r.transport.last = exchange{}
	identity, err := r.client.GetInstanceIdentityDocument(ctx, nil)
	if err != nil {
		return nil, r.failed(ctx, pathIdentity, err)
	}
	for _, field := range []struct{ name, value, example string }{
		{"region", identity.Region, "eu-west-1"},
		{"availabilityZone", identity.AvailabilityZone, "eu-west-1a"},
		{"instanceId", identity.InstanceID, "i-0123456789abcdef0"},
		{"instanceType", identity.InstanceType, "m5.large"},
	} {
		if err := checkName(pathIdentity+": "+field.name, field.value, field.example); err != nil {
			return nil, err
		}
	}
	return &Instance{
		Region: identity.Region,
		Zone:   identity.AvailabilityZone,
		ID:     identity.InstanceID,
		Type:   identity.InstanceType,
	}, nil
}

// networkInterface reads one interface.
func (r *reader) networkInterface(ctx context.Context, mac string) (Interface, error) {
	n := Interface{MAC: mac}
	at := pathMACs + "/" + mac + "/"
	var err error
	if n.Device, err = field(ctx, r, at+"device-number", parseIndex); err != nil {
		return n, err
	}
	// Missing where an instance has only one card.
	if n.Card, err = optional(ctx, r, at+"network-card", parseIndex); err != nil {
		return n, err
	}
	// Missing for an interface that is for IPv6 or for EFA alone.
	if n.Addresses, err = optional(ctx, r, at+"local-ipv4s", parseAddresses); err != nil {
		return n, err
	}
	subnet := field[netip.Prefix]
	if len(n.Addresses) == 0 {
		subnet = optional[netip.Prefix]
	}
	if n.SubnetCIDR, err = subnet(ctx, r, at+"subnet-ipv4-cidr-block", parseCIDR); err != nil {
		return n, err
	}
	// Missing until a prefix is delegated.
	n.Prefixes, err = optional(ctx, r, at+"ipv4-prefix", parseCIDRs)
	return n, err
}

// field reads and parses what is at a path of the metadata.
func field[T any](ctx context.Context, r *reader, path string, parse func(path, value string) (T, error)) (T, error) {
	value, err := r.value(ctx, path)
	if err != nil {
		var none T
		return none, err
	}
	return parse(path, value)
}

// optional is field, or the zero value if there is nothing at the path.
func optional[T any](ctx context.Context, r *reader, path string, parse func(path, value string) (T, error)) (T, error) {
	value, err := field(ctx, r, path, parse)
	if e, ok := errors.AsType[*fieldError](err); ok && e.status == http.StatusNotFound {
		err = nil
	}
	return value, err
}

func (r *reader) value(ctx context.Context, path string) (string, error) {
	r.transport.last = exchange{}
	output, err := r.client.GetMetadata(ctx, &imds.GetMetadataInput{Path: path})
	if err != nil {
		return "", r.failed(ctx, path, err)
	}
	defer output.Content.Close()
	value, err := io.ReadAll(output.Content)
	if err != nil {
		return "", r.failed(ctx, path, err)
	}
	return string(value), nil
}
