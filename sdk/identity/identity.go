// Package identity makes the key pairs with which a plugin and its host know
// each other. Each side has one of its own for the life of one plugin process,
// its key never leaves the memory of that side, and it trusts exactly the one
// certificate that the other side told it of: the host in the environment, the
// plugin in its first line. Package identity opens no connection.
//
// go-plugin makes such pairs by itself, on a curve on which signing and checking
// costs 13 to 20 times as much: a quarter of a start's processor time.
//
// An [Identity] is immutable and safe for concurrent use.
package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

const (
	// HostVariable names the environment variable with the host's certificate, in
	// PEM, as go-plugin has it.
	HostVariable = "PLUGIN_CLIENT_CERT"

	serverName = "localhost"               // in all certificates
	life       = 30 * 365 * 24 * time.Hour // longer than any process
	slack      = time.Minute               // for a clock that is set back meanwhile
)

// ErrNoCertificate means that the other side's certificate cannot be read.
var ErrNoCertificate = errors.New("no certificate")

// Identity is one side's key pair.
type Identity struct{ pair tls.Certificate }

// New makes a key on P-256 and a certificate that vouches for itself.
func New() (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: serverName}, DNSNames: []string{serverName}, SerialNumber: serial,
		NotBefore: now.Add(-slack), NotAfter: now.Add(life),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	return &Identity{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}, nil
}

// Variable is the assignment of [HostVariable] that tells a plugin whom to serve.
func (i *Identity) Variable() string {
	return HostVariable + "=" + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.pair.Certificate[0]}))
}

// Line is the certificate as a plugin's first line has it.
func (i *Identity) Line() string {
	return base64.RawStdEncoding.EncodeToString(i.pair.Certificate[0])
}

// Host returns the settings of a host. They trust nobody until RootCAs is set to
// the plugin's certificate, which go-plugin does when it has read the first line.
func (i *Identity) Host() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{i.pair}, RootCAs: x509.NewCertPool(), ServerName: serverName, MinVersion: tls.VersionTLS13,
	}
}

// Plugin returns the settings of a plugin that serves only the host whose
// certificate is given in PEM; an error wrapping [ErrNoCertificate] when there is
// none in it.
func (i *Identity) Plugin(host string) (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(host)) {
		return nil, fmt.Errorf("reading the host's certificate from %s: %w", HostVariable, ErrNoCertificate)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{i.pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		RootCAs: pool, ServerName: serverName, MinVersion: tls.VersionTLS12, // as hosts before had it
	}, nil
}
