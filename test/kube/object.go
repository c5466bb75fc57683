package kube

import (
	"context"
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// Object names a node, a namespace or a pod on the server.
type Object struct {
	Resource  string // "nodes", "namespaces", "pods"
	Namespace string // of a pod
	Name      string
}

// CreateNode creates a node with a name that nothing else on the server has and
// that begins with prefix. Like all that is created here, it is deleted when the
// test ends.
func (s *Server) CreateNode(t T, prefix string, labels, annotations map[string]string) Object {
	t.Helper()
	ctx, cancel := request(t)
	defer cancel()
	node, err := s.admin.CoreV1().Nodes().Create(ctx,
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix + "-", Labels: labels, Annotations: annotations}},
		metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := Object{Resource: "nodes", Name: node.Name}
	s.cleanup(t, o)
	return o
}

// CreateNamespace creates a namespace with a name that begins with prefix, as
// CreateNode does a node.
func (s *Server) CreateNamespace(t T, prefix string, labels, annotations map[string]string) Object {
	t.Helper()
	ctx, cancel := request(t)
	defer cancel()
	namespace, err := s.admin.CoreV1().Namespaces().Create(ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix + "-", Labels: labels, Annotations: annotations}},
		metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := Object{Resource: "namespaces", Name: namespace.Name}
	s.cleanup(t, o)
	return o
}

// SetLabels replaces all labels of an object.
func (s *Server) SetLabels(t T, o Object, labels map[string]string) {
	t.Helper()
	s.replace(t, o, "/metadata/labels", labels)
}

// SetAnnotations replaces all annotations of an object.
func (s *Server) SetAnnotations(t T, o Object, annotations map[string]string) {
	t.Helper()
	s.replace(t, o, "/metadata/annotations", annotations)
}

// replace sets a member of an object, whether it is there or not.
func (s *Server) replace(t T, o Object, path string, value any) {
	t.Helper()
	ctx, cancel := request(t)
	defer cancel()
	patch := []map[string]any{{"op": "add", "path": path, "value": value}}
	if err := s.patch(ctx, o, types.JSONPatchType, patch); err != nil {
		t.Fatal(err)
	}
}

// patch patches an object or one of its subresources.
func (s *Server) patch(ctx context.Context, o Object, as types.PatchType, patch any, subresource ...string) error {
	body, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	return s.at(s.admin.CoreV1().RESTClient().Patch(as), o).SubResource(subresource...).Body(body).Do(ctx).Error()
}

// Delete deletes an object at once: a pod as its kubelet does when its containers
// have ended, a namespace as its controller does when nothing is in it.
func (s *Server) Delete(t T, o Object) {
	t.Helper()
	ctx, cancel := request(t)
	defer cancel()
	if err := s.delete(ctx, o, 0); err != nil {
		t.Fatal(err)
	}
}

// Terminate deletes a pod as a user does: it stays, marked as deleted, until its
// kubelet says that its containers have ended, which [Server.Delete] does.
func (s *Server) Terminate(t T, pod Object) {
	t.Helper()
	ctx, cancel := request(t)
	defer cancel()
	const graceSeconds = 30
	if err := s.delete(ctx, pod, graceSeconds); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) delete(ctx context.Context, o Object, graceSeconds int64) error {
	options := &metav1.DeleteOptions{GracePeriodSeconds: &graceSeconds}
	err := s.at(s.admin.CoreV1().RESTClient().Delete(), o).Body(options).Do(ctx).Error()
	if err != nil || o.Resource != "namespaces" {
		return err
	}
	_, err = s.admin.CoreV1().Namespaces().Finalize(ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: o.Name}}, metav1.UpdateOptions{})
	return err
}

// cleanup deletes objects when the test ends, unless the server ends with it too.
func (s *Server) cleanup(t T, objects ...Object) {
	t.Helper()
	if s.own {
		return
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err := each(deleters, len(objects), func(i int) error {
			err := s.delete(ctx, objects[i], 0)
			if apierrors.IsNotFound(err) {
				return nil // by the test
			}
			return err
		})
		if err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
}

// at completes a request with the object that it is about.
func (s *Server) at(r *rest.Request, o Object) *rest.Request {
	return r.NamespaceIfScoped(o.Namespace, o.Namespace != "").Resource(o.Resource).Name(o.Name)
}

// String is the object as kubectl writes it.
func (o Object) String() string {
	return strings.TrimPrefix(o.Namespace+"/"+strings.TrimSuffix(o.Resource, "s")+"/"+o.Name, "/")
}
