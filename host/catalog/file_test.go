package catalog

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzFile: a file is refused with a reason, or makes records that are sound and
// are written in a form that makes the same ones again.
func FuzzFile(f *testing.F) {
	hash := strings.Repeat("ab", 32)
	f.Add(`{"plugins":[{"name":"one","version":"1","path":"one","sha256":"` + hash + `"}]}`)
	f.Add("plugins:\n  - {name: one, version: 1.0.0, path: a, sha256: " + hash + "}\n  - {name: one, version: 2.0.0, path: b, sha256: " + hash +
		", disabled: true}\nselections:\n  - {name: one, active: 2.0.0, previous: 1.0.0, revision: 7, " +
		"pins: [{group: g, orgs: [o, p], version: 1.0.0, isolated: true}], changes: [{revision: 7, time: 2026-03-01T12:00:00Z, what: x}]}\n")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseFile("fuzz.yaml", []byte(text))
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("unclassified error %v", err)
			}
			return
		}
		records, err := parsed.records(false)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("unclassified error %v", err)
			}
			return
		}
		for _, r := range records {
			again := roundTrip(t, r)
			ignore := cmpopts.IgnoreFields(Selection{}, "Source")
			if diff := cmp.Diff(r.selection, again.selection, cmpopts.EquateEmpty(), ignore); diff != "" {
				t.Errorf("(-read +read again):\n%s", diff)
			}
			if diff := cmp.Diff(r.entries, again.entries, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Entry{}, "Source")); diff != "" {
				t.Errorf("(-read +read again):\n%s", diff)
			}
			if r.active.entry == nil || r.active.entry.Version != r.selection.Active {
				t.Errorf("active is %+v of %q", r.active.entry, r.selection.Active)
			}
		}
	})
}

func roundTrip(t *testing.T, r *record) *record {
	t.Helper()
	raw, err := r.file().encode()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parseFile(installedFile(r.selection.Name), raw)
	if err != nil {
		t.Fatalf("what was written cannot be read: %v\n%s", err, raw)
	}
	records, err := parsed.records(false)
	if err != nil || len(records) != 1 {
		t.Fatalf("what was written cannot be used: %v\n%s", err, raw)
	}
	return records[0]
}
