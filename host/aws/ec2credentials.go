package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// pathRoles is where IMDS lists the role of the instance.
const pathRoles = "meta-data/iam/security-credentials/"

// retrieve gets the credentials, which the SDK keeps until shortly before they
// end. Each request would get them too, and call what is wrong its own failure.
func (a *api) retrieve(ctx context.Context) error {
	_, err := a.credentials.Retrieve(ctx)
	if err == nil {
		return nil
	}
	origin := a.origin()
	failure := &fieldError{path: "credentials from " + origin}
	// Then the question may still be under way, and nothing of it can be read.
	if ctx.Err() != nil {
		failure.reason = fmt.Sprintf("no complete answer within %s", a.options.Timeout)
		return failure
	}
	answer, answered := errors.AsType[smithy.APIError](err)
	switch last := a.metadata.last; {
	case answered:
		failure.reason = said(answer)
	case origin != role || last == exchange{}:
		failure.reason = reason(err)
	// The SDK's error does not tell of the service, and not the same each time.
	case last.path == pathRoles && last.status == http.StatusNotFound:
		failure.reason = "there is none, accepted: a role of the instance, a web identity, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	case last.err != nil:
		failure.reason = last.path + ": " + reason(last.err)
	case last.status != http.StatusOK:
		failure.reason = fmt.Sprintf("%s: http status %d %s", last.path, last.status, http.StatusText(last.status))
	default:
		failure.reason = last.path + ": " + reason(err)
	}
	return failure
}

const role = "the instance's role"

// origin is where the credentials are from, by the SDK's configuration.
func (a *api) origin() string {
	provider, ok := a.credentials.(sdk.CredentialProviderSource)
	if !ok {
		return "the configuration"
	}
	for _, s := range provider.ProviderSources() {
		switch s {
		case sdk.CredentialSourceIMDS:
			return role
		case sdk.CredentialSourceEnvVarsSTSWebIDToken, sdk.CredentialSourceProfileSTSWebIDToken:
			return "the web identity"
		case sdk.CredentialSourceHTTP:
			return "the container's endpoint"
		}
	}
	return "the configuration"
}
