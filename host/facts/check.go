package facts

import (
	"errors"
	"fmt"
	"net/netip"
)

// check holds a document against what must be true of facts whatever the
// node's settings are. It reports the first that is not.
func (d *Document) check(settings Settings) error {
	if d.Node.Name != "" {
		if err := d.place("node", checkName("name", d.Node.Name)); err != nil {
			return err
		}
	}
	if err := d.place("node", d.Node.Check()); err != nil {
		return err
	}
	if err := d.checkVPC(settings.WithoutVPC); err != nil {
		return err
	}
	if err := d.checkNamespaces(); err != nil {
		return err
	}
	return d.checkPods(settings.IPFamily)
}

// place says where in the document a field is wrong.
func (d *Document) place(key string, err error) error {
	field, ok := errors.AsType[*FieldError](err)
	if !ok {
		return err
	}
	return d.source.Errorf(key+"."+field.Field, "%s", field.Reason)
}

func (d *Document) checkNamespaces() error {
	seen := map[string]bool{}
	for i, ns := range d.Namespaces {
		key := fmt.Sprintf("namespaces[%d]", i)
		if err := d.place(key, ns.Check()); err != nil {
			return err
		}
		if seen[ns.Name] {
			return d.source.Errorf(key+".name", "namespace %s is there twice", ns.Name)
		}
		seen[ns.Name] = true
	}
	return nil
}

func (d *Document) checkPods(ipFamily string) error {
	seen := map[string]bool{}
	owner := map[netip.Addr]string{}
	for i, pod := range d.Pods {
		key := fmt.Sprintf("pods[%d]", i)
		if err := d.place(key, pod.Check(ipFamily)); err != nil {
			return err
		}
		name := pod.FullName()
		if seen[name] {
			return d.source.Errorf(key+".name", "pod %s is there twice", name)
		}
		seen[name] = true
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

// checkPrimary holds the pods against the node's primary address.
func (d *Document) checkPrimary(primary netip.Addr) error {
	for i, pod := range d.Pods {
		if err := d.place(fmt.Sprintf("pods[%d]", i), pod.CheckPrimary(primary)); err != nil {
			return err
		}
	}
	return nil
}
