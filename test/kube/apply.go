package kube

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// Apply does what kubectl apply --server-side does, with a file of this
// repository. A field that the server does not know is an error. What was applied
// stays on the server.
func (s *Server) Apply(t T, name string) {
	t.Helper()
	ctx, cancel := request(t)
	defer cancel()
	if err := s.apply(ctx, name); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) apply(ctx context.Context, name string) error {
	path, err := repository(name)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	client, err := dynamic.NewForConfig(s.config(s.credentials.admin))
	if err != nil {
		return err
	}
	groups, err := restmapper.GetAPIGroupResources(s.admin.Discovery())
	if err != nil {
		return err
	}
	mapper := restmapper.NewDiscoveryRESTMapper(groups)
	documents := yaml.NewYAMLReader(bufio.NewReader(file))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		var object unstructured.Unstructured
		if err := yaml.Unmarshal(document, &object.Object); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if len(object.Object) == 0 {
			continue // only comments
		}
		kind := object.GroupVersionKind()
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		_, err = client.Resource(mapping.Resource).Namespace(object.GetNamespace()).Patch(ctx, object.GetName(),
			types.ApplyYAMLPatchType, document,
			metav1.PatchOptions{FieldManager: "test", FieldValidation: metav1.FieldValidationStrict})
		if err != nil {
			return fmt.Errorf("%s: %s %s: %w", name, kind.Kind, object.GetName(), err)
		}
	}
}
