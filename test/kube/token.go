package kube

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The daemon's own service account.
const daemonNamespace, daemonAccount = metav1.NamespaceSystem, "snatd"

// ServiceAccountToken is a token of the daemon's own service account, with what
// examples/deploy/manifests/rbac.yaml grants.
func (s *Server) ServiceAccountToken(t T) string {
	t.Helper()
	s.Apply(t, "examples/deploy/manifests/rbac.yaml")
	ctx, cancel := request(t)
	defer cancel()
	if err := s.waitGranted(ctx); err != nil {
		t.Fatal(err)
	}
	return s.Token(t, daemonNamespace, daemonAccount)
}

// waitGranted waits until the server goes by the role that was applied: it takes a
// moment to see what it has stored.
func (s *Server) waitGranted(ctx context.Context) error {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               fmt.Sprintf("system:serviceaccount:%s:%s", daemonNamespace, daemonAccount),
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "list", Resource: "pods"},
	}}
	for {
		answer, err := s.admin.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil || answer.Status.Allowed {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("examples/deploy/manifests/rbac.yaml does not let %s list pods: %s", review.Spec.User, answer.Status.Reason)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Token is a token of a service account, which is created if it is not there.
func (s *Server) Token(t T, namespace, serviceAccount string) string {
	t.Helper()
	ctx, cancel := request(t)
	defer cancel()
	accounts := s.admin.CoreV1().ServiceAccounts(namespace)
	_, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: serviceAccount}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	request, err := accounts.CreateToken(ctx, serviceAccount, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}
