package main

import (
	"context"

	"tradewind.example/sdk"
	"tradewind.example/sdk/provider"
)

// differentManifest says at run time that it can be configured in another way
// than its manifest says.
func differentManifest() { sdk.Serve(&different{}) }

type different struct{ fake }

// Describe tells of a currency that the manifest does not have.
func (d *different) Describe(ctx context.Context) (provider.Description, error) {
	desc, err := d.fake.Describe(ctx)
	desc.Currency = "EUR"
	return desc, err
}
