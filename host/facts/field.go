package facts

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/document"
)

// FieldError is what is wrong with one field of a node, a namespace or a pod.
type FieldError struct {
	// Field is the key in the static facts file, such as "ip".
	Field string
	// Reason is what is there and what is accepted.
	Reason string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Reason }

func invalid(field, format string, args ...any) error {
	return &FieldError{field, fmt.Sprintf(format, args...)}
}

// Check holds a node's labels and annotations against what facts can carry. The
// error is a *FieldError.
func (n Node) Check() error { return checkLabels(n.Labels, n.Annotations) }

// Check holds a namespace against what facts can carry. The error is a
// *FieldError.
func (n Namespace) Check() error {
	if err := checkName("name", n.Name); err != nil {
		return err
	}
	return checkLabels(n.Labels, n.Annotations)
}

// Check holds a pod against what facts can carry, in a cluster of that family.
// The error is a *FieldError.
func (p Pod) Check(ipFamily string) error {
	if err := checkName("namespace", p.Namespace); err != nil {
		return err
	}
	if err := checkName("name", p.Name); err != nil {
		return err
	}
	if p.ServiceAccount != "" {
		if err := checkName("serviceAccount", p.ServiceAccount); err != nil {
			return err
		}
	}
	if err := checkLabels(p.Labels, p.Annotations); err != nil {
		return err
	}
	if p.Phase != "" && !slices.Contains(phases, p.Phase) {
		return invalid("phase", "%s, accepted: %s; a pod that has ended is none", document.Quote(p.Phase), strings.Join(phases, ", "))
	}
	return p.checkIP(ipFamily)
}

// phases are those of a pod that may have an address.
var phases = []string{"Pending", "Running", "Unknown"}

func (p Pod) checkIP(ipFamily string) error {
	switch ip := p.IP; {
	case !ip.IsValid():
		return nil // waits for one
	case !ip.Is4() && ipFamily != familyIPv6:
		return invalid("ip", "%s of %s is IPv6 in an IPv4 cluster, accepted: an IPv4 address, such as 10.0.1.5", ip, p.FullName())
	case ip.IsUnspecified() || ip.IsLoopback() || ip.IsMulticast():
		return invalid("ip", "%s of %s cannot be a pod's address, accepted: a unicast address, such as 10.0.1.5", ip, p.FullName())
	}
	return nil
}

// CheckPrimary holds a pod against the node's primary address: rules for a pod
// that has it would decide about the node's own packets. The error is a
// *FieldError.
func (p Pod) CheckPrimary(primary netip.Addr) error {
	if !p.HostNetwork && p.IP.IsValid() && p.IP == primary {
		return invalid("ip", "%s of %s is the node's primary address, accepted: the pod's own address, or hostNetwork: true", p.IP, p.FullName())
	}
	return nil
}

func checkName(field, name string) error {
	if !document.IsName(name) {
		return invalid(field, "%s is not a name, accepted: at most 253 of a-z, 0-9, - and ., such as web-1", document.Quote(name))
	}
	return nil
}

func checkLabels(labels, annotations map[string]string) error {
	if err := checkValues("labels", labels); err != nil {
		return err
	}
	return checkValues("annotations", annotations)
}

// valuesLimit is the size in bytes that the labels or the annotations of an
// object may have together; it is what Kubernetes accepts for annotations
// (TotalAnnotationSizeLimitB in k8s.io/apimachinery).
const valuesLimit = 256 << 10

// checkValues holds the keys against what a list of keys can carry, as it is
// separated by NUL bytes, and the whole against its limit.
func checkValues(field string, values map[string]string) error {
	size := 0
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name == "" || len(name) > 317 || strings.ContainsRune(name, 0) {
			return invalid(field, "%s is not a key, accepted: 1 to 317 bytes without NUL", document.Quote(name))
		}
		size += len(name) + len(values[name])
	}
	if size > valuesLimit {
		return invalid(field, "%d bytes, accepted: at most %d together", size, valuesLimit)
	}
	return nil
}
