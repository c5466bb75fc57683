package registry

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// patience is how long a push or a pull may take.
const patience = 10 * time.Minute

// maxPage is how large an answer of a registry may be, in bytes, that is decoded as a whole.
const maxPage = 32 << 20

// scheme is what references begin with, as nothing else that is pushed or pulled does.
const scheme = "oci://"

// atDigest is how the reference of an artifact ends, and the only @ in it.
var atDigest = regexp.MustCompile(`@sha256:[^@/]*$`)

// connect returns the repository of a reference. Nothing is sent yet. The credentials
// are those of the Docker configuration file and its helpers.
func connect(reference string, plainHTTP bool) (*remote.Repository, error) {
	const accepted = "accepted: oci://REGISTRY/REPOSITORY:TAG or oci://REGISTRY/REPOSITORY@sha256:DIGEST, such as oci://registry.example.com/policies/partners:1.2.0; " +
		"it is not repeated here: credentials are those of docker login, and belong into no reference"
	if strings.Contains(atDigest.ReplaceAllString(reference, ""), "@") {
		return nil, errors.New("the reference has an @ that is not before a digest; " + accepted)
	}
	name, ok := strings.CutPrefix(reference, scheme)
	at, err := registry.ParseReference(name)
	if err != nil || !ok {
		return nil, errors.New("the reference names no artifact; " + accepted)
	}
	client := &auth.Client{Client: retry.DefaultClient, Cache: auth.NewCache()}
	client.SetUserAgent("snatd")
	// Without a home there are none, as for a service.
	if _, err := os.UserHomeDir(); err == nil || os.Getenv("DOCKER_CONFIG") != "" {
		store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
		if err != nil {
			return nil, fmt.Errorf("the credentials of registries: %w", err)
		}
		client.Credential = credentials.Credential(store)
	}
	// A registry that cannot list what refers to an artifact has an index instead, which
	// is replaced; most let nobody delete the old one.
	return &remote.Repository{Reference: at, Client: client, PlainHTTP: plainHTTP, SkipReferrersGC: true, MaxMetadataBytes: maxPage}, nil
}

// full is a reference as it is written on the command line.
func full(at registry.Reference) string { return scheme + at.String() }

// harmless is an error whose text has URLs without queries, users and passwords: where
// registries redirect to, these let everybody in. It is one line, for a second one, in the
// registry's words, could be taken for snatd's.
type harmless struct{ error }

var (
	query = regexp.MustCompile(`(\w+://[^\s"?]*\?)[^\s"]*`)
	user  = regexp.MustCompile(`(\w+://)[^\s"/@]*@`)
)

func (e harmless) Error() string {
	text := user.ReplaceAllString(query.ReplaceAllString(e.error.Error(), "${1}..."), "$1")
	return strings.ReplaceAll(text, "\n", " ")
}

func (e harmless) Unwrap() error { return e.error }

// explain says what to do about an error of a registry.
func explain(at registry.Reference, err error) error {
	var answer *errcode.ErrorResponse
	hint := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errdef.ErrNotFound):
		return fmt.Errorf("%s: there is no such artifact; the registry has no such repository, tag or digest, or hides it without credentials (docker login)", full(at))
	case errors.Is(err, content.ErrMismatchedDigest), errors.Is(err, content.ErrTrailingData), errors.Is(err, content.ErrInvalidDescriptorSize):
		return fmt.Errorf("%s: the registry sent something else than its digest says; nothing was written: %w", full(at), harmless{err})
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden),
		errors.Is(err, auth.ErrBasicCredentialNotFound):
		hint = " (credentials are those of docker login, in the Docker configuration file)"
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		hint = " (--plain-http is for registries without TLS)"
	}
	return fmt.Errorf("%s: %w%s", full(at), harmless{err}, hint)
}
