package aws_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/ec2test"
	"github.com/snatd/snatd/host/aws/fake"
)

const role = "arn:aws:sts::123456789012:assumed-role/node/i-0123456789abcdef0"

// A look is all or nothing: whatever fails of what routes and peerings need, and
// wherever in the middle.
func TestAPIFaults(t *testing.T) {
	t.Parallel()
	xml := func(text string) fake.Fault { return fake.Text(http.StatusOK, "text/xml;charset=UTF-8", text) }
	for _, c := range []struct {
		name     string
		action   string // "" for all
		fault    fake.Fault
		timeout  time.Duration
		requests int // with retries; 0 if that does not matter
		error    string
	}{
		{"throttled", ec2test.RouteTables, ec2test.Throttle, 0, 2,
			"DescribeRouteTables: RequestLimitExceeded: Request limit exceeded."},
		{"throttled in the middle", ec2test.PrefixListEntries, ec2test.Throttle, 0, 2,
			"GetManagedPrefixListEntries: RequestLimitExceeded: Request limit exceeded."},
		{"route tables unauthorized", ec2test.RouteTables, ec2test.Unauthorized, 0, 1,
			"DescribeRouteTables: UnauthorizedOperation: the permission ec2:DescribeRouteTables is missing: You are not authorized to perform this operation. User: " + role +
				" is not authorized to perform: ec2:DescribeRouteTables because no identity-based policy allows the ec2:DescribeRouteTables action"},
		{"peerings unauthorized, with details encoded", ec2test.Peerings,
			ec2test.Error(http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation. Encoded authorization failure message: 4aBcD"), 0, 1,
			"DescribeVpcPeeringConnections: UnauthorizedOperation: the permission ec2:DescribeVpcPeeringConnections is missing: You are not authorized to perform this operation. ..."},
		{"credentials not valid", "", ec2test.AuthFailure, 0, 1,
			"DescribeRouteTables: AuthFailure: AWS was not able to validate the provided access credentials"},
		{"request too late", ec2test.PrefixLists,
			ec2test.Error(http.StatusBadRequest, "RequestExpired", "Request has expired. Timestamp date is 20260102T030405Z, not 2026-01-02T03:04:05Z"), 0, 0,
			"DescribeManagedPrefixLists: RequestExpired: Request has expired. Timestamp date is ..., not ..."},
		{"a message of many lines, too long", ec2test.PrefixLists,
			ec2test.Error(http.StatusBadRequest, "InvalidParameter", "one\n two "+strings.Repeat("x", 1000)), 0, 1,
			"DescribeManagedPrefixLists: InvalidParameter: one two " + strings.Repeat("x", 504) + "..."},
		{"internal error", ec2test.Peerings, ec2test.Error(http.StatusInternalServerError, "InternalError", "An internal error has occurred"), 0, 3,
			"DescribeVpcPeeringConnections: InternalError: An internal error has occurred"},
		{"page instead of an error", ec2test.RouteTables, ec2test.Page(http.StatusBadGateway), 0, 3,
			"DescribeRouteTables: http status 502 Bad Gateway"},
		{"text instead of an error", ec2test.RouteTables, fake.Text(http.StatusServiceUnavailable, "text/plain", "no healthy upstream"), 0, 3,
			"DescribeRouteTables: http status 503 Service Unavailable"},
		{"page instead of an answer", ec2test.Peerings, ec2test.Page(http.StatusOK), 0, 0,
			`DescribeVpcPeeringConnections: the answer is "html", accepted: DescribeVpcPeeringConnectionsResponse`},
		{"page that is not XML", ec2test.Peerings, fake.Text(http.StatusOK, "text/html", "<html><br></html>"), 0, 0,
			"DescribeVpcPeeringConnections: not XML: XML syntax error on line 1: element <br> closed by </html>"},
		{"another answer", ec2test.Peerings, xml("<DescribeVpcsResponse/>"), 0, 0,
			`DescribeVpcPeeringConnections: the answer is "DescribeVpcsResponse", accepted: DescribeVpcPeeringConnectionsResponse`},
		{"empty answer", ec2test.Peerings, xml(""), 0, 0,
			"DescribeVpcPeeringConnections: an empty answer, accepted: DescribeVpcPeeringConnectionsResponse"},
		{"half an answer", ec2test.Peerings, xml("<DescribeVpcPeeringConnectionsResponse><vpcPeeringConnectionSet/>"), 0, 0,
			"DescribeVpcPeeringConnections: not XML: XML syntax error on line 1: unexpected EOF"},
		{"redirected", ec2test.RouteTables, fake.Text(http.StatusFound, "text/html", "elsewhere"), 0, 1,
			"DescribeRouteTables: http status 302 Found"},
		{"truncated", ec2test.Peerings, fake.Truncate, 0, 0,
			"DescribeVpcPeeringConnections: unexpected EOF"},
		{"reset", ec2test.RouteTables, fake.Reset, 0, 0,
			"DescribeRouteTables: read tcp SERVER: read: connection reset by peer"},
		{"slow", ec2test.PrefixListEntries, fake.Stall, 2 * time.Second, 1,
			"GetManagedPrefixListEntries: no complete answer within 2s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := ec2test.Start(t)
			server.Set(withList())
			server.Fail(c.action, c.fault)
			network, provenance := await(t, ask(t, server, aws.EC2Options{Timeout: c.timeout}), "an error", failing)
			want := "ec2: " + strings.ReplaceAll(c.error, "SERVER", strings.TrimPrefix(server.URL(), "http://"))
			if provenance.Error != want {
				t.Errorf("got  %s\nwant %s", provenance.Error, want)
			}
			if network != nil {
				t.Errorf("there is %+v nevertheless", network)
			}
			if got := server.Requests(c.action); c.requests != 0 && got != c.requests {
				t.Errorf("%d requests, want %d", got, c.requests)
			}
		})
	}
}

// What passes at once is no failure.
func TestRetryOfRequest(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]fake.Fault{"throttled": ec2test.Throttle, "reset": fake.Reset, "page": ec2test.Page(http.StatusServiceUnavailable)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := offer(t)
			server.Fail(ec2test.Peerings, fake.Once(fault))
			_, p := await(t, ask(t, server, aws.EC2Options{}), "the network", known)
			if !p.Failure.IsZero() {
				t.Errorf("provenance %+v", p)
			}
		})
	}
}

// Seconds, not milliseconds: the account's nodes share a limit.
func TestFirstRetryOfAPI(t *testing.T) {
	t.Parallel()
	server := offer(t)
	server.Fail("", ec2test.AuthFailure)
	_, p := await(t, ask(t, server, aws.EC2Options{}), "an error", failing)
	if wait := p.Next.Sub(p.Failure); wait < 4500*time.Millisecond || wait > 5500*time.Millisecond {
		t.Errorf("asks again after %s, want 5s and 10 %% more or less", wait)
	}
}

func TestAPIRefusesConnections(t *testing.T) {
	t.Parallel()
	// On an address of its own: nobody takes the port meanwhile.
	server := ec2test.StartOn(t, "127.0.0.3:0", net.Listen)
	server.Refuse()
	_, provenance := await(t, ask(t, server, aws.EC2Options{}), "an error", failing)
	address := strings.TrimPrefix(server.URL(), "http://")
	if want := "ec2: DescribeRouteTables: dial tcp " + address + ": connect: connection refused"; provenance.Error != want {
		t.Errorf("got  %s\nwant %s", provenance.Error, want)
	}
}

// A look that hangs does not hold up the end of the daemon: the cleanup of ask
// waits for Run.
func TestRunOfAPIEnds(t *testing.T) {
	t.Parallel()
	server := offer(t)
	server.Fail("", fake.Stall)
	ask(t, server, aws.EC2Options{Timeout: time.Hour})
	poll(t, "a request", func() bool { return server.Requests(ec2test.RouteTables) == 1 })
}
