package storetest

import (
	"testing"

	"tradewind.example/core/id"
	"tradewind.example/core/store"
)

// BenchmarkDocument measures one document with three indexes, inserted and then
// updated inside one transaction: the cost without the disk.
func BenchmarkDocument(b *testing.B) {
	st, c := Open(b), shelf()
	b.ReportAllocs()
	err := st.Update(b.Context(), func(tx store.Tx) error {
		for b.Loop() {
			v := item{ID: id.New(), Owner: "owner", Size: 3, Tags: []string{"x", "y"}}
			v.Code = v.ID
			d, err := c.Insert(tx, v)
			if err != nil {
				return err
			}
			d.Value.Size = 4
			if _, err := c.Update(tx, d.Value, d.Rev); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkGet measures one document read in a transaction of its own.
func BenchmarkGet(b *testing.B) {
	st, c := Open(b), shelf()
	err := st.Update(b.Context(), func(tx store.Tx) error {
		_, err := c.Insert(tx, item{ID: "one", Code: "code", Owner: "owner"})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		err := st.View(b.Context(), func(r store.Reader) error {
			_, err := c.Get(r, "one")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
