package aws_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/fake"
	"github.com/snatd/snatd/host/aws/imdstest"
	"github.com/snatd/snatd/host/facts"
)

const roles = "meta-data/iam/security-credentials/"

// withoutKeys makes the SDK look for credentials elsewhere than in the
// environment.
func withoutKeys(t *testing.T) *imdstest.Server {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	server := imdstest.StartOn(t, "127.0.0.4:0", net.Listen)
	server.Set(imdstest.Node(eth0))
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL())
	return server
}

func TestRoleOfInstance(t *testing.T) {
	const none = "there is none, accepted: a role of the instance, a web identity, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	for _, c := range []struct {
		name    string
		fail    func(*imdstest.Server)
		timeout time.Duration
		error   string
	}{
		{"none", func(*imdstest.Server) {}, 0, none},
		{"unavailable", func(s *imdstest.Server) { s.Fail(roles, imdstest.Status(http.StatusServiceUnavailable)) }, 0,
			"meta-data/iam/security-credentials/: http status 503 Service Unavailable"},
		{"refused", func(s *imdstest.Server) { s.Refuse() }, 0,
			"api/token: dial tcp SERVER: connect: connection refused"},
		{"no token", func(s *imdstest.Server) { s.Fail("api/token", imdstest.Status(http.StatusNotFound)) }, 0,
			"api/token: http status 404 Not Found"},
		{"page", func(s *imdstest.Server) { s.Set(map[string]string{roles: "node", roles + "node": "<html>"}) }, 0,
			"meta-data/iam/security-credentials/node: invalid character '<' looking for beginning of value"},
		{"slow", func(s *imdstest.Server) { s.Fail(roles, fake.Stall) }, time.Second,
			"no complete answer within 1s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			metadata := withoutKeys(t)
			c.fail(metadata)
			s := ask(t, offer(t), aws.EC2Options{Timeout: c.timeout, Interval: 20 * time.Millisecond})
			_, p := await(t, s, "an error", failing)
			want := "ec2: credentials from the instance's role: " + strings.ReplaceAll(c.error, "SERVER", strings.TrimPrefix(metadata.URL(), "http://"))
			if p.Error != want {
				t.Errorf("got  %s\nwant %s", p.Error, want)
			}
			ticked(s.Changed())
			poll(t, "another failure", func() bool {
				_, again := s.Latest()
				return again.Failure.After(p.Failure)
			})
			if ticked(s.Changed()) {
				_, again := s.Latest()
				t.Errorf("the same error is told again, as %s", again.Error)
			}

			// By itself, once there is a role.
			metadata.Heal()
			metadata.Set(map[string]string{roles: "node", roles + "node": fmt.Sprintf(
				`{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIA1", "SecretAccessKey": "secret", "Token": "token", "Expiration": %q}`,
				time.Now().Add(time.Hour).UTC().Format(time.RFC3339))})
			if c.name == "refused" {
				metadata.Accept()
			}
			await(t, s, "the network", known)
		})
	}
}

// ticked takes a tick, and tells whether there was one.
func ticked(ticks <-chan struct{}) bool {
	select {
	case <-ticks:
		return true
	default:
		return false
	}
}

// The SDK's own switch is for the role too.
func TestRoleDisabled(t *testing.T) {
	metadata := withoutKeys(t)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_, p := await(t, ask(t, offer(t), aws.EC2Options{}), "an error", failing)
	want := `ec2: credentials from the instance's role: access disabled to EC2 IMDS via client option, or "AWS_EC2_METADATA_DISABLED" environment variable`
	if p.Error != want {
		t.Errorf("got  %s\nwant %s", p.Error, want)
	}
	if got := metadata.Requests(""); got != 0 {
		t.Errorf("%d requests nevertheless", got)
	}
}

func TestWebIdentity(t *testing.T) {
	withoutKeys(t)
	expired := "Token expired: current date/time 1767323045 must be before the expiration date/time 1767323044"
	refusing := true
	sts := fake.Start(t, "127.0.0.1:0", net.Listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refusing {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code><Message>%s</Message></Error><RequestId>%d</RequestId></ErrorResponse>`,
				expired, time.Now().UnixNano())
			refusing = r.PostFormValue("WebIdentityToken") != "token"
			return
		}
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA1</AccessKeyId>`+
			`<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	token := filepath.Join(t.TempDir(), "token")
	t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL())
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/snatd")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token)
	s := ask(t, offer(t), aws.EC2Options{Interval: 20 * time.Millisecond})
	_, p := await(t, s, "an error", failing)
	if want := "ec2: credentials from the web identity: unable to read file at " + token + ": open " + token + ": no such file or directory"; p.Error != want {
		t.Errorf("got  %s\nwant %s", p.Error, want)
	}
	if err := os.WriteFile(token, []byte("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, p = await(t, s, "another error", func(_ *aws.Network, later facts.Provenance) bool { return later.Error != p.Error })
	want := "ec2: credentials from the web identity: ExpiredTokenException: Token expired: current date/time ... must be before the expiration date/time ..."
	if p.Error != want {
		t.Errorf("got  %s\nwant %s", p.Error, want)
	}
	await(t, s, "the network", known)
}

// As with EKS Pod Identity.
func TestContainerCredentials(t *testing.T) {
	withoutKeys(t)
	agent := fake.Start(t, "127.0.0.5:0", net.Listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "good" {
			if r.Header.Get("Authorization") == "bad" {
				w.Header().Set("Content-Type", "application/json")
			}
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"code": "ExpiredToken", "message": "expired at %d"}`, time.Now().Unix())
			return
		}
		fmt.Fprintf(w, `{"AccessKeyId": "ASIA1", "SecretAccessKey": "secret", "Token": "token", "Expiration": %q}`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	token := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(token, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("bad")
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.URL())
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token)
	s := ask(t, offer(t), aws.EC2Options{Interval: 20 * time.Millisecond})
	_, p := await(t, s, "an error", failing)
	if want := "ec2: credentials from the container's endpoint: ExpiredToken: expired at ..."; p.Error != want {
		t.Errorf("got  %s\nwant %s", p.Error, want)
	}
	write("worse")
	_, p = await(t, s, "another error", func(_ *aws.Network, later facts.Provenance) bool { return later.Error != p.Error })
	if want := `ec2: credentials from the container's endpoint: {"code": "ExpiredToken", "message": "expired at ..."}`; p.Error != want {
		t.Errorf("got  %s\nwant %s", p.Error, want)
	}
	write("good")
	await(t, s, "the network", known)
}

// What is wrong with the SDK's configuration is looked at again too.
func TestConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	t.Setenv("AWS_CONFIG_FILE", file)
	t.Setenv("AWS_PROFILE", "node")
	s := ask(t, offer(t), aws.EC2Options{Interval: 20 * time.Millisecond})
	_, p := await(t, s, "an error", failing)
	if want := "ec2: configuration: failed to get shared config profile, node"; p.Error != want {
		t.Errorf("got  %s\nwant %s", p.Error, want)
	}
	if err := os.WriteFile(file, []byte("[profile node]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	await(t, s, "the network", known)
}
