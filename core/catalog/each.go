package catalog

import "tradewind.example/core/store"

// EachPricedTx streams the first products of a root, by name, that have a list
// price of the catalogue, to rehearsals of prices. It looks at no more than
// most products and checks no rights.
func (s *Service) EachPricedTx(r store.Reader, root string, most int, fn func(Product) error) error {
	q := store.Query{Index: "name", Prefix: store.Key(root), Limit: most}
	return s.products.Each(r, q, func(d store.Doc[Product]) error {
		if d.Value.ListPrice == nil || d.Value.State != StateActive {
			return nil
		}
		return fn(d.Value)
	})
}
