package id_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tradewind.example/core/id"
)

func TestNewIncreasesAndIsValid(t *testing.T) {
	t.Parallel()
	last := ""
	for i := range 10_000 {
		s := id.New()
		if i%2 == 1 {
			s = id.NewAt(time.Unix(1_700_000_000, 0)) // a clock that went back
		}
		if !id.Valid(s) || s <= last {
			t.Fatalf("%q after %q", s, last)
		}
		last = s
	}
}

// TestNewIsAUUID holds identifiers against another implementation.
func TestNewIsAUUID(t *testing.T) {
	t.Parallel()
	before := time.Now().Truncate(time.Millisecond)
	for range 1000 {
		u, err := uuid.Parse(id.New())
		if err != nil || u.Version() != 7 || u.Variant() != uuid.RFC4122 {
			t.Fatalf("%v, version %d, variant %v: %v", u, u.Version(), u.Variant(), err)
		}
		at := time.Unix(u.Time().UnixTime())
		if at.Before(before) || at.After(time.Now().Add(time.Second)) {
			t.Fatalf("%v tells the time %v", u, at)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		id.New()
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
