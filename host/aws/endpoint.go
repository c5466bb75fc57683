package aws

import (
	"fmt"
	"net/url"

	"github.com/snatd/snatd/host/document"
)

// checkEndpoint checks the URL of a service that an option or a variable names;
// empty is none. The SDK would complain only when it is asked.
func checkEndpoint(name, endpoint, example string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("%s: %s is not a URL of a service, accepted: such as %s", name, document.Quote(endpoint), example)
	}
	return nil
}
