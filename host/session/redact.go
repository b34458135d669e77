package session

import (
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"tradewind.example/sdk/redact"
	"tradewind.example/sdk/secret"
	pb "tradewind.example/sdk/wire/providerv1"
)

const (
	// maxKnown bounds how many secrets are remembered; the oldest goes first.
	maxKnown = 1024
	// minSecret keeps short values from masking ordinary text.
	minSecret = 6 // bytes
)

// Redactor masks secrets in what a plugin prints: the values of calls that were
// sent to it, which it has been told of, and whatever package sdk/redact
// takes for a secret by its name. One serves all sessions of a plugin.
// Safe for concurrent use. The zero value is ready.
type Redactor struct {
	mu       sync.RWMutex
	known    map[string]struct{}
	order    []string // a ring of what is known, oldest at next
	next     int
	replacer *strings.Replacer // of what is known; nil: build it again
}

// Learn remembers the credentials that a request to the plugin carries. For
// known ones, the usual case, it takes a read lock and allocates nothing.
func (r *Redactor) Learn(request any) {
	m, ok := request.(interface{ GetCall() *pb.Call })
	if !ok {
		return
	}
	credentials := m.GetCall().GetAccount().GetCredentials()
	if len(credentials) == 0 || r.knowsAll(credentials) {
		return
	}
	for _, v := range credentials {
		r.add(v)
	}
}

func (r *Redactor) knowsAll(credentials map[string]string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, v := range credentials {
		if _, ok := r.known[v]; !ok && len(v) >= minSecret {
			return false
		}
	}
	return true
}

func (r *Redactor) add(v string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.known[v]; ok || len(v) < minSecret {
		return
	}
	if r.known == nil {
		r.known = make(map[string]struct{})
	}
	if len(r.order) < maxKnown {
		r.order = append(r.order, v)
	} else {
		delete(r.known, r.order[r.next])
		r.order[r.next] = v
		r.next = (r.next + 1) % maxKnown
	}
	r.known[v] = struct{}{}
	r.replacer = nil
}

// Text returns s with all secrets masked.
func (r *Redactor) Text(s string) string {
	return redact.Text(r.knownReplacer().Replace(s))
}

// attr returns the attribute masked wholly when its name is telling, and with
// the secrets in it masked otherwise. value came from JSON.
func (r *Redactor) attr(name string, value any) slog.Attr {
	if text, ok := value.(string); ok {
		return redact.Attr(slog.String(name, r.knownReplacer().Replace(text)))
	}
	a := redact.Attr(slog.Any(name, value))
	if raw, err := json.Marshal(a.Value.Any()); err == nil && strings.ContainsRune(string(raw), '"') {
		return slog.String(a.Key, r.knownReplacer().Replace(string(raw)))
	}
	return a
}

// maskedError shows an error without the secrets in its text.
type maskedError struct {
	text string
	err  error
}

func (e *maskedError) Error() string { return e.text }
func (e *maskedError) Unwrap() error { return e.err }

// maskError masks the secrets in err's text; nil stays nil.
func maskError(r *Redactor, err error) error {
	if err == nil {
		return nil
	}
	return &maskedError{text: r.Text(err.Error()), err: err}
}

func (r *Redactor) knownReplacer() *strings.Replacer {
	r.mu.RLock()
	replacer := r.replacer
	r.mu.RUnlock()
	if replacer != nil {
		return replacer
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replacer == nil {
		r.replacer = strings.NewReplacer(pairs(r.order)...)
	}
	return r.replacer
}

// pairs lists each secret in the forms in which it appears in text: plain,
// inside JSON, inside a URL.
func pairs(secrets []string) []string {
	var out []string
	for _, s := range secrets {
		out = append(out, s, secret.Mask)
		if quoted, err := json.Marshal(s); err == nil && string(quoted[1:len(quoted)-1]) != s {
			out = append(out, string(quoted[1:len(quoted)-1]), secret.Mask)
		}
		for _, escaped := range []string{url.QueryEscape(s), url.PathEscape(s)} {
			if escaped != s {
				out = append(out, escaped, secret.Mask)
			}
		}
	}
	return out
}
