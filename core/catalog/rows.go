package catalog

import (
	"strings"

	"tradewind.example/core/store"
)

func newProducts() *store.Collection[Product] {
	return store.NewCollection("product", func(p *Product) string { return p.ID },
		store.Index[Product]{Name: "vendor_id", Unique: true, Keys: func(p *Product) [][]byte {
			return [][]byte{store.Key(p.ProviderID, p.VendorID)}
		}},
		store.Index[Product]{Name: "name", Keys: func(p *Product) [][]byte {
			return [][]byte{store.Key(p.RootID, fold(p.Name))}
		}},
		store.Index[Product]{Name: "kind", Keys: func(p *Product) [][]byte {
			return [][]byte{store.Key(p.ProviderID, p.Kind, fold(p.Name))}
		}},
		store.Index[Product]{Name: "provider", Keys: func(p *Product) [][]byte {
			return [][]byte{store.Key(p.ProviderID, fold(p.Name))}
		}},
		store.Index[Product]{Name: "created", Keys: func(p *Product) [][]byte {
			return [][]byte{store.Key(p.RootID, p.Created)}
		}})
}

// Reindex writes the indexes of all products anew, for a migration.
func Reindex(tx store.Tx) error { return newProducts().Reindex(tx) }

func newReports() *store.Collection[SyncReport] {
	return store.NewCollection("catalog_sync", func(r *SyncReport) string { return r.ProviderID })
}

// fold is the spelling that names are sorted and searched by.
func fold(s string) string { return strings.ToLower(s) }

// beginning is the prefix of all keys whose last text part begins so: the
// part's terminator is cut off.
func beginning(parts ...any) []byte {
	k := store.Key(parts...)
	return k[:len(k)-2]
}
