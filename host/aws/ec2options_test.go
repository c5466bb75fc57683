package aws_test

import (
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/host/aws"
)

func TestEC2OptionErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*aws.EC2Options)
		error  string
	}{
		{"no region", func(o *aws.EC2Options) { o.Region = "" },
			`ec2: region: "", accepted: up to 64 lower-case letters, digits, "-" and ".", such as eu-west-1`},
		{"no subnet", func(o *aws.EC2Options) { o.SubnetID = "" },
			`ec2: subnet: "" is not an ID, accepted: such as subnet-0123456789abcdef0`},
		{"VPC that is none", func(o *aws.EC2Options) { o.VPCID = subnet },
			`ec2: vpc: "subnet-0123456789abcdef0" is not an ID, accepted: such as vpc-0123456789abcdef0`},
		{"empty prefix list", func(o *aws.EC2Options) { o.PrefixLists = []string{office, ""} },
			`ec2: prefix lists: "" is neither, accepted: IDs, such as pl-0123456789abcdef0, or names of 1 to 255 bytes without control characters`},
		{"prefix list with a long name", func(o *aws.EC2Options) { o.PrefixLists = []string{strings.Repeat("x", 256)} },
			`ec2: prefix lists: "` + strings.Repeat("x", 64) + `"... is neither, accepted: IDs, such as pl-0123456789abcdef0, or names of 1 to 255 bytes without control characters`},
		{"prefix list with a control character", func(o *aws.EC2Options) { o.PrefixLists = []string{"a\x7f"} },
			`ec2: prefix lists: "a\x7f" is neither, accepted: IDs, such as pl-0123456789abcdef0, or names of 1 to 255 bytes without control characters`},
		{"prefix list twice", func(o *aws.EC2Options) { o.PrefixLists = []string{"office", office, "office"} },
			`ec2: prefix lists: "office" is there twice`},
		{"interval", func(o *aws.EC2Options) { o.Interval = -time.Second },
			`ec2: interval -1s, timeout 30s, accepted: durations of more than 0s`},
		{"timeout", func(o *aws.EC2Options) { o.Timeout = -time.Second },
			`ec2: interval 5m0s, timeout -1s, accepted: durations of more than 0s`},
		{"endpoint", func(o *aws.EC2Options) { o.Endpoint = "ec2.eu-west-1.amazonaws.com" },
			`ec2: endpoint: "ec2.eu-west-1.amazonaws.com" is not a URL of a service, accepted: such as https://ec2.eu-west-1.amazonaws.com`},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := aws.EC2Options{Region: "eu-west-1", SubnetID: subnet, VPCID: vpc}
			c.change(&options)
			_, err := aws.NewEC2(options)
			if err == nil || err.Error() != c.error {
				t.Errorf("got  %v\nwant %s", err, c.error)
			}
		})
	}
	t.Run("endpoint variable", func(t *testing.T) {
		t.Setenv("AWS_ENDPOINT_URL_EC2", "localhost:1")
		_, err := aws.NewEC2(aws.EC2Options{Region: "eu-west-1", SubnetID: subnet, VPCID: vpc})
		want := `AWS_ENDPOINT_URL_EC2: "localhost:1" is not a URL of a service, accepted: such as https://ec2.eu-west-1.amazonaws.com`
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
}

// What the configuration accepts.
func TestEC2PrefixListNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"x", " ", "Büros \u00a0☃", "\xff", strings.Repeat("x", 255)} {
		if _, err := aws.NewEC2(aws.EC2Options{Region: "eu-west-1", SubnetID: subnet, VPCID: vpc, PrefixLists: []string{name}}); err != nil {
			t.Error(err)
		}
	}
}

func TestEC2EndpointVariable(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL_EC2", offer(t).URL())
	s, err := aws.NewEC2(aws.EC2Options{Region: "eu-west-1", SubnetID: subnet, VPCID: vpc})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	await(t, s, "the network", known)
}
