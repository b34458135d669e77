package planetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificates are the plane's own: one authority and what it signed.
type certificates struct {
	ca    []byte // PEM
	caKey *ecdsa.PrivateKey
	root  *x509.Certificate
	dir   string
}

func newCertificates(dir string) (certificates, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificates{}, err
	}
	tmpl := template("tradewind-planetest", 1)
	tmpl.IsCA, tmpl.BasicConstraintsValid = true, true
	tmpl.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return certificates{}, err
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		return certificates{}, err
	}
	c := certificates{ca: encode("CERTIFICATE", der), caKey: key, root: root, dir: dir}
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), c.ca, 0o600); err != nil {
		return certificates{}, err
	}
	server := template("kube-apiserver", 2)
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)}
	server.DNSNames = []string{"localhost", "kubernetes.default.svc"}
	if err := c.write("apiserver", server); err != nil {
		return certificates{}, err
	}
	proxy := template("aggregator", 3)
	proxy.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if err := c.write("proxy", proxy); err != nil {
		return certificates{}, err
	}
	return c, c.writeAccountKey()
}

func template(name string, serial int64) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// sign makes a key and its certificate, both PEM.
func (c certificates) sign(tmpl *x509.Certificate) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, c.root, &private.PublicKey, c.caKey)
	if err != nil {
		return nil, nil, err
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return encode("CERTIFICATE", der), encode("EC PRIVATE KEY", raw), nil
}

func (c certificates) write(name string, tmpl *x509.Certificate) error {
	cert, key, err := c.sign(tmpl)
	if err != nil {
		return fmt.Errorf("signing %s: %w", name, err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, name+".crt"), cert, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.dir, name+".key"), key, 0o600)
}

// writeAccountKey makes the key that signs service accounts' tokens.
func (c certificates) writeAccountKey() error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.dir, "accounts.key"), encode("EC PRIVATE KEY", raw), 0o600)
}
