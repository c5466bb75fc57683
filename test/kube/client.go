package kube

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Admin is a client that may do everything, as fast as the server lets it.
func (s *Server) Admin() *kubernetes.Clientset { return s.admin }

// client is a client for who has a token.
func (s *Server) client(token string) (*kubernetes.Clientset, error) {
	config := s.config(token)
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return kubernetes.NewForConfig(config)
}

func (s *Server) config(token string) *rest.Config {
	return &rest.Config{
		Host:            "https://127.0.0.1:" + s.port,
		BearerToken:     token,
		TLSClientConfig: rest.TLSClientConfig{CAData: s.credentials.certificate},
		QPS:             -1, // no limit
	}
}

// Kubeconfig writes the file by which a client finds the server behind the proxy,
// as the owner of a token, and returns its path.
func (p *Proxy) Kubeconfig(t T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	content := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "https://%s", certificate-authority-data: %s}}]
users: [{name: test, user: {token: %q}}]
`, p.Address(), base64.StdEncoding.EncodeToString(p.server.credentials.certificate), token)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// request is a context for requests of a test.
func request(t T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), patience)
}
