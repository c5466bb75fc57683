package roots

import (
	"crypto/x509"
	"os"
	"os/exec"
	"testing"
)

// bare is the variable that says that this process is to see a machine without authorities.
const bare = "SNATD_ROOTS_TEST_BARE"

// A process on a machine that knows no authority trusts Mozilla's, and only once asked to.
func TestFallback(t *testing.T) {
	if os.Getenv(bare) == "" {
		again := exec.Command(os.Args[0], "-test.run", "^TestFallback$")
		again.Env = append(os.Environ(), bare+"=1", "SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR=/dev/null")
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if pool, err := x509.SystemCertPool(); err == nil && !pool.Equal(x509.NewCertPool()) {
		t.Fatal("the machine has authorities")
	}
	Fallback()
	Fallback()
	pool, err := x509.SystemCertPool()
	if err != nil || pool.Equal(x509.NewCertPool()) {
		t.Errorf("no authority is trusted: %v", err)
	}
}

// One that the machine knows stays alone.
func TestFallbackOfNone(t *testing.T) {
	before, err := x509.SystemCertPool()
	if err != nil || before.Equal(x509.NewCertPool()) {
		t.Skip("the machine knows no authority: TestFallback says what then")
	}
	Fallback()
	if after, err := x509.SystemCertPool(); err != nil || !after.Equal(before) {
		t.Errorf("the authorities are others now: %v", err)
	}
}
