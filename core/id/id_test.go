package id_test

import (
	"strings"
	"sync"
	"testing"

	"tradewind.example/core/id"
)

func TestNewIncreasesAndIsValid(t *testing.T) {
	t.Parallel()
	last := ""
	for range 10_000 {
		s := id.New()
		if !id.Valid(s) || s <= last {
			t.Fatalf("%q after %q", s, last)
		}
		last = s
	}
}

func TestNewIsUniqueAcrossGoroutines(t *testing.T) {
	t.Parallel()
	var seen sync.Map
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 2000 {
				if _, twice := seen.LoadOrStore(id.New(), true); twice {
					t.Error("the same identifier twice")
				}
			}
		})
	}
	group.Wait()
}

func TestValid(t *testing.T) {
	t.Parallel()
	good := "0190f5fe-7c00-7a3b-8d2e-0123456789ab"
	cases := map[string]struct {
		reason string
		text   string
		want   bool
	}{
		"Good":      {"version 7, lower case", good, true},
		"Upper":     {"one spelling only", strings.ToUpper(good), false},
		"Empty":     {"nothing is no identifier", "", false},
		"Short":     {"36 bytes", good[1:], false},
		"Long":      {"36 bytes", good + "0", false},
		"Version4":  {"another version", "0190f5fe-7c00-4a3b-8d2e-0123456789ab", false},
		"NoDash":    {"dashes in their places", "0190f5fe07c00-7a3b-8d2e-0123456789ab", false},
		"DashElse":  {"dashes only there", "0190f5fe-7c00-7a3b-8d2e-01234567-9ab", false},
		"Braces":    {"no other spelling", "{190f5fe-7c00-7a3b-8d2e-0123456789a}", false},
		"Injection": {"no other bytes", "0190f5fe-7c00-7a3b-8d2e-0123456789a/", false},
	}
	for name, tc := range cases {
		if got := id.Valid(tc.text); got != tc.want {
			t.Errorf("%s: %s: Valid(%q) = %v", name, tc.reason, tc.text, got)
		}
	}
}

func FuzzValid(f *testing.F) {
	f.Add(id.New())
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if id.Valid(s) && (len(s) != id.Len || strings.ToLower(s) != s) {
			t.Errorf("Valid(%q)", s)
		}
	})
}
