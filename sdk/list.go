package sdk

import (
	"errors"
	"strings"
)

// List encodes the items of a list as the value of a fact: each is ended by a
// NUL byte, so that an empty list and a list of one empty item differ. Items
// hold no NUL themselves.
func List(items ...string) string {
	var b strings.Builder
	for _, item := range items {
		b.WriteString(item)
		b.WriteByte(0)
	}
	return b.String()
}

// splitList decodes what List encodes.
func splitList(value string) ([]string, error) {
	if value == "" {
		return nil, nil
	}
	body, ok := strings.CutSuffix(value, "\x00")
	if !ok {
		return nil, errors.New("the last item of the list is not ended by a NUL byte")
	}
	return strings.Split(body, "\x00"), nil
}
