package area

import (
	"context"
	"encoding/json"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Change is one transaction under construction: all of it is made, or nothing.
// It is used by one goroutine. The zero value is empty.
type Change struct {
	t   provider.Transaction
	err error
}

// Once makes the change happen once for a token: a repeat succeeds and changes
// nothing. purpose keeps the changes of one token apart.
func (c *Change) Once(purpose, token string) { c.t.Token = purpose + "/" + token }

// Expect lets the change be made only while the key has the revision.
func (c *Change) Expect(key string, revision uint64) {
	c.t.Expect = append(c.t.Expect, provider.Expectation{Key: key, Revision: revision})
}

// Put writes a document.
func (c *Change) Put(key string, v any) {
	raw, err := json.Marshal(v)
	if err != nil && c.err == nil {
		c.err = fault.Internal(err, "%T cannot be encoded", v)
	}
	c.t.Writes = append(c.t.Writes, provider.Write{Key: key, Value: raw})
}

// Replace writes a document in the place of what was read.
func (c *Change) Replace(key string, revision uint64, v any) {
	c.Expect(key, revision)
	c.Put(key, v)
}

// Seal writes a secret, encrypted by the broker. An empty one writes nothing.
func (c *Change) Seal(name, id string, v secret.Value) {
	if !v.IsZero() {
		c.t.Writes = append(c.t.Writes, provider.Write{Key: secretKey(name, id), Value: []byte(v.Reveal()), Sealed: true})
	}
}

// Delete removes a key.
func (c *Change) Delete(key string) {
	c.t.Writes = append(c.t.Writes, provider.Write{Key: key, Delete: true})
}

// Forget removes a secret.
func (c *Change) Forget(name, id string) { c.Delete(secretKey(name, id)) }

// Apply makes the change. It is a conflict fault when an expectation does not
// hold; nothing is changed then.
func (a Area) Apply(ctx context.Context, c Change) error {
	if c.err != nil {
		return c.err
	}
	t := provider.Transaction{}
	if c.t.Token != "" {
		t.Token = a.at + c.t.Token
	}
	for _, e := range c.t.Expect {
		e.Key = a.at + e.Key
		t.Expect = append(t.Expect, e)
	}
	for _, w := range c.t.Writes {
		w.Key = a.at + w.Key
		t.Writes = append(t.Writes, w)
	}
	return a.store.Apply(ctx, a.scope, t)
}

// mostTries is how often a change is made again that others were faster than.
// Somebody wins each round, so it bounds how many can be ahead of one caller.
const mostTries = 1000

// Try reads and changes until nobody was faster: plan reads what it needs and
// returns the change. plan's own errors end it.
func (a Area) Try(ctx context.Context, plan func() (Change, error)) error {
	for range mostTries {
		c, err := plan()
		if err != nil {
			return err
		}
		if err = a.Apply(ctx, c); !fault.Is(err, fault.ClassConflict) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return fault.Unavailable("too many are changing the same things: try again")
}
