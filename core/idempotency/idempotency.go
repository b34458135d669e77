// Package idempotency remembers which request was made under which key, so
// that a repeated request gets the first one's answer and is not done twice.
//
// It keeps the key, a hash of the body and the id of the thing that the request
// made; it keeps no answers. The claim is part of the transaction of the
// change itself: either both are durable or neither is.
//
// A [Keys] is safe for concurrent use.
package idempotency

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"tradewind.example/core/store"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// MaxKey is the longest key in bytes.
const MaxKey = 200

// MinKeep is the shortest time for which a key is remembered.
const MinKeep = 7 * 24 * time.Hour

// trimBatch bounds how many keys one transaction forgets.
const trimBatch = 1000

const (
	keys store.Bucket = "idempotency"     // Key(org, operation, key) -> record
	ages store.Bucket = "idempotency/age" // Key(time, org, operation, key) -> the key in keys
)

// Scope is the space in which a key is unique.
type Scope struct {
	Org       string // whose key it is
	Operation string // "order.buy"
}

// Hash identifies a request body.
type Hash [sha256.Size]byte

// HashOf returns the hash of a request by its JSON form. Two requests that mean
// the same have the same hash when their types marshal the same way.
func HashOf(v any) (Hash, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return Hash{}, fault.Internal(err, "the request cannot be encoded")
	}
	return sha256.Sum256(body), nil
}

// Config is what Keys need.
type Config struct {
	Clock clock.Clock
	Keep  time.Duration // how long a key is remembered, at least MinKeep; 0: MinKeep
}

// Keys claims and finds idempotency keys.
type Keys struct {
	clock clock.Clock
	keep  time.Duration
}

// New returns Keys.
func New(cfg Config) (*Keys, error) {
	if cfg.Clock == nil {
		return nil, fmt.Errorf("idempotency: a clock is required")
	}
	if cfg.Keep == 0 {
		cfg.Keep = MinKeep
	}
	if cfg.Keep < MinKeep {
		return nil, fmt.Errorf("idempotency: keys must be kept for at least %s", MinKeep)
	}
	return &Keys{clock: cfg.Clock, keep: cfg.Keep}, nil
}

// CheckKey returns an invalid fault on the field "idempotency_key" unless key
// is 1 to MaxKey visible ASCII characters.
func CheckKey(key string) error {
	if field, ok := Problem(key); ok {
		return fault.InvalidFields([]fault.Field{field})
	}
	return nil
}

// Problem is CheckKey for callers that collect the problems of several fields.
func Problem(key string) (fault.Field, bool) {
	const path = "idempotency_key"
	if key == "" {
		return fault.Field{Path: path, Message: "is required: send a fresh value for each new request and the same one on a repeat"}, true
	}
	if len(key) > MaxKey {
		return fault.Field{Path: path, Message: fmt.Sprintf("must have at most %d characters", MaxKey)}, true
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return fault.Field{Path: path, Message: "must consist of visible ASCII characters"}, true
		}
	}
	return fault.Field{}, false
}

// Find returns what an earlier request with this key made. The same key with
// another body is a conflict.
func (k *Keys) Find(r store.Reader, s Scope, key string, body Hash) (ref string, found bool, err error) {
	if err := CheckKey(key); err != nil {
		return "", false, err
	}
	raw, err := r.Get(keys, store.Key(s.Org, s.Operation, key))
	if err != nil || raw == nil {
		return "", false, err
	}
	rec, err := decode(raw)
	if err != nil {
		return "", false, err
	}
	if rec.body != body {
		return "", false, fault.Conflict("idempotency key %q was used for another request: send a fresh key", key)
	}
	return rec.ref, true, nil
}

// Claim is Find that takes the key when it is free; the caller then makes its
// thing and calls [Keys.Bind] in the same transaction.
func (k *Keys) Claim(tx store.Tx, s Scope, key string, body Hash) (ref string, replay bool, err error) {
	ref, replay, err = k.Find(tx, s, key, body)
	if err != nil || replay {
		return ref, replay, err
	}
	return "", false, k.Take(tx, s, key, body, "")
}

// Take takes a key that Find has just found free in the same transaction, for
// the thing that ref names.
func (k *Keys) Take(tx store.Tx, s Scope, key string, body Hash, ref string) error {
	rec := record{body: body, at: k.clock.Now(), ref: ref}
	at := store.Key(s.Org, s.Operation, key)
	if err := tx.Put(keys, at, rec.encode()); err != nil {
		return err
	}
	return tx.Put(ages, store.Key(rec.at, s.Org, s.Operation, key), at)
}

// Once claims the key for a change of something that exists: ref is its id and
// in the request. It reports whether the same request was made before, and then
// the change must not be made again. An empty key claims nothing: only requests
// from outside have one.
func (k *Keys) Once(tx store.Tx, s Scope, key string, in any, ref string) (replay bool, err error) {
	if key == "" {
		return false, nil
	}
	body, err := HashOf(in)
	if err != nil {
		return false, err
	}
	if _, replay, err = k.Claim(tx, s, key, body); err != nil || replay {
		return replay, err
	}
	return false, k.Bind(tx, s, key, ref)
}

// Bind names the thing that the claimed request made.
func (k *Keys) Bind(tx store.Tx, s Scope, key, ref string) error {
	at := store.Key(s.Org, s.Operation, key)
	raw, err := tx.Get(keys, at)
	if err != nil {
		return err
	}
	if raw == nil {
		return fault.Internal(nil, "idempotency key %q is bound but was not claimed", key)
	}
	rec, err := decode(raw)
	if err != nil {
		return err
	}
	rec.ref = ref
	return tx.Put(keys, at, rec.encode())
}
