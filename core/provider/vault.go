package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"

	"tradewind.example/core/store"
)

// openKey names one sealed text: a row keeps it for the life of a revision.
type openKey struct {
	id  string
	rev uint64
}

// sealContext binds a sealed text to its enablement, so that it cannot be moved
// to another row.
func sealContext(enablementID string) []byte { return []byte("enablement/" + enablementID) }

func (s *Service) seal(enablementID string, credentials map[string]secret.Value) ([]byte, error) {
	plain := make(map[string]string, len(credentials))
	for name, v := range credentials {
		plain[name] = v.Reveal()
	}
	raw, err := json.Marshal(plain)
	if err != nil {
		return nil, fault.Internal(err, "the credentials cannot be encoded")
	}
	sealed, err := s.Sealer.Seal(raw, sealContext(enablementID))
	if err != nil {
		return nil, fault.Internal(err, "the credentials cannot be sealed")
	}
	return sealed, nil
}

func (s *Service) unseal(enablementID string, sealed []byte) (map[string]secret.Value, error) {
	raw, err := s.Sealer.Open(sealed, sealContext(enablementID))
	if err != nil {
		return nil, fault.Internal(err, "the credentials of enablement %q cannot be opened: is it the right keyset file?", enablementID)
	}
	var plain map[string]string
	if json.Unmarshal(raw, &plain) != nil {
		// The decoder's error is dropped: it could quote a credential.
		return nil, fault.Internal(nil, "the credentials of enablement %q cannot be read", enablementID)
	}
	out := make(map[string]secret.Value, len(plain))
	for name, v := range plain {
		out[name] = secret.New(v)
	}
	return out, nil
}

// credentials returns the checked credentials of an account from memory, or
// opens them. The map is shared: copy before giving it out.
func (s *Service) credentials(a *account) (map[string]secret.Value, error) {
	key := openKey{id: a.ID, rev: a.Rev}
	if v, ok := s.opened.Get(key, 0); ok {
		return v, nil
	}
	v, err := s.unseal(a.ID, a.Sealed)
	if err == nil {
		s.opened.Put(key, 0, v)
	}
	return v, err
}

const resealBatch = 100

// Reseal seals every stored credential again that is not under the sealer's
// present primary key, and returns how many enablements it rewrote. It is for
// key rotation; repeating it does no harm.
func (s *Service) Reseal(ctx context.Context) (int, error) {
	total, cursor := 0, ""
	for {
		n, next, err := s.resealPage(ctx, cursor)
		if total += n; err != nil || next == "" {
			s.opened.Clear()
			return total, err
		}
		cursor = next
	}
}

func (s *Service) resealPage(ctx context.Context, cursor string) (n int, next string, err error) {
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		page, err := s.rows.enablements.List(tx, store.Query{Cursor: cursor, Limit: resealBatch})
		if err != nil {
			return err
		}
		next, n = page.Next, 0
		for _, d := range page.Items {
			changed, err := s.resealRow(tx, d)
			if err != nil {
				return err
			}
			if changed {
				n++
			}
		}
		if n == 0 {
			return nil
		}
		return s.rows.table.Touch(tx)
	})
	return n, next, err
}

func (s *Service) resealRow(tx store.Tx, d store.Doc[account]) (bool, error) {
	rewrite := false
	for _, text := range []*[]byte{&d.Value.Sealed, &d.Value.Candidate} {
		if *text == nil {
			continue
		}
		fresh, changed, err := s.Sealer.Reseal(*text, sealContext(d.Value.ID))
		if err != nil {
			return false, fmt.Errorf("sealing the credentials of enablement %q again: %w", d.Value.ID, err)
		}
		*text, rewrite = fresh, rewrite || changed
	}
	if !rewrite {
		return false, nil
	}
	_, err := s.rows.enablements.Update(tx, d.Value, d.Rev)
	return true, err
}

// scrub removes the values of credentials from what a plugin said: a careless
// cloud repeats them.
func scrub(text string, credentials map[string]secret.Value) string {
	for _, v := range credentials {
		if plain := v.Reveal(); len(plain) >= 4 {
			text = strings.ReplaceAll(text, plain, secret.Mask)
		}
	}
	return text
}

func scrubAll(texts []string, credentials map[string]secret.Value) []string {
	out := slices.Clone(texts)
	for i := range out {
		out[i] = scrub(out[i], credentials)
	}
	return out
}

// scrubError keeps the class and drops the cause, whose text nobody vouches for.
func scrubError(err error, credentials map[string]secret.Value) error {
	var e *fault.Error
	if !errors.As(err, &e) {
		return fault.Unavailable("the plugin could not check the account")
	}
	return &fault.Error{
		Class: e.Class, Source: e.Source, Outcome: e.Outcome, RetryAfter: e.RetryAfter,
		Message: scrub(e.Message, credentials), CloudCode: scrub(e.CloudCode, credentials), RequestID: e.RequestID,
	}
}
