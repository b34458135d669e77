package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// The distributor's sign-in is ASSUMED: no document of it is known. Base URL,
// paths, application, secret and pages are the account's config; names of fields
// and headers, and the signature, are these.
const (
	headerApp       = "X-App-Id"
	headerTime      = "X-Timestamp"
	headerNonce     = "X-Nonce"
	headerSignature = "X-Signature"
	maxSignInAnswer = 64 << 10
)

// signInAnswer is what the distributor answers; Status 0 is a success.
type signInAnswer[T any] struct {
	Status loose  `json:"status"`
	Msg    string `json:"msg"`
	Data   T      `json:"data"`
}

// SignInLink makes a link with which the call's org is signed in at the
// distributor: the org becomes a user there, if it is none, and gets a token
// that is good once. Nothing of it is kept or logged.
func (p *plugin) SignInLink(ctx context.Context, req provider.SignInLinkRequest) (provider.SignInLink, error) {
	var zero provider.SignInLink
	c, err := p.open(req.Call)
	if err != nil {
		return zero, err
	}
	cfg := c.cfg
	if cfg.SignInURL == "" || cfg.SignInApp == "" || cfg.SignInSecret.IsZero() {
		return zero, fault.Precondition("the distributor's sign-in is not configured: set sign_in_url, sign_in_app_id and sign_in_app_secret in the account")
	}
	if req.Call.Org == "" {
		return zero, fault.Invalid("call.org", "is required: it says who is signed in")
	}
	target, err := cfg.target(req.Target)
	if err != nil {
		return zero, err
	}
	user, err := post[struct {
		ID string `json:"external_user_id"`
	}](ctx, p, c, cfg.SignInUsers, map[string]string{"user_id": req.Call.Org})
	switch {
	case err != nil:
		return zero, err
	case user.ID == "":
		return zero, fault.Unavailable("the distributor tells no user").From(fault.SourceCloud)
	}
	token, err := post[struct {
		URL  secret.Value `json:"url"`
		Ends int64        `json:"expires_at"`
	}](ctx, p, c, cfg.SignInTokens, map[string]string{"external_user_id": user.ID, "target": target})
	switch {
	case err != nil:
		return zero, err
	case !safeLink(token.URL.Reveal(), firstText(cfg.SignInPage, cfg.SignInURL)):
		return zero, fault.Unavailable("the distributor gives no link into its own pages").From(fault.SourceCloud)
	}
	return provider.SignInLink{URL: token.URL, Expires: time.Unix(token.Ends, 0).UTC()}, nil
}

// safeLink tells whether a link leads to the host that was asked for it.
func safeLink(link, base string) bool {
	to, err := url.Parse(link)
	if err != nil {
		return false
	}
	from, err := url.Parse(base)
	return err == nil && to.Scheme == from.Scheme && to.Host == from.Host && to.User == nil
}

// post sends one signed request to the distributor. Both that there are can be
// repeated: a user is made once for an id, and a token that nobody got does no
// harm.
func post[T any](ctx context.Context, p *plugin, c *cloud, path string, in map[string]string) (T, error) {
	var out signInAnswer[T]
	ctx, cancel := context.WithTimeout(ctx, c.cfg.timeout())
	defer cancel()
	body, err := json.Marshal(in)
	if err != nil {
		return out.Data, fault.Internal(err, "encoding a request")
	}
	base, err := url.Parse(c.cfg.SignInURL)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.User != nil || base.RawQuery != "" {
		return out.Data, fault.Invalid("account.settings.sign_in_url", "must be an http or https URL")
	}
	at := base.JoinPath(path)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), bytes.NewReader(body))
	if err != nil {
		return out.Data, fault.Invalid("account.settings.sign_in_url", "cannot be asked").With(err)
	}
	c.cfg.sign(r, body, p.wall.Now())
	resp, err := c.base.RoundTrip(r)
	f := failure{sent: true, secrets: c.secrets}
	if err != nil {
		return out.Data, f.network(err)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxSignInAnswer))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return out.Data, f.network(err)
	}
	err = json.Unmarshal(text, &out)
	switch {
	case err == nil && resp.StatusCode == http.StatusOK && out.Status.text() == "0":
		return out.Data, nil
	case err != nil || resp.StatusCode == http.StatusOK && out.Status.text() == "":
		return out.Data, f.httpStatus(resp.StatusCode, "", err)
	}
	return out.Data, f.signInRefused(resp.StatusCode, out.Status.text(), out.Msg)
}

// signInRefused makes the fault of a refusal of the distributor.
func (f failure) signInRefused(status int, code, message string) error {
	class := map[int]fault.Class{
		http.StatusUnauthorized: fault.ClassUnauthenticated, http.StatusForbidden: fault.ClassForbidden, http.StatusNotFound: fault.ClassNotFound,
		http.StatusBadRequest: fault.ClassInvalid, http.StatusTooManyRequests: fault.ClassThrottled,
	}[status]
	switch {
	case class == 0 && status >= 500:
		class = fault.ClassUnavailable
	case class == 0:
		class = fault.ClassPrecondition
	}
	out := fault.New(class, "%s", f.clean(message, "the distributor refused the request")).Cloud(code, "")
	if class == fault.ClassThrottled {
		out.RetryAfter = throttlePause
	}
	return out
}

// sign puts the signature over method, path, body, time and nonce on a request.
func (c Config) sign(r *http.Request, body []byte, now time.Time) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails, by its contract
	sum := sha256.Sum256(body)
	at, once := strconv.FormatInt(now.Unix(), 10), hex.EncodeToString(nonce[:])
	mac := hmac.New(sha256.New, []byte(c.SignInSecret.Reveal()))
	mac.Write([]byte(strings.Join([]string{r.Method, r.URL.Path, hex.EncodeToString(sum[:]), at, once}, "\n")))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(headerApp, c.SignInApp)
	r.Header.Set(headerTime, at)
	r.Header.Set(headerNonce, once)
	r.Header.Set(headerSignature, hex.EncodeToString(mac.Sum(nil)))
}

// target is the page after a sign-in, which must be one of those that the
// account allows: a link must not lead a customer just anywhere.
func (c Config) target(text string) (string, error) {
	allowed := strings.Split(c.SignInTargets, ";")
	if text == "" {
		text = strings.TrimSpace(allowed[0])
	}
	to, err := url.Parse(text)
	if err == nil && to.Scheme == "https" && to.User == nil {
		for _, prefix := range allowed {
			from, err := url.Parse(strings.TrimSpace(prefix))
			if err == nil && from.Host != "" && from.Host == to.Host && below(to.EscapedPath(), from.EscapedPath()) {
				return text, nil
			}
		}
	}
	return "", fault.Invalid("target", "must be an https page below one of the account's sign_in_targets")
}

// below tells whether a path is another or inside it.
func below(path, root string) bool {
	root = strings.TrimSuffix(root, "/")
	return !strings.Contains(path, "..") && (path == root || strings.HasPrefix(path, root+"/"))
}
