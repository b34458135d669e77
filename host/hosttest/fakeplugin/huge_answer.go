package main

import (
	"context"
	"strings"

	"tradewind.example/sdk"
	"tradewind.example/sdk/handshake"
	"tradewind.example/sdk/provider"
)

// hugeAnswer answers every request for regions with more than one message may hold.
func hugeAnswer() { sdk.Serve(&huge{}) }

type huge struct{ fake }

// Regions answers with too much.
func (*huge) Regions(context.Context, provider.RegionsRequest) ([]provider.Region, error) {
	return []provider.Region{{ID: "one", Name: strings.Repeat("n", 2*handshake.MaxMessageBytes)}}, nil
}
