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

// As is a client for the owner of a token.
func (s *Server) As(t T, token string) *kubernetes.Clientset {
	t.Helper()
	client, err := s.client(token)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

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

// Certificate is the authority that vouches for the server, in PEM.
func (s *Server) Certificate() []byte { return s.credentials.certificate }

// Kubeconfig writes the file by which a client finds the server behind the proxy,
// as the owner of a token, and returns its path.
func (p *Proxy) Kubeconfig(t T, token string) string {
	t.Helper()
	return p.server.kubeconfig(t, p.Address(), token)
}

// Environment is the variables with which kubectl and others that go by a kubeconfig
// are the server's administrators. In PATH there is kubectl of the server's version.
func (s *Server) Environment(t T) []string {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(),
		"KUBECONFIG="+s.kubeconfig(t, "127.0.0.1:"+s.port, s.credentials.admin),
		// Where clients keep what they have learned of a server.
		"HOME="+t.TempDir(),
		"PATH="+dir+":"+os.Getenv("PATH"))
}

func (s *Server) kubeconfig(t T, address, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	content := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "https://%s", certificate-authority-data: %s}}]
users: [{name: test, user: {token: %q}}]
`, address, base64.StdEncoding.EncodeToString(s.credentials.certificate), token)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// request is a context for requests of a test.
func request(t T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), patience)
}
