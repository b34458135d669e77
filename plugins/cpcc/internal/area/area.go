// Package area keeps rows in one account's part of the broker's storage: typed
// documents, sealed secrets, and changes that are made once per token. It knows
// nothing of what the rows mean.
//
// The broker keeps plugins and root orgs apart; accounts are kept apart here, by
// what all keys begin with. An [Area] is immutable and safe for concurrent use;
// what is kept is the broker's, and another process may change it at any time.
package area

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Area is one account's rows.
type Area struct {
	store   provider.Storage
	scope   provider.Scope
	account string
	at      string
}

// Of is the area of call's account.
func Of(store provider.Storage, call provider.Call) Area {
	return Area{
		store: store, scope: provider.Scope{RootOrg: call.RootOrg}, account: call.Account.ID,
		at: "account/" + call.Account.ID + "/",
	}
}

// Scope is where events about the area's things belong.
func (a Area) Scope() provider.Scope { return a.scope }

// Account is whose area it is.
func (a Area) Account() string { return a.account }

// Row is a stored document with its revision, 0 for one that is not there.
type Row[T any] struct {
	Value    T
	Revision uint64
}

// IDOf is the id of what a token makes: a repeat finds it without an index. It
// is 21 characters of lower case letters and digits, and begins with a letter.
func IDOf(kind, token string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + token))
	text := strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
	return kind[:1] + text[:20]
}

// Table is the rows of one kind. Its name must not hold a slash.
type Table[T any] struct{ Name string }

// Key is where the row of an id is, within its area.
func (t Table[T]) Key(id string) string { return t.Name + "/" + id }

// Get reads one row; a missing one is a not_found fault.
func (t Table[T]) Get(ctx context.Context, a Area, id string) (Row[T], error) {
	var out Row[T]
	if id == "" || len(id) > maxID {
		return out, fault.NotFound(t.Name, id)
	}
	raw, revision, err := a.store.Get(ctx, a.scope, a.at+t.Key(id))
	if fault.Is(err, fault.ClassNotFound) {
		return out, fault.NotFound(t.Name, id)
	}
	if err != nil {
		return out, err
	}
	out.Revision = revision
	return out, decode(raw, &out.Value, t.Key(id))
}

// maxID bounds an id that somebody asks for.
const maxID = 128

// Find reads one row; a missing one has the revision 0.
func (t Table[T]) Find(ctx context.Context, a Area, id string) (Row[T], error) {
	row, err := t.Get(ctx, a, id)
	if fault.Is(err, fault.ClassNotFound) {
		return Row[T]{}, nil
	}
	return row, err
}

// Each yields the rows in the order of their ids and stops at yield's first error.
func (t Table[T]) Each(ctx context.Context, a Area, yield func(Row[T]) error) error {
	// "0" is the character after "/": the range is everything below the name.
	r := provider.KeyRange{From: a.at + t.Name + "/", To: a.at + t.Name + "0"}
	return a.store.Scan(ctx, a.scope, r, func(kv provider.KeyValue) error {
		row := Row[T]{Revision: kv.Revision}
		if err := decode(kv.Value, &row.Value, kv.Key); err != nil {
			return err
		}
		return yield(row)
	})
}

// All returns the rows for which keep is true, at most limit: more is a fault.
func (t Table[T]) All(ctx context.Context, a Area, limit int, keep func(T) bool) ([]Row[T], error) {
	var out []Row[T]
	err := t.Each(ctx, a, func(r Row[T]) error {
		if !keep(r.Value) {
			return nil
		}
		if len(out) == limit {
			return fault.Quota("there are more than %d of %s: ask for fewer", limit, t.Name)
		}
		out = append(out, r)
		return nil
	})
	return out, err
}

// Secret reads what was sealed for an id; a missing one is empty.
func (a Area) Secret(ctx context.Context, name, id string) (secret.Value, error) {
	raw, _, err := a.store.Get(ctx, a.scope, a.at+secretKey(name, id))
	if fault.Is(err, fault.ClassNotFound) {
		return secret.Value{}, nil
	}
	if err != nil {
		return secret.Value{}, err
	}
	return secret.New(string(raw)), nil
}

func secretKey(name, id string) string { return "sealed/" + name + "/" + id }

func decode(raw []byte, into any, key string) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return fault.Internal(err, "what is stored at %q cannot be read", key)
	}
	return nil
}
