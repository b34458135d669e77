package catalog_test

import (
	"fmt"
	"testing"

	"tradewind.example/host/catalog"
)

// BenchmarkResolve looks a route up among full pins, as each call does.
func BenchmarkResolve(b *testing.B) {
	selection := catalog.Selection{Name: "fake", Active: "2.0.0"}
	for g := range 64 {
		pin := catalog.Pin{Group: fmt.Sprintf("g%d", g), Version: "1.0.0"}
		for o := range 64 {
			pin.Orgs = append(pin.Orgs, fmt.Sprintf("org-%d-%d", g, o))
		}
		selection.Pins = append(selection.Pins, pin)
	}
	c, err := catalog.Open(catalog.Config{
		Dir: b.TempDir(), Selections: []catalog.Selection{selection},
		Entries: []catalog.Entry{{Name: "fake", Version: "1.0.0", Path: "a", SHA256: hash}, {Name: "fake", Version: "2.0.0", Path: "b", SHA256: hash}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.Resolve("fake", "org-63-63", "org-none"); err != nil {
			b.Fatal(err)
		}
	}
}
