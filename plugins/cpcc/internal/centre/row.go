package centre

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/sdk/fault"
)

// insert makes a row, once per token. make returns the document and adds what
// else the change writes; it may be called more than once.
func insert[T any](ctx context.Context, b Book, t area.Table[T], id, token string, make func(*area.Change) (T, error)) (T, error) {
	if token == "" {
		var zero T
		return zero, fault.Invalid("token", "a create needs a token")
	}
	old, err := t.Find(ctx, b.Area, id)
	if err != nil || old.Revision != 0 {
		return old.Value, err
	}
	err = b.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		if now, err := t.Find(ctx, b.Area, id); err != nil || now.Revision != 0 {
			return c, err // somebody with the same token was faster
		}
		v, err := make(&c)
		if err != nil {
			return c, err
		}
		c.Once("create-"+t.Name, token)
		c.Replace(t.Key(id), 0, v)
		return c, nil
	})
	if err != nil {
		return old.Value, err
	}
	made, err := t.Get(ctx, b.Area, id)
	if fault.Is(err, fault.ClassNotFound) {
		return made.Value, fault.Precondition("what this token made was removed since")
	}
	return made.Value, err
}

// edit changes a row as it is when nobody is faster.
func edit[T any](ctx context.Context, b Book, t area.Table[T], id string, change func(*area.Change, *T) error) (T, error) {
	var out T
	err := b.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		row, err := t.Get(ctx, b.Area, id)
		if err != nil {
			return c, err
		}
		out = row.Value
		if err := change(&c, &out); err != nil {
			return c, err
		}
		c.Replace(t.Key(id), row.Revision, out)
		return c, nil
	})
	return out, err
}

// remove deletes a row that may go; one that is gone already is fine.
func remove[T any](ctx context.Context, b Book, t area.Table[T], id string, may func(*area.Change, T) error) error {
	return b.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		row, err := t.Find(ctx, b.Area, id)
		if err != nil || row.Revision == 0 {
			return c, err
		}
		if err := may(&c, row.Value); err != nil {
			return c, err
		}
		c.Expect(t.Key(id), row.Revision)
		c.Delete(t.Key(id))
		return c, nil
	})
}
