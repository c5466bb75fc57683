package facts

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/document"
)

// check holds a document against what must be true of facts whatever the
// node's settings are. It reports the first that is not.
func (d *Document) check(ipFamily string) error {
	if d.Node.Name != "" {
		if err := d.checkName("node.name", d.Node.Name); err != nil {
			return err
		}
	}
	if err := d.checkLabels("node", d.Node.Labels, d.Node.Annotations); err != nil {
		return err
	}
	if err := d.checkCIDRs(); err != nil {
		return err
	}
	if err := d.checkNamespaces(); err != nil {
		return err
	}
	return d.checkPods(ipFamily)
}

func (d *Document) checkCIDRs() error {
	// Without a CIDR, traffic inside the VPC would be translated.
	if len(d.VPC.CIDRs) == 0 {
		return d.source.Errorf("vpc.cidrs", "empty, accepted: at least one IPv4 CIDR, such as 10.0.0.0/16")
	}
	for i, cidr := range d.VPC.CIDRs {
		// A document that was not read from a file may hold anything.
		if _, err := document.ParseCIDR(cidr.String()); err != nil {
			return d.source.Errorf(fmt.Sprintf("vpc.cidrs[%d]", i), "%v", err)
		}
	}
	return nil
}

func (d *Document) checkNamespaces() error {
	seen := map[string]bool{}
	for i, ns := range d.Namespaces {
		key := fmt.Sprintf("namespaces[%d]", i)
		if err := d.checkName(key+".name", ns.Name); err != nil {
			return err
		}
		if seen[ns.Name] {
			return d.source.Errorf(key+".name", "namespace %s is there twice", ns.Name)
		}
		seen[ns.Name] = true
		if err := d.checkLabels(key, ns.Labels, ns.Annotations); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) checkPods(ipFamily string) error {
	seen := map[string]bool{}
	owner := map[netip.Addr]string{}
	for i, pod := range d.Pods {
		key := fmt.Sprintf("pods[%d]", i)
		if err := d.checkName(key+".namespace", pod.Namespace); err != nil {
			return err
		}
		if err := d.checkName(key+".name", pod.Name); err != nil {
			return err
		}
		name := pod.FullName()
		if seen[name] {
			return d.source.Errorf(key+".name", "pod %s is there twice", name)
		}
		seen[name] = true
		if pod.ServiceAccount != "" {
			if err := d.checkName(key+".serviceAccount", pod.ServiceAccount); err != nil {
				return err
			}
		}
		if err := d.checkLabels(key, pod.Labels, pod.Annotations); err != nil {
			return err
		}
		if err := d.checkIP(key+".ip", pod, ipFamily); err != nil {
			return err
		}
		if pod.HostNetwork || !pod.IP.IsValid() {
			continue
		}
		if other, ok := owner[pod.IP]; ok {
			return d.source.Errorf(key+".ip", "%s is the address of both %s and %s", pod.IP, other, name)
		}
		owner[pod.IP] = name
	}
	return nil
}

func (d *Document) checkIP(key string, pod Pod, ipFamily string) error {
	switch ip := pod.IP; {
	case !ip.IsValid():
		return nil // waits for one
	case !ip.Is4() && ipFamily != familyIPv6:
		return d.source.Errorf(key, "%s of %s is IPv6 in an IPv4 cluster, accepted: an IPv4 address, such as 10.0.1.5", ip, pod.FullName())
	case ip.IsUnspecified() || ip.IsLoopback() || ip.IsMulticast():
		return d.source.Errorf(key, "%s of %s cannot be a pod's address, accepted: a unicast address, such as 10.0.1.5", ip, pod.FullName())
	}
	return nil
}

// checkPrimary holds the pods against the node's primary address: rules for
// such a pod would decide about the node's own packets.
func (d *Document) checkPrimary(primary netip.Addr) error {
	for i, pod := range d.Pods {
		if !pod.HostNetwork && pod.IP.IsValid() && pod.IP == primary {
			return d.source.Errorf(fmt.Sprintf("pods[%d].ip", i),
				"%s of %s is the node's primary address, accepted: the pod's own address, or hostNetwork: true", pod.IP, pod.FullName())
		}
	}
	return nil
}

// dnsName is what Kubernetes accepts as the name of a pod, and more than it
// accepts as that of a namespace.
var dnsName = regexp.MustCompile(`^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`)

func (d *Document) checkName(key, name string) error {
	if len(name) > 253 || !dnsName.MatchString(name) {
		return d.source.Errorf(key, "%s is not a name, accepted: at most 253 of a-z, 0-9, - and ., such as web-1", document.Quote(name))
	}
	return nil
}

// checkLabels holds the keys of labels and annotations against what a list of
// keys can carry: it is separated by NUL bytes.
func (d *Document) checkLabels(key string, labels, annotations map[string]string) error {
	if err := d.checkKeys(key+".labels", labels); err != nil {
		return err
	}
	return d.checkKeys(key+".annotations", annotations)
}

func (d *Document) checkKeys(key string, values map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name == "" || len(name) > 317 || strings.ContainsRune(name, 0) {
			return d.source.Errorf(key, "%s is not a key, accepted: 1 to 317 bytes without NUL", document.Quote(name))
		}
	}
	return nil
}
