package pluginstore

import (
	"context"

	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// The kinds of tokens: a transaction's and an event's never meet.
const (
	tokenApply = "apply"
	tokenEvent = "event"
)

// Apply performs all writes or none, once per token.
func (a *Area) Apply(ctx context.Context, scope contract.Scope, t contract.Transaction) error {
	if err := t.Check(); err != nil {
		return err
	}
	// Outside the store's transaction, which may run more than once.
	values, err := a.seal(scope, t.Writes)
	if err != nil {
		return err
	}
	return a.s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if err := a.s.checkScope(tx, scope); err != nil {
			return err
		}
		known, err := a.claim(tx, scope, tokenApply, t.Token)
		if err != nil || known {
			return err
		}
		if err := a.expect(tx, scope, t.Expect); err != nil {
			return err
		}
		return a.write(tx, scope, t.Writes, values)
	})
}

// seal returns each write's value as it is stored.
func (a *Area) seal(scope contract.Scope, writes []contract.Write) ([][]byte, error) {
	out := make([][]byte, len(writes))
	for i, w := range writes {
		out[i] = w.Value
		if !w.Sealed || w.Delete {
			continue
		}
		var err error
		if out[i], err = a.s.cfg.Sealer.Seal(w.Value, a.sealContext(scope, w.Key)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// claim remembers a token and reports whether it was known. "" is never known.
func (a *Area) claim(tx store.Tx, scope contract.Scope, kind, token string) (known bool, err error) {
	if token == "" {
		return false, nil
	}
	at := store.Key(a.plugin, scope.RootOrg, kind, token)
	old, err := tx.Get(tokens, at)
	if err != nil || old != nil {
		return old != nil, err
	}
	if err := tx.Put(tokens, at, []byte{}); err != nil {
		return false, err
	}
	return false, tx.Put(ages, store.Key(a.s.cfg.Clock.Now(), a.plugin, scope.RootOrg, kind, token), at)
}

func (a *Area) expect(tx store.Tx, scope contract.Scope, all []contract.Expectation) error {
	for _, e := range all {
		raw, err := tx.Get(rows, a.key(scope, e.Key))
		if err != nil {
			return err
		}
		var now row
		if raw != nil {
			if now, err = decodeRow(raw); err != nil {
				return err
			}
		}
		if now.revision != e.Revision {
			return fault.Conflict("key %q has revision %d, not %d: read it again", e.Key, now.revision, e.Revision)
		}
	}
	return nil
}

// write changes the rows and what is known of the area's size.
func (a *Area) write(tx store.Tx, scope contract.Scope, writes []contract.Write, values [][]byte) error {
	if len(writes) == 0 {
		return nil
	}
	now, found, err := usages.Find(tx, a.plugin+"/"+scope.RootOrg)
	if err != nil {
		return err
	}
	before := now.Value
	u := before
	u.Plugin, u.RootOrg = a.plugin, scope.RootOrg
	for i, w := range writes {
		if err := a.writeRow(tx, scope, w, values[i], &u); err != nil {
			return err
		}
	}
	if err := a.s.checkQuota(before, u); err != nil {
		return err
	}
	if found {
		_, err = usages.Update(tx, u, now.Rev)
	} else {
		_, err = usages.Insert(tx, u)
	}
	return err
}

func (a *Area) writeRow(tx store.Tx, scope contract.Scope, w contract.Write, value []byte, u *Usage) error {
	at := a.key(scope, w.Key)
	old, err := tx.Get(rows, at)
	if err != nil {
		return err
	}
	if old != nil {
		u.Keys--
		u.Bytes -= sizeOf(w.Key, len(old)-rowHeader)
		if old[0] == flagSealed {
			if err := tx.Delete(sealed, at); err != nil {
				return err
			}
		}
	}
	if w.Delete {
		return tx.Delete(rows, at)
	}
	u.Keys++
	u.Bytes += sizeOf(w.Key, len(value))
	u.Revision++
	if w.Sealed {
		if err := tx.Put(sealed, at, []byte{}); err != nil {
			return err
		}
	}
	return tx.Put(rows, at, row{sealed: w.Sealed, revision: u.Revision, value: value}.encode())
}

func sizeOf(key string, value int) int64 { return int64(len(key) + value) }

// checkQuota refuses what makes a full area fuller; a full one may always shrink.
func (s *Service) checkQuota(before, after Usage) error {
	q := s.cfg.Quota
	if after.Keys > q.Keys && after.Keys > before.Keys {
		return fault.Quota("storage of plugin %q would hold %d keys of at most %d", after.Plugin, after.Keys, q.Keys)
	}
	if after.Bytes > q.Bytes && after.Bytes > before.Bytes {
		return fault.Quota("storage of plugin %q would hold %d bytes of at most %d", after.Plugin, after.Bytes, q.Bytes)
	}
	return nil
}
