package host_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"tradewind.example/host"
	"tradewind.example/sdk/provider"
)

// Install a plugin, call it, and end everything.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "tw")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()

	h, err := host.Open(ctx, host.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = h.Close(ctx) }()

	entry, err := h.Install(ctx, fakeBinary, host.InstallOptions{AcceptComputed: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := h.Plugin(entry.Name)
	if err != nil {
		fmt.Println(err)
		return
	}
	regions, err := p.Regions(ctx, provider.RegionsRequest{Call: provider.Call{
		Org: "acme", Account: provider.Account{ID: "a1", Settings: map[string]string{"echo": "north"}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(entry.Name, entry.Version, regions[0].ID)
	// Output: fake 1.0.0 north
}
