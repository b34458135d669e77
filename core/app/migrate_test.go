package app_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"tradewind.example/core/app"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/core/tenant"
)

// TestIDsOfCloudsMoveIntoTheirAccounts begins with a store of schema 1, in which
// an id was unique over all accounts of a provider.
func TestIDsOfCloudsMoveIntoTheirAccounts(t *testing.T) {
	t.Parallel()
	db, err := bolt.Open(bolt.Options{Path: filepath.Join(t.TempDir(), "store.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := store.Migrate(t.Context(), db, app.Migrations()[:1]); err != nil {
		t.Fatal(err)
	}
	before := store.NewCollection("resource", func(r *resource.Resource) string { return r.ID },
		store.Index[resource.Resource]{Name: "vendor", Unique: true, Keys: func(r *resource.Resource) [][]byte {
			return [][]byte{store.Key(r.ProviderID, r.Kind, r.VendorID)}
		}})
	stored := resource.Resource{ID: "r", OrgID: "o", Path: []string{"o"}, ProviderID: "p", AccountID: "a", Kind: "instance", VendorID: "vm-1"}
	err = db.Update(t.Context(), func(tx store.Tx) error {
		_, err := before.Insert(tx, stored)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start has nothing to do
		if err := store.Migrate(t.Context(), db, app.Migrations()); err != nil {
			t.Fatal(err)
		}
	}
	err = db.View(t.Context(), func(r store.Reader) error {
		for reason, c := range map[string]struct {
			key  []byte
			kept bool
		}{
			"the id is found in its account":  {store.Key("p", "instance", "vm-1", "a"), true},
			"and no longer over all accounts": {store.Key("p", "instance", "vm-1"), false},
		} {
			v, err := r.Get("resource/vendor", c.key)
			if err != nil || (v != nil) != c.kept {
				t.Errorf("%s: %q, %v", reason, v, err)
			}
		}
		d, err := before.Get(r, "r")
		if err != nil || d.Value.VendorID != "vm-1" {
			t.Errorf("the resource itself is kept: %+v, %v", d.Value, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestListsOfAnOldStoreAreSorted opens what was written before lists could be
// sorted by more than one key.
func TestListsOfAnOldStoreAreSorted(t *testing.T) {
	t.Parallel()
	db, err := bolt.Open(bolt.Options{Path: filepath.Join(t.TempDir(), "store.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := store.Migrate(t.Context(), db, app.Migrations()[:2]); err != nil {
		t.Fatal(err)
	}
	before := store.NewCollection("org", func(o *tenant.Org) string { return o.ID })
	err = db.Update(t.Context(), func(tx store.Tx) error {
		_, err := before.Insert(tx, tenant.Org{ID: "o", RootID: "r", Path: []string{"r", "o"}, Profile: tenant.Profile{Name: "Shop"}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context(), db, app.Migrations()); err != nil {
		t.Fatal(err)
	}
	err = db.View(t.Context(), func(r store.Reader) error {
		for index, prefix := range map[store.Bucket][]byte{
			"org/ancestor": store.Key("r", "shop"), "org/ancestor_created": store.Key("r", "o"), "org/parent_created": store.Key("r", "o"),
		} {
			found := 0
			err := r.Scan(index, store.PrefixOf(prefix).All(), func(_, _ []byte) error { found++; return nil })
			if err != nil || found != 1 {
				t.Errorf("%s has %d entries of the org, %v", index, found, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
