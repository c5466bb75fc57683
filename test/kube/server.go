package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Server is a running API server.
type Server struct {
	program     string
	dir         string // of all its files
	port        string
	own         bool // of one test, so nothing on it outlives the test
	credentials *credentials
	etcd        *etcd
	admin       *kubernetes.Clientset

	mu      sync.Mutex
	process *process
}

// start starts etcd and an API server, and returns when it is ready.
func start(ctx context.Context) (s *Server, err error) {
	built, err := programs()
	if err != nil {
		return nil, err
	}
	if err := raiseLoopback(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "snatd-kube-")
	if err != nil {
		return nil, err
	}
	s = &Server{program: filepath.Join(built, "kube-apiserver"), dir: dir}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	s.port = ports[0]
	if s.credentials, err = newCredentials(dir); err != nil {
		return nil, err
	}
	if s.admin, err = s.client(s.credentials.admin); err != nil {
		return nil, err
	}
	if s.etcd, err = startEtcd(filepath.Join(built, "etcd"), dir, ports[1], ports[2]); err != nil {
		return nil, err
	}
	return s, s.run(ctx)
}

// run starts the API server, and returns when it is ready.
func (s *Server) run(ctx context.Context) error {
	p, err := startProcess(filepath.Join(s.dir, "kube-apiserver.log"), s.program,
		"--etcd-servers="+s.etcd.url,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+s.port,
		"--cert-dir="+s.dir,
		"--tls-cert-file="+s.credentials.certificateFile, "--tls-private-key-file="+s.credentials.keyFile,
		"--token-auth-file="+s.credentials.tokensFile,
		"--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-signing-key-file="+s.credentials.keyFile,
		"--service-account-key-file="+s.credentials.keyFile,
		"--service-cluster-ip-range=10.96.0.0/16",
		"--allow-privileged",
		// It refuses pods until a controller, which is not here, has made the
		// service account of their namespace.
		"--disable-admission-plugins=ServiceAccount")
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.process = p
	s.mu.Unlock()
	return s.wait(ctx, p)
}

// wait waits until the API server has made all that it makes by itself.
func (s *Server) wait(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("kube-apiserver was not ready in time"))
	defer cancel()
	for {
		err := s.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.failure()
		case <-s.etcd.process.done:
			return s.etcd.process.failure()
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Server) ready(ctx context.Context) error {
	if err := s.admin.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error(); err != nil {
		return err
	}
	for _, namespace := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem} {
		if _, err := s.admin.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// Kill kills the API server. What it has stored is there after [Server.Restart].
func (s *Server) Kill(t T) {
	t.Helper()
	if !s.own {
		t.Fatal("other tests need the shared server: kill one that Own has started")
	}
	s.running().kill()
}

// Restart starts the API server again, after [Server.Kill] or not, on the same
// port and with the same credentials, and returns when it is ready.
func (s *Server) Restart(t T) {
	t.Helper()
	s.Kill(t)
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Compact restarts the API server with only the newest revision in etcd. A watch
// that resumes from any other gets 410, Expired. Without the restart the server
// would answer from what it remembers of the last minutes.
func (s *Server) Compact(t T) {
	t.Helper()
	s.Kill(t)
	ctx, cancel := request(t)
	defer cancel()
	if err := s.etcd.forget(ctx); err != nil {
		t.Fatal(err)
	}
	s.Restart(t)
}

func (s *Server) running() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

// stop ends the server and all that belongs to it.
func (s *Server) stop() {
	if p := s.running(); p != nil {
		p.kill()
	}
	if s.etcd != nil {
		s.etcd.process.kill()
	}
	_ = os.RemoveAll(s.dir) // in the folder of temporary files, whoever empties that
}
