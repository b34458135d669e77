package pack

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"tradewind.example/host/signature"
	"tradewind.example/tools/secretfile"
)

// maxKey bounds a key file, in bytes.
const maxKey = 4 << 10

// Sign returns the text of the signature file of message, see package
// host/signature.
func Sign(key ed25519.PrivateKey, message []byte) []byte {
	public, err := trusted(key)
	if err != nil {
		return nil // reading the archive back then fails
	}
	return []byte("ed25519 " + public.ID() + " " + base64.StdEncoding.EncodeToString(ed25519.Sign(key, message)) + "\n")
}

// trusted is the public half of key, as a host knows it.
func trusted(key ed25519.PrivateKey) (signature.Key, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return signature.Key{}, errors.New("the key has no public half")
	}
	return signature.ParseKey([]byte(base64.StdEncoding.EncodeToString(public)))
}

// NewKey makes a signing key: the private half in file, readable by its owner
// alone, the public half in file.pub. It overwrites nothing and returns the
// key's id.
func NewKey(file string) (id string, err error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("making a key: %w", err)
	}
	secretDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", fmt.Errorf("encoding the key: %w", err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("encoding the key: %w", err)
	}
	known, err := trusted(private)
	if err != nil {
		return "", err
	}
	if err := writeNew(file, "PRIVATE KEY", secretDER, 0o600); err != nil {
		return "", err
	}
	if err := writeNew(file+".pub", "PUBLIC KEY", publicDER, 0o644); err != nil {
		return "", errors.Join(err, os.Remove(file))
	}
	return known.ID(), nil
}

func writeNew(file, kind string, der []byte, mode os.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync())
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing a key: %w", err), os.Remove(file))
	}
	return nil
}

// ReadKey reads a private key that [NewKey] wrote. A file that others than its
// owner can read is refused.
func ReadKey(file string) (ed25519.PrivateKey, error) {
	raw, err := secretfile.Read(file, maxKey)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("%q holds no private key in PEM: make one with keygen", file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the key in %q: it is not in PKCS #8", file)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key in %q is not an ed25519 key", file)
	}
	return key, nil
}
