package sim

import (
	"encoding/json"
	"slices"
)

// table holds the rows of one kind in order of creation. It is guarded by the
// Cloud's mutex.
type table[T any] struct {
	kind string
	rows map[string]*T
	ids  []string
}

func newTable[T any](kind string) *table[T] {
	return &table[T]{kind: kind, rows: map[string]*T{}}
}

func (t *table[T]) get(id string) *T { return t.rows[id] }

// all returns the rows that pass, oldest first.
func (t *table[T]) all(keep func(*T) bool) []*T {
	var out []*T
	for _, id := range t.ids {
		if v := t.rows[id]; keep(v) {
			out = append(out, v)
		}
	}
	return out
}

func (t *table[T]) put(id string, v *T) {
	if t.rows[id] == nil {
		t.ids = append(t.ids, id)
	}
	t.rows[id] = v
}

func (t *table[T]) drop(id string) {
	if t.rows[id] == nil {
		return
	}
	delete(t.rows, id)
	i := slices.Index(t.ids, id)
	t.ids = slices.Delete(t.ids, i, i+1)
}

// load takes a row of the state file; no value means that the row is gone.
func (t *table[T]) load(id string, raw json.RawMessage) error {
	if len(raw) == 0 {
		t.drop(id)
		return nil
	}
	v := new(T)
	if err := json.Unmarshal(raw, v); err != nil {
		return err
	}
	t.put(id, v)
	return nil
}

func (t *table[T]) dump(emit func(row) error) error {
	for _, id := range t.ids {
		if err := emit(row{Kind: t.kind, ID: id, Value: t.rows[id]}); err != nil {
			return err
		}
	}
	return nil
}

// stored is what the state file needs of a table.
type stored interface {
	load(id string, raw json.RawMessage) error
	dump(emit func(row) error) error
}

// row is one row that a call changed; without a value it is gone.
type row struct {
	Kind  string `json:"k"`
	ID    string `json:"i"`
	Value any    `json:"v,omitempty"`
}

// keep puts a row and notes it for the state file.
func keep[T any](c *Cloud, t *table[T], id string, v *T) {
	t.put(id, v)
	c.tx = append(c.tx, row{Kind: t.kind, ID: id, Value: v})
}

// forget drops a row and notes it for the state file.
func forget[T any](c *Cloud, t *table[T], id string) {
	t.drop(id)
	c.tx = append(c.tx, row{Kind: t.kind, ID: id})
}
