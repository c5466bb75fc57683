package kubernetes

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"testing"
	"time"
)

// What is wrong with watches, also what a real server cannot be made to do,
// reaches who asks how current the facts are.
func TestServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		resource := path.Base(r.URL.Path)
		switch watching := r.URL.Query().Has("watch"); {
		case !watching && resource == "pods":
			fmt.Fprint(w, `{"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": []}`)
		case !watching:
			fmt.Fprint(w, `{"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList", "metadata": {"resourceVersion": "1"}, "items": []}`)
		case resource == "pods":
			fmt.Fprint(w, `{"type": "ERROR", "object": {"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": "no leader", "reason": "InternalError", "code": 500}}`)
		case resource == "namespaces":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": "no watches for you", "reason": "Forbidden", "code": 403}`)
		}
	}))
	defer server.Close()
	c := newCluster(t, server.URL)
	ended := make(chan struct{})
	go func() {
		c.Run(t.Context())
		close(ended)
	}()
	t.Cleanup(func() { <-ended })

	want := map[string]string{
		"kubernetes/pods": "no leader", "kubernetes/namespaces": "no watches for you", "kubernetes/nodes": "the server ends watches at once",
	}
	deadline := time.After(30 * time.Second)
	for {
		said := map[string]string{}
		for _, p := range c.Provenance() {
			said[p.Source] = p.Error
		}
		if fmt.Sprint(said) == fmt.Sprint(want) {
			break
		}
		select {
		case <-c.Changed():
		case <-deadline:
			t.Fatalf("said %v, want %v", said, want)
		}
	}
	if s := c.Latest(); s == nil || len(s.Problems) != 1 {
		t.Errorf("state %+v", s)
	}
}
