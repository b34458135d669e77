// Package signature verifies who vouches for a plugin: detached ed25519
// signatures over the exact bytes of its manifest, which names the binary's
// hash and so covers the binary too.
//
// A signature file is one line of text:
//
//	ed25519 <key id> <signature>
//
// The key id is the first 16 hex digits of the SHA-256 of the public key's 32
// bytes; the signature is the 64 bytes in standard base64. The key id tells a
// signature by a stranger from a wrong one. Public keys are files in PEM
// ("PUBLIC KEY", PKIX) or the 32 bytes in standard base64.
//
// It neither makes keys nor signs. Values are not changed once made and safe for
// concurrent use.
package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

const (
	// FileName is the signature's name beside its manifest.
	FileName = "manifest.sig"
	// MaxBytes bounds a signature file and a key file.
	MaxBytes = 4 << 10

	algorithm  = "ed25519"
	keyIDBytes = 8
)

var (
	// ErrUnsigned means that there is no signature where one is required.
	ErrUnsigned = errors.New("manifest is not signed")
	// ErrUnknownKey means that no trusted key has the id that the signature names.
	ErrUnknownKey = errors.New("manifest is signed by a key that is not trusted")
	// ErrWrong means that the signature is not one of this manifest by that key.
	ErrWrong = errors.New("signature does not match the manifest")
	// ErrMalformed means that the text is no signature.
	ErrMalformed = errors.New("malformed signature")
	// ErrKey means that the text is no public key.
	ErrKey = errors.New("invalid public key")
)

// Key is a public key whose signatures count.
type Key struct {
	public ed25519.PublicKey
}

// ParseKey reads a public key in PEM or base64. Errors wrap [ErrKey].
func ParseKey(raw []byte) (Key, error) {
	if len(raw) > MaxBytes {
		return Key{}, fmt.Errorf("%w: longer than %d bytes", ErrKey, MaxBytes)
	}
	if block, _ := pem.Decode(raw); block != nil {
		return parseBlock(block)
	}
	public, err := base64.StdEncoding.Strict().DecodeString(string(bytes.TrimSpace(raw)))
	if err != nil {
		return Key{}, fmt.Errorf("%w: it is neither PEM nor base64", ErrKey)
	}
	if len(public) != ed25519.PublicKeySize {
		return Key{}, fmt.Errorf("%w: it has %d bytes instead of %d", ErrKey, len(public), ed25519.PublicKeySize)
	}
	return Key{public: public}, nil
}

func parseBlock(block *pem.Block) (Key, error) {
	if strings.Contains(block.Type, "PRIVATE") {
		return Key{}, fmt.Errorf("%w: the file holds a private key; give the public one and keep the private one secret", ErrKey)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	public, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return Key{}, fmt.Errorf("%w: it is a %T; only ed25519 is used", ErrKey, parsed)
	}
	return Key{public: public}, nil
}

// ReadKeys reads one public key from each file, for a configuration.
func ReadKeys(paths ...string) ([]Key, error) {
	var out []Key
	var problems []error
	for _, path := range paths {
		key, err := readKey(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("reading the key file %q: %w", path, err))
			continue
		}
		out = append(out, key)
	}
	return out, errors.Join(problems...)
}

func readKey(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return Key{}, err
	}
	return ParseKey(raw)
}

// ID returns the key's id, 16 hex digits.
func (k Key) ID() string {
	sum := sha256.Sum256(k.public)
	return hex.EncodeToString(sum[:keyIDBytes])
}

// Trust says whose signatures count and whether one is needed. The zero value
// trusts nobody and needs none.
type Trust struct {
	Keys []Key
	// Required refuses what none of the keys has signed.
	Required bool
}

// Verify checks the text of a signature file over message and returns the id of
// the trusted key that made it. Without a signature, or with one by a stranger,
// the id is "" and the error, when a signature is required, wraps [ErrUnsigned]
// or [ErrUnknownKey]. A malformed signature and one that does not match are
// always errors, [ErrMalformed] and [ErrWrong].
func (t Trust) Verify(message, text []byte) (string, error) {
	if len(text) == 0 {
		return "", t.unless(ErrUnsigned)
	}
	id, sig, err := parse(text)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(t.Keys, func(k Key) bool { return k.ID() == id })
	if at < 0 {
		return "", t.unless(fmt.Errorf("%w: its key is %s, trusted are %s", ErrUnknownKey, id, t.ids()))
	}
	if !ed25519.Verify(t.Keys[at].public, message, sig) {
		return "", fmt.Errorf("%w: key %s did not sign this text", ErrWrong, id)
	}
	return id, nil
}

func (t Trust) unless(err error) error {
	if t.Required {
		return err
	}
	return nil
}

func (t Trust) ids() string {
	ids := make([]string, 0, len(t.Keys))
	for _, k := range t.Keys {
		ids = append(ids, k.ID())
	}
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}

func parse(text []byte) (id string, sig []byte, err error) {
	if len(text) > MaxBytes {
		return "", nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxBytes)
	}
	parts := strings.Split(strings.TrimSuffix(string(text), "\n"), " ")
	if len(parts) != 3 || parts[0] != algorithm {
		return "", nil, fmt.Errorf("%w: it must be one line: %s, key id, signature", ErrMalformed, algorithm)
	}
	raw, err := hex.DecodeString(parts[1])
	if err != nil || len(raw) != keyIDBytes || strings.ToLower(parts[1]) != parts[1] {
		return "", nil, fmt.Errorf("%w: key id %q is not %d lower-case hex digits", ErrMalformed, parts[1], 2*keyIDBytes)
	}
	sig, err = base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(sig) != ed25519.SignatureSize {
		return "", nil, fmt.Errorf("%w: the signature is not %d bytes in base64", ErrMalformed, ed25519.SignatureSize)
	}
	return parts[1], sig, nil
}
