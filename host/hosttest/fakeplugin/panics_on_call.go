package main

import (
	"context"

	"tradewind.example/sdk"
	"tradewind.example/sdk/provider"
)

// panicsOnCall panics in a read and in a create.
func panicsOnCall() { sdk.Serve(&panicking{}) }

type panicking struct{ fake }

// Regions panics.
func (*panicking) Regions(context.Context, provider.RegionsRequest) ([]provider.Region, error) {
	var none []provider.Region
	return none[:1], nil
}

// Kinds offers notes whose creation panics.
func (*panicking) Kinds() []*provider.Kind {
	return []*provider.Kind{provider.KindOf[note, note]("note", "Note", panickingNotes{})}
}

type panickingNotes struct{}

// Create panics.
func (panickingNotes) Create(context.Context, provider.TypedCreate[note]) (provider.Result[note], error) {
	panic("lost in the middle of a create")
}
