package fakecloud

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"tradewind.example/sdk/secret"
)

// The headers of a signed request.
const (
	KeyHeader       = "X-Key"
	SignatureHeader = "X-Signature"
)

// Sign signs req, which must have its final URL, with a key of the cloud. The
// signature is the HMAC-SHA256, in hex, of the method, the path, the raw query
// and the body, each followed by a line feed but the last.
func Sign(req *http.Request, body []byte, key string, with secret.Value) {
	req.Header.Set(KeyHeader, key)
	req.Header.Set(SignatureHeader, signature(req, body, with))
}

func signature(req *http.Request, body []byte, with secret.Value) string {
	mac := hmac.New(sha256.New, []byte(with.Reveal()))
	_, _ = mac.Write([]byte(strings.Join([]string{req.Method, req.URL.EscapedPath(), req.URL.RawQuery, string(body)}, "\n")))
	return hex.EncodeToString(mac.Sum(nil))
}

// signer returns the key that signed req, "" when none did.
func (c *Cloud) signer(req *http.Request, body []byte) string {
	key := req.Header.Get(KeyHeader)
	with, ok := c.cfg.Keys[key]
	if !ok || !hmac.Equal([]byte(signature(req, body, with)), []byte(req.Header.Get(SignatureHeader))) {
		return ""
	}
	return key
}
