// Package roots has certificates trusted where the machine knows no authority, as in an
// image that holds snatd and nothing else. Whom to ask, and what for, does not live here.
package roots

import (
	"crypto/x509"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// Fallback makes the authorities that Mozilla trusts those of this process, if the machine
// has none of its own: files of the operator's, and SSL_CERT_FILE, come first. It takes
// milliseconds and half a MiB, and so is for those who ask servers on the internet.
var Fallback = sync.OnceFunc(func() {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		switch {
		case err != nil: // one that this Go does not take, and that is trusted by none of it
		case root.Constraint != nil:
			pool.AddCertWithConstraint(certificate, root.Constraint)
		default:
			pool.AddCert(certificate)
		}
	}
	x509.SetFallbackRoots(pool)
})
