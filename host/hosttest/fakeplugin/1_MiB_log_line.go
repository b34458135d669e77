package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"tradewind.example/sdk"
	"tradewind.example/sdk/provider"
)

// longLogLine logs a line of 1 MiB in every call for regions, with a credential
// in its middle, and a short one after it.
func longLogLine() { sdk.Serve(&wordy{}) }

type wordy struct{ fake }

// Regions logs.
func (w *wordy) Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	half := strings.Repeat("x ", 256<<10)
	fmt.Fprintf(os.Stderr, `{"@level":"error","@message":"long %s %s %s"}`+"\n", req.Call.Account.Credentials["key"].Reveal(), half, half)
	sdk.Logger().WarnContext(ctx, "said after it")
	return w.fake.Regions(ctx, req)
}
