package kubernetes

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/snatd/snatd/host/facts"
)

// convertNamespace keeps what facts need of a namespace.
func convertNamespace(object any) (facts.Namespace, bool, error) {
	from, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return facts.Namespace{}, false, fmt.Errorf("%T is not the metadata of a namespace", object)
	}
	ns := facts.Namespace{Name: from.Name, Labels: from.Labels, Annotations: from.Annotations}
	return ns, true, ns.Check()
}

// convertNode keeps what facts need of a node.
func convertNode(object any) (facts.Node, bool, error) {
	from, ok := object.(*metav1.PartialObjectMetadata)
	if !ok {
		return facts.Node{}, false, fmt.Errorf("%T is not the metadata of a node", object)
	}
	n := facts.Node{Name: from.Name, Labels: from.Labels, Annotations: from.Annotations}
	return n, true, n.Check()
}
