package main

import (
	"context"

	"tradewind.example/sdk/provider"
)

// deprecating is going to take a field of its config away.
type deprecating struct{ fake }

type oldConfig struct {
	Project string `json:"project" title:"Project" deprecated:"Use workspace."`
}

// Describe says which one.
func (d *deprecating) Describe(ctx context.Context) (provider.Description, error) {
	desc, err := d.fake.Describe(ctx)
	if err != nil {
		return desc, err
	}
	desc.Config, err = provider.ConfigSchema[oldConfig]()
	return desc, err
}
