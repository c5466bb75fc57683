package document

import "regexp"

// name is what Kubernetes accepts as the name of a node or a pod, and more than it
// accepts as that of a namespace.
var name = regexp.MustCompile(`^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`)

// IsName says whether a text can be the name of a Kubernetes object: at most 253 of
// a-z, 0-9, "-" and ".", of which the last two neither begin nor end it.
func IsName(text string) bool { return len(text) <= 253 && name.MatchString(text) }
