package resource

import (
	"context"
	"fmt"
	"slices"

	"tradewind.example/core/store"
)

// followBatch bounds the resources of one transaction of [Service.Follow].
const followBatch = 200

// Follow puts the resources of a moved org, and of all below it, under the
// sellers that it has now, so that these find them in their lists. path tells
// where an org stands. It may be stopped at any point and called again.
func (s *Service) Follow(ctx context.Context, org string, path func(r store.Reader, org string) ([]string, error)) error {
	cursor := ""
	for {
		var page store.Page[Resource]
		err := s.cfg.Store.Update(ctx, func(tx store.Tx) (err error) {
			q := store.Query{Index: "path", Prefix: store.Key(org), Cursor: cursor, Limit: followBatch}
			if page, err = s.resources.List(tx, q); err != nil {
				return err
			}
			for _, d := range page.Items {
				now, err := path(tx, d.Value.OrgID)
				if err != nil {
					return err
				}
				if slices.Equal(now, d.Value.Path) {
					continue
				}
				v := d.Value
				v.Path = slices.Clone(now)
				if err := s.UpdateTx(tx, v, d.Rev); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("moving the resources of org %q: %w", org, err)
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}
