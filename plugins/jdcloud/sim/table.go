package sim

import (
	"encoding/json"
	"slices"
)

// table holds the rows of one kind in order of their keys and notes every
// change for the state file. Guarded by the Cloud's mutex.
type table[T any] struct {
	name string
	rows map[string]*T
	keys []string
	tx   *record
}

// store is the side of a table that the state file knows.
type store interface {
	title() string
	load(key string, raw json.RawMessage) error
	drop(key string)
	dump(each func(key string, row any) error) error
}

func newTable[T any](name string, tx *record) *table[T] {
	return &table[T]{name: name, rows: map[string]*T{}, tx: tx}
}

func (t *table[T]) title() string { return t.name }

func (t *table[T]) get(key string) *T { return t.rows[key] }

// put adds a row or notes that it changed.
func (t *table[T]) put(key string, row *T) {
	t.insert(key, row)
	t.tx.keep(t.name, key, row)
}

func (t *table[T]) insert(key string, row *T) {
	if _, ok := t.rows[key]; !ok {
		i, _ := slices.BinarySearch(t.keys, key)
		t.keys = slices.Insert(t.keys, i, key)
	}
	t.rows[key] = row
}

// drop removes a row; an unknown key is no change.
func (t *table[T]) drop(key string) {
	if _, ok := t.rows[key]; !ok {
		return
	}
	delete(t.rows, key)
	if i, ok := slices.BinarySearch(t.keys, key); ok {
		t.keys = slices.Delete(t.keys, i, i+1)
	}
	t.tx.gone(t.name, key)
}

// where returns the rows that pass, in order of their keys.
func (t *table[T]) where(pass func(*T) bool) []*T {
	out := []*T{}
	for _, k := range t.keys {
		if row := t.rows[k]; pass(row) {
			out = append(out, row)
		}
	}
	return out
}

func (t *table[T]) load(key string, raw json.RawMessage) error {
	row := new(T)
	if err := json.Unmarshal(raw, row); err != nil {
		return err
	}
	t.insert(key, row)
	return nil
}

func (t *table[T]) dump(each func(key string, row any) error) error {
	for _, k := range t.keys {
		if err := each(k, t.rows[k]); err != nil {
			return err
		}
	}
	return nil
}
