package policy

import "strings"

// String is the read as a person reads it: lists with commas, absence and emptiness said.
func (r Read) String() string {
	value := strings.Join(strings.Split(strings.TrimSuffix(r.Value, "\x00"), "\x00"), ", ")
	switch {
	case r.Listing && r.Value == "":
		return r.Key + "* has no keys"
	case r.Listing:
		return r.Key + "* has " + value
	case !r.Found:
		return r.Key + " is absent"
	case r.Value == "":
		return r.Key + " is empty"
	}
	return r.Key + " = " + value
}
