package sim

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxSignIn bounds the users and the living tokens of the sign-in.
const maxSignIn = 100000

// signInBook is the state of the assumed sign-in; guarded by the Cloud's mutex.
type signInBook struct {
	users  map[string]string // id at the broker to id here
	tokens map[string]ticket
	nonces nonces
}

// ticket is what a link is worth, once.
type ticket struct {
	user, target string
	ends         time.Time
}

func newSignInBook() signInBook {
	return signInBook{users: map[string]string{}, tokens: map[string]ticket{}, nonces: newNonces()}
}

// SignIn is the handler of the distributor's sign-in. Its contract is
// ASSUMED: no document of the distributor is known. README.md tells it.
func (c *Cloud) SignIn() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sso/users", func(w http.ResponseWriter, r *http.Request) { c.signed(w, r, c.syncUser) })
	mux.HandleFunc("POST /sso/tokens", func(w http.ResponseWriter, r *http.Request) { c.signed(w, r, c.newToken) })
	mux.HandleFunc("GET /sso/login", c.login)
	return mux
}

// signInText is what a request to the sign-in signs.
func signInText(r *http.Request, body []byte) string {
	sum := sha256.Sum256(body)
	return strings.Join([]string{
		r.Method, r.URL.Path, hex.EncodeToString(sum[:]), r.Header.Get("X-Timestamp"), r.Header.Get("X-Nonce"),
	}, "\n")
}

// signed lets a request with a right signature through.
func (c *Cloud) signed(w http.ResponseWriter, r *http.Request, next func(http.ResponseWriter, *http.Request, map[string]string)) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		tell(w, 413, "body too large", nil)
		return
	}
	if status, msg := c.verifySignIn(r, body); status != 0 {
		tell(w, status, msg, nil)
		return
	}
	in := map[string]string{}
	if err := json.Unmarshal(body, &in); err != nil {
		tell(w, 400, "body is no object of strings", nil)
		return
	}
	next(w, r, in)
}

func (c *Cloud) verifySignIn(r *http.Request, body []byte) (int, string) {
	cfg := c.cfg.SignIn
	if cfg.AppID == "" {
		return 404, "no such application"
	}
	mac := hmac.New(sha256.New, []byte(cfg.AppSecret))
	mac.Write([]byte(signInText(r, body)))
	got, err := hex.DecodeString(r.Header.Get("X-Signature"))
	if err != nil || r.Header.Get("X-App-Id") != cfg.AppID || !hmac.Equal(got, mac.Sum(nil)) {
		return 401, "signature is wrong"
	}
	now := c.cfg.RealNow()
	at, err := strconv.ParseInt(r.Header.Get("X-Timestamp"), 10, 64)
	if err != nil || now.Sub(time.Unix(at, 0)).Abs() > window {
		return 401, "timestamp is off"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	nonce := r.Header.Get("X-Nonce")
	if nonce == "" || len(nonce) > 64 || !c.signIn.nonces.use(nonce, now) {
		return 401, "nonce is missing or used"
	}
	return 0, ""
}

// syncUser makes a user or finds the one with this id; it keeps no other field.
func (c *Cloud) syncUser(w http.ResponseWriter, _ *http.Request, in map[string]string) {
	id := in["user_id"]
	if id == "" || len(id) > 128 {
		tell(w, 400, "user_id is missing or too long", nil)
		return
	}
	c.mu.Lock()
	out := c.signIn.users[id]
	if out == "" && len(c.signIn.users) < maxSignIn {
		out = "ext-" + strconv.Itoa(len(c.signIn.users)+1)
		c.signIn.users[id] = out
	}
	c.mu.Unlock()
	if out == "" {
		tell(w, 409, "too many users", nil)
		return
	}
	tell(w, 200, "ok", answer{"external_user_id": out})
}

// newToken makes a link that is good once.
func (c *Cloud) newToken(w http.ResponseWriter, r *http.Request, in map[string]string) {
	target, err := url.Parse(in["target"])
	if err != nil || target.Scheme != "https" && target.Scheme != "http" || !slices.Contains(c.cfg.SignIn.AllowHosts, target.Host) {
		tell(w, 403, "target is not on the list of allowed hosts", nil)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for k, t := range c.signIn.tokens {
		if !now.Before(t.ends) {
			delete(c.signIn.tokens, k)
		}
	}
	user := in["external_user_id"]
	known := false
	for _, id := range c.signIn.users {
		known = known || id == user
	}
	if !known || len(c.signIn.tokens) >= maxSignIn {
		tell(w, 404, "no such user", nil)
		return
	}
	var b [16]byte
	_, _ = rand.Read(b[:])
	token, ends := hex.EncodeToString(b[:]), now.Add(time.Duration(c.cfg.SignIn.TokenSeconds)*time.Second)
	c.signIn.tokens[token] = ticket{user: user, target: target.String(), ends: ends}
	page := c.cfg.SignIn.PageURL
	if page == "" {
		page = "http://" + r.Host
	}
	tell(w, 200, "ok", answer{"url": page + "/sso/login?token=" + token, "expires_at": ends.Unix()})
}

// login redeems a link: a redirect to its target with the user's id.
func (c *Cloud) login(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	c.mu.Lock()
	t, ok := c.signIn.tokens[token]
	delete(c.signIn.tokens, token)
	ok = ok && c.now().Before(t.ends)
	c.mu.Unlock()
	if !ok {
		tell(w, 401, "token is unknown, used or over", nil)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", t.target)
	w.Header().Set("X-External-User-Id", t.user)
	w.WriteHeader(http.StatusFound)
}

// tell answers in the assumed form; status is that of HTTP, 0 in a success.
func tell(w http.ResponseWriter, status int, msg string, data any) {
	body := answer{"status": status, "msg": msg, "data": data}
	if status == http.StatusOK {
		body["status"] = 0
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
