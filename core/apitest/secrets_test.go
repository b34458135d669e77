package apitest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// brand is part of every secret that the tests make up, so that even a part of
// one is found.
const brand = "Zq9secretZq9"

// secrets are what must never be seen again.
type secrets struct {
	n            counter
	mu           sync.Mutex
	of           map[string]string // value to whose it is
	plain, forms *forms            // of all values, as they are and in any form; nil when they must be made anew
}

func newSecrets() *secrets { return &secrets{of: map[string]string{brand: "a secret of a request"}} }

func (s *secrets) password(whose string) string   { return s.fresh("password of " + whose) }
func (s *secrets) credential(whose string) string { return s.fresh(whose) }

func (s *secrets) fresh(whose string) string {
	v := fmt.Sprintf("%s-%06d", brand, s.n.next())
	s.plant(whose, v)
	return v
}

func (s *secrets) plant(whose, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of[value] = whose
	s.plain, s.forms = nil, nil
}

// encoded adds the forms in which a secret may stand in a file or a log.
func encoded(value string) [][]byte {
	out := [][]byte{[]byte(value), []byte(hex.EncodeToString([]byte(value)))}
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString(append(make([]byte, shift), value...))
		out = append(out, []byte(text[4:len(text)-4])) // without the parts that depend on what stands beside it
	}
	return out
}

// stored names the secrets that are in a file or a log, in any form.
func (s *secrets) stored(text []byte) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forms == nil {
		s.forms = newForms()
		for v, whose := range s.of {
			for _, form := range encoded(v) {
				s.forms.add(form, whose)
			}
		}
	}
	return s.forms.in(text)
}

// found names the secrets that are in text.
func (s *secrets) found(text []byte) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plain == nil {
		s.plain = newForms()
		for v, whose := range s.of {
			s.plain.add([]byte(v), whose)
		}
	}
	return s.plain.in(text)
}

// inspect fails the test when an answer holds a secret.
func (s *secrets) inspect(t testing.TB, r request, a answer) {
	t.Helper()
	shown := r.method == http.MethodPost && (r.path == "/v1/sessions" || r.path == "/v1/tokens") && a.status == http.StatusCreated
	if r.path == "/v1/backup" && a.status == http.StatusOK {
		shown = true // it holds the whole store, which is searched by itself
	}
	if shown {
		return
	}
	var head bytes.Buffer
	if err := a.header.Write(&head); err != nil {
		t.Fatal(err)
	}
	for _, whose := range append(s.found(a.body), s.found(head.Bytes())...) {
		t.Errorf("%s %.200s: the answer holds %s: %.2000s", r.method, r.path, whose, a.body)
	}
}

// TestSecretsWouldBeFound proves that the search finds what it looks for.
func TestSecretsWouldBeFound(t *testing.T) {
	t.Parallel()
	s := newSecrets()
	secret := s.fresh("somebody")
	for reason, text := range map[string]string{
		"as it is": "x" + secret + "x", "in hex": hex.EncodeToString([]byte("a" + secret)),
		"in base64":       base64.StdEncoding.EncodeToString([]byte(secret)),
		"in base64 by 1":  base64.StdEncoding.EncodeToString([]byte("a" + secret + "bc")),
		"in base64 by 2":  base64.RawStdEncoding.EncodeToString([]byte("ab" + secret)),
		"a part, by name": "the " + brand,
	} {
		if len(s.stored([]byte(text))) == 0 {
			t.Errorf("a secret %s is not found", reason)
		}
	}
	if found := s.stored([]byte("nothing")); len(found) != 0 {
		t.Errorf("found %v in nothing", found)
	}
}
