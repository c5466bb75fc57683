package aws_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/aws/ec2test"
)

// A clock that is wrong is told once, and not at each try.
func TestCertificateExpired(t *testing.T) {
	from := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	certificate, bundle := selfSigned(t, from, from.AddDate(1, 0, 0))
	t.Setenv("AWS_CA_BUNDLE", bundle)
	server := ec2test.StartOn(t, "127.0.0.1:0", func(network, address string) (net.Listener, error) {
		return tls.Listen(network, address, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	})
	s, err := aws.NewEC2(aws.EC2Options{
		Region: "eu-west-1", SubnetID: subnet, VPCID: vpc, Interval: time.Hour,
		Endpoint: strings.Replace(server.URL(), "http:", "https:", 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	_, p := await(t, s, "an error", failing)
	const want = "ec2: DescribeRouteTables: the certificate is valid from 2020-01-02T03:04:05Z until 2021-01-02T03:04:05Z, which is not now by the node's clock"
	if p.Error != want {
		t.Errorf("got  %s\nwant %s", p.Error, want)
	}
}

// selfSigned makes a certificate for 127.0.0.1, and a file by which it is trusted.
func selfSigned(t *testing.T, from, until time.Time) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, bundle
}
