package host

import (
	"context"
	"os"
	"testing"

	"tradewind.example/host/catalog"
	"tradewind.example/host/hosttest"
	"tradewind.example/host/session"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
	"tradewind.example/sdk/wire/client"
)

// BenchmarkCall compares a call through the door with the same call over the
// bare go-plugin connection of the same process.
func BenchmarkCall(b *testing.B) {
	binary, err := hosttest.Build(b.TempDir(), "fakeplugin")
	if err != nil {
		b.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tw") //nolint:usetesting // TempDir's paths are too long for sockets
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	h, err := Open(b.Context(), Config{Dir: dir, Dev: true, Plugins: []catalog.Entry{{Name: "fake", Path: binary}}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	if err := h.Start(b.Context(), "fake"); err != nil {
		b.Fatal(err)
	}
	p, err := h.Plugin("fake")
	if err != nil {
		b.Fatal(err)
	}
	s, _ := p.activeRun().supervisor.Current()
	req := provider.RegionsRequest{Call: provider.Call{Org: "o", Account: provider.Account{
		Credentials: map[string]secret.Value{"public": secret.New("AKID-123456"), "private": secret.New("private-123456")},
		Settings:    map[string]string{"echo": "x"},
	}}}
	for name, c := range map[string]*client.Client{"Door": p.Client, "Bare": client.New(s.(*session.Session).BareConn())} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Regions(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"Parallel", func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := c.Regions(context.Background(), req); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
