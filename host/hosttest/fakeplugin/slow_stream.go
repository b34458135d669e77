package main

import (
	"context"
	"strconv"
	"time"

	"tradewind.example/sdk"
	"tradewind.example/sdk/provider"
)

// slowStream lists offerings without end, one each millisecond.
func slowStream() { sdk.Serve(&slow{}) }

type slow struct{ fake }

// Offerings lists until nobody takes any more.
func (*slow) Offerings(_ context.Context, _ provider.OfferingsRequest, yield func(provider.Offering) error) error {
	ticks := time.NewTicker(time.Millisecond)
	defer ticks.Stop()
	for i := 0; ; i++ {
		<-ticks.C
		if err := yield(provider.Offering{ID: strconv.Itoa(i), Kind: "note", Type: "flavour", Name: "row"}); err != nil {
			sdk.Logger().Info("nobody reads any more")
			return err
		}
	}
}
