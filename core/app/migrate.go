package app

import (
	"context"

	"tradewind.example/core/access"
	"tradewind.example/core/catalog"
	"tradewind.example/core/ledger"
	"tradewind.example/core/protocol"
	"tradewind.example/core/provider"
	"tradewind.example/core/resource"
	"tradewind.example/core/settlement"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// Migrations are the schema's steps, oldest first. Steps are appended, never
// changed: each has run somewhere.
func Migrations() []store.Migration {
	return []store.Migration{
		{Version: 1, Name: "first schema", Run: func(store.Tx) error { return nil }},
		{Version: 2, Name: "ids of clouds are unique in an account", Run: resource.Reindex},
		{Version: 3, Name: "lists can be sorted by more", Run: reindex},
	}
}

func reindex(tx store.Tx) error {
	for _, index := range []func(store.Tx) error{
		tenant.Reindex, provider.Reindex, catalog.Reindex, protocol.Reindex, resource.Reindex, settlement.Reindex, ledger.ReindexWallets,
	} {
		if err := index(tx); err != nil {
			return err
		}
	}
	return nil
}

func migrate(ctx context.Context, st store.Store) error { return store.Migrate(ctx, st, Migrations()) }

func system(root string) access.Caller { return access.System(root) }
