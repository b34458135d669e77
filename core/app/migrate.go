package app

import (
	"context"

	"tradewind.example/core/access"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
)

// Migrations are the schema's steps, oldest first. Steps are appended, never
// changed: each has run somewhere.
func Migrations() []store.Migration {
	return []store.Migration{
		{Version: 1, Name: "first schema", Run: func(store.Tx) error { return nil }},
		{Version: 2, Name: "ids of clouds are unique in an account", Run: resource.Reindex},
	}
}

func migrate(ctx context.Context, st store.Store) error { return store.Migrate(ctx, st, Migrations()) }

func system(root string) access.Caller { return access.System(root) }
