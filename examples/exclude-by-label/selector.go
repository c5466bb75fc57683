package excludebylabel

import (
	"errors"
	"strconv"
	"strings"

	"github.com/snatd/snatd/sdk"
)

// selector is which pods are meant: those with a label, whatever its value or
// with one value.
type selector struct {
	key      string
	value    string
	anyValue bool
}

// parseSelector parses key or key=value. It accepts what Kubernetes accepts as a
// label, so that what no pod can have is an error, and not a silence.
func parseSelector(text string) (selector, error) {
	if text == "" {
		return selector{}, errors.New(`missing or empty, want key or key=value, such as "example.com/egress=own-address"`)
	}
	key, value, hasValue := strings.Cut(text, "=")
	if sdk.CheckLabelKey(key) != nil || sdk.CheckLabelValue(value) != nil {
		return selector{}, errors.New(strconv.Quote(text) + ` is not a label, want key or key=value, such as "example.com/egress=own-address"`)
	}
	return selector{key, value, !hasValue}, nil
}

func (s selector) accepts(value string) bool {
	return s.anyValue || value == s.value
}

// String is the selector as in the sidecar file.
func (s selector) String() string {
	if s.anyValue {
		return s.key
	}
	return s.key + "=" + s.value
}
