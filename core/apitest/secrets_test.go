package apitest

import (
	"bytes"
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
	n  counter
	mu sync.Mutex
	of map[string]string // value to whose it is
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
}

// found names the secrets that are in text.
func (s *secrets) found(text []byte) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for v, whose := range s.of {
		if bytes.Contains(text, []byte(v)) {
			out = append(out, whose)
		}
	}
	return out
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
