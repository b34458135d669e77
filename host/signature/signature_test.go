package signature_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradewind.example/host/signature"
)

var message = []byte("{\"format\": 1}\n")

// pair makes a key pair from one byte.
func pair(seed byte) (ed25519.PublicKey, ed25519.PrivateKey) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	return private.Public().(ed25519.PublicKey), private
}

func id(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

func sign(seed byte, text []byte) []byte {
	public, private := pair(seed)
	return fmt.Appendf(nil, "ed25519 %s %s\n", id(public), base64.StdEncoding.EncodeToString(ed25519.Sign(private, text)))
}

func key(t testing.TB, seed byte) signature.Key {
	t.Helper()
	public, _ := pair(seed)
	k, err := signature.ParseKey([]byte(base64.StdEncoding.EncodeToString(public) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestVerify(t *testing.T) {
	t.Parallel()
	public, _ := pair(1)
	wrongID := strings.Replace(string(sign(2, message)), id(second()), id(public), 1)
	cases := map[string]struct {
		reason   string
		text     []byte
		trusts   []byte // seeds
		required bool
		signer   byte // seed; 0: none
		want     error
	}{
		"Trusted":             {reason: "a trusted key vouches", text: sign(1, message), trusts: []byte{2, 1}, required: true, signer: 1},
		"TrustedNotRequired":  {reason: "a signature counts where none is needed", text: sign(1, message), trusts: []byte{1}, signer: 1},
		"Unsigned":            {reason: "a needed signature is missing", trusts: []byte{1}, required: true, want: signature.ErrUnsigned},
		"UnsignedNotRequired": {reason: "nobody asks for one", trusts: []byte{1}},
		"Stranger":            {reason: "a stranger does not count", text: sign(2, message), trusts: []byte{1}, required: true, want: signature.ErrUnknownKey},
		"StrangerNotRequired": {reason: "a stranger's signature is like none", text: sign(2, message), trusts: []byte{1}},
		"NobodyTrusted":       {reason: "requiring without trusting refuses everything", text: sign(1, message), required: true, want: signature.ErrUnknownKey},
		"OtherText":           {reason: "the text was changed", text: sign(1, []byte("other")), trusts: []byte{1}, required: true, want: signature.ErrWrong},
		"OtherTextUnrequired": {reason: "a wrong signature is never fine", text: sign(1, []byte("other")), trusts: []byte{1}, want: signature.ErrWrong},
		"BorrowedID":          {reason: "a key id proves nothing", text: []byte(wrongID), trusts: []byte{1}, want: signature.ErrWrong},
		"Garbage":             {reason: "garbage is no signature", text: []byte("garbage"), want: signature.ErrMalformed},
		"Algorithm":           {reason: "there is one algorithm", text: bytes.Replace(sign(1, message), []byte("ed25519"), []byte("rsa4096"), 1), trusts: []byte{1}, want: signature.ErrMalformed},
		"UpperID":             {reason: "one spelling", text: bytes.Replace(sign(1, message), []byte(id(public)), []byte(strings.ToUpper(id(public))), 1), trusts: []byte{1}, want: signature.ErrMalformed},
		"Short":               {reason: "a signature has 64 bytes", text: []byte("ed25519 " + id(public) + " AAAA\n"), trusts: []byte{1}, want: signature.ErrMalformed},
		"TwoLines":            {reason: "one line", text: append(sign(1, message), sign(1, message)...), trusts: []byte{1}, want: signature.ErrMalformed},
		"Long":                {reason: "no file without a limit", text: bytes.Repeat([]byte("x"), signature.MaxBytes+1), want: signature.ErrMalformed},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trust := signature.Trust{Required: tc.required}
			for _, seed := range tc.trusts {
				trust.Keys = append(trust.Keys, key(t, seed))
			}
			want := ""
			if tc.signer != 0 {
				want = key(t, tc.signer).ID()
			}
			got, err := trust.Verify(message, tc.text)
			if got != want || !errors.Is(err, tc.want) {
				t.Errorf("%s: got %q, %v; want %q, %v", tc.reason, got, err, want, tc.want)
			}
		})
	}
}

func second() ed25519.PublicKey {
	public, _ := pair(2)
	return public
}

func pkix(t *testing.T, public any, kind string) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	public, private := pair(1)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason, text string
		fails        bool
	}{
		"Base64":    {reason: "32 bytes in base64", text: base64.StdEncoding.EncodeToString(public)},
		"Newline":   {reason: "files end with a newline", text: base64.StdEncoding.EncodeToString(public) + "\n"},
		"PEM":       {reason: "what other tools write", text: pkix(t, public, "PUBLIC KEY")},
		"Private":   {reason: "a private key does not belong here", text: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), fails: true},
		"OtherKind": {reason: "one algorithm", text: pkix(t, other.Public(), "PUBLIC KEY"), fails: true},
		"BrokenPEM": {reason: "the block must hold a key", text: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})), fails: true},
		"Short":     {reason: "a key has 32 bytes", text: "AAAA", fails: true},
		"Garbage":   {reason: "garbage is no key", text: "not a key!", fails: true},
		"Empty":     {reason: "nothing is no key", fails: true},
		"Long":      {reason: "no file without a limit", text: strings.Repeat("A", signature.MaxBytes+4), fails: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, err := signature.ParseKey([]byte(tc.text))
			if tc.fails != errors.Is(err, signature.ErrKey) || err == nil && k.ID() != id(public) {
				t.Errorf("%s: got %s, %v", tc.reason, k.ID(), err)
			}
			if tc.fails && strings.Contains(fmt.Sprint(err), base64.StdEncoding.EncodeToString(pkcs8)) {
				t.Errorf("%s: the error tells the key", tc.reason)
			}
		})
	}
}

func TestReadKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	public, _ := pair(1)
	good, bad := filepath.Join(dir, "good.pem"), filepath.Join(dir, "bad.pem")
	for path, text := range map[string]string{good: pkix(t, public, "PUBLIC KEY"), bad: "no key"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := signature.ReadKeys(good); err != nil || len(keys) != 1 || keys[0].ID() != id(public) {
		t.Errorf("got %v, %v", keys, err)
	}
	_, err := signature.ReadKeys(good, bad, filepath.Join(dir, "none"))
	if !errors.Is(err, signature.ErrKey) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("all problems are told at once: got %v", err)
	}
}

// FuzzVerify: no text but the real signature is accepted.
func FuzzVerify(f *testing.F) {
	genuine := sign(1, message)
	f.Add(genuine)
	f.Add([]byte("ed25519  "))
	f.Add(sign(2, message))
	trust := signature.Trust{Required: true, Keys: []signature.Key{key(f, 1)}}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := trust.Verify(message, text)
		if err == nil && !bytes.Equal(strip(text), strip(genuine)) {
			t.Errorf("%q is accepted as a signature of %s", text, got)
		}
	})
}

// strip drops line ends, which base64 does not count.
func strip(text []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\n"), nil), []byte("\r"), nil)
}
