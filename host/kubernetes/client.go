package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// client asks the API server. The client of all resources that client-go offers
// would cost every node the memory of their types.
type client struct{ rest.Interface }

func newClient(kubeconfig string) (*client, error) {
	config, err := load(kubeconfig)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), metav1.AddMetaToScheme(scheme)); err != nil {
		return nil, err
	}
	config.UserAgent = "snatd"
	config.APIPath = "/api"
	config.GroupVersion = &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return transport{next} })
	c, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	return &client{c}, nil
}

// load reads how the API server is reached.
func load(kubeconfig string) (*rest.Config, error) {
	if kubeconfig != "" {
		config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			return nil, fmt.Errorf("kubernetes.kubeconfig: %s: %w", kubeconfig, err)
		}
		return config, nil
	}
	config, err := rest.InClusterConfig()
	switch {
	case errors.Is(err, rest.ErrNotInCluster):
		return nil, errors.New("kubernetes.kubeconfig: empty, and this process does not run in a pod (KUBERNETES_SERVICE_HOST is not set), accepted: the path of a kubeconfig file")
	case err != nil:
		return nil, fmt.Errorf("kubernetes: the service account of this pod cannot be used: %w", err)
	}
	return config, nil
}

// createEvent creates an event in its namespace.
func (c *client) createEvent(ctx context.Context, event *corev1.Event) error {
	// When to try again is for the caller to say.
	return c.Post().Namespace(event.Namespace).Resource("events").Body(event).MaxRetries(0).Do(ctx).Error()
}

// lister lists and watches one resource.
type lister struct {
	example runtime.Object
	list    func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch   func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// pods lists the pods of a node.
func (c *client) pods(node string) lister {
	return c.lister("pods", fields.OneTermEqualSelector("spec.nodeName", node), "", &corev1.Pod{},
		func() runtime.Object { return &corev1.PodList{} })
}

// metadata lists the metadata of a resource without a namespace, of the one object
// with that name unless it is empty.
func (c *client) metadata(resource, name string) lister {
	selector := fields.Everything()
	if name != "" {
		selector = fields.OneTermEqualSelector("metadata.name", name)
	}
	return c.lister(resource, selector, "PartialObjectMetadata", &metav1.PartialObjectMetadata{},
		func() runtime.Object { return &metav1.PartialObjectMetadataList{} })
}

// lister lists a resource. A kind is what the server is to make of its objects;
// empty leaves them whole.
func (c *client) lister(resource string, selector fields.Selector, kind string, example runtime.Object, list func() runtime.Object) lister {
	request := func(options metav1.ListOptions, kind string) *rest.Request {
		options.FieldSelector = selector.String()
		// When to try again is for the feed to say, and to tell.
		r := c.Get().Resource(resource).VersionedParams(&options, metav1.ParameterCodec).MaxRetries(0)
		if kind != "" {
			as := ";as=" + kind + ";g=meta.k8s.io;v=v1"
			r.SetHeader("Accept", runtime.ContentTypeProtobuf+as+","+runtime.ContentTypeJSON+as)
		}
		return r
	}
	listKind := kind
	if kind != "" {
		listKind += "List"
	}
	return lister{
		example: example,
		list: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			into := list()
			return into, request(options, listKind).Do(ctx).Into(into)
		},
		watch: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.Watch = true
			return request(options, kind).Watch(ctx)
		},
	}
}
