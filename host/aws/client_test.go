package aws_test

import (
	"testing"
	"time"

	"github.com/snatd/snatd/host/aws"
)

func TestOptionErrors(t *testing.T) {
	for _, c := range []struct {
		name     string
		options  aws.Options
		variable string
		value    string
		error    string
	}{
		{"endpoint", aws.Options{Endpoint: "169.254.169.254"}, "", "",
			`imds: endpoint: "169.254.169.254" is not a URL of a service, accepted: such as http://169.254.169.254`},
		{"endpoint variable", aws.Options{}, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://",
			`AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://" is not a URL of a service, accepted: such as http://169.254.169.254`},
		{"mode variable", aws.Options{}, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5",
			`AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: "IPv5" is unknown, accepted: IPv4, IPv6`},
		{"interval", aws.Options{Interval: -time.Second}, "", "",
			`imds: interval -1s, timeout 5s, accepted: durations of more than 0s`},
		{"timeout", aws.Options{Timeout: -time.Second}, "", "",
			`imds: interval 15s, timeout -1s, accepted: durations of more than 0s`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.variable != "" {
				t.Setenv(c.variable, c.value)
			}
			_, err := aws.NewIMDS(c.options)
			if err == nil || err.Error() != c.error {
				t.Errorf("got  %v\nwant %s", err, c.error)
			}
		})
	}
}

func TestEndpointVariable(t *testing.T) {
	server := serve(t)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL())
	s, err := aws.NewIMDS(aws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	await(t, s, "an instance", known)
}

// The SDK's own switch is said, not waited for.
func TestDisabled(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	server := serve(t)
	_, provenance := await(t, follow(t, server, aws.Options{}), "an error", failing)
	want := `imds: dynamic/instance-identity/document: access disabled to EC2 IMDS via client option, or "AWS_EC2_METADATA_DISABLED" environment variable`
	if provenance.Error != want {
		t.Errorf("got  %s\nwant %s", provenance.Error, want)
	}
	if got := server.Requests(""); got != 0 {
		t.Errorf("%d requests nevertheless", got)
	}
}
