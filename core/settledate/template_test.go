package settledate

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones under test do not depend on the machine

	"pgregory.net/rapid"

	"tradewind.example/sdk/fault"
)

func zones() []string {
	return []string{
		"UTC", "Asia/Shanghai", "America/New_York", "America/Sao_Paulo", "America/St_Johns", "America/Havana",
		"Europe/London", "Europe/Lisbon", "Atlantic/Azores", "Africa/Cairo", "Asia/Beirut", "Asia/Tehran",
		"Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Chatham",
		"America/Asuncion", "Asia/Amman", "Antarctica/Troll",
	}
}

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"daily", "weekly:1", "weekly:7", "monthly:1", "monthly:28", "monthly:31"} {
		got, err := Parse(good)
		if err != nil || got.String() != good {
			t.Errorf("Parse(%q) = %v, %v", good, got, err)
		}
	}
	if got, err := Parse("monthly:last"); err != nil || got.String() != "monthly:31" {
		t.Errorf("monthly:last is %v, %v", got, err)
	}
	for _, bad := range []string{"", "daily:1", "weekly", "weekly:0", "weekly:8", "weekly:01", "monthly:32", "monthly:0", "monthly:-1", "monthly:+1", "yearly", "monthly:1 "} {
		if _, err := Parse(bad); !fault.Is(err, fault.ClassInvalid) {
			t.Errorf("Parse(%q): %v, want invalid", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("monthly:last")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := Parse(s); err == nil && got.String() != s && s != "monthly:last" {
			t.Errorf("%q is read as %q", s, got)
		}
	})
}

func TestNext(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ reason, template, zone, at, next string }{
		"Shanghai":            {"midnight there is 16:00 UTC", "daily", "Asia/Shanghai", "2026-03-01T15:59:59Z", "2026-03-01T16:00:00Z"},
		"AtTheInstant":        {"the due instant itself belongs to the next period", "daily", "Asia/Shanghai", "2026-03-01T16:00:00Z", "2026-03-02T16:00:00Z"},
		"SpringForward":       {"a day of 23 hours", "daily", "America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"},
		"FallBack":            {"a day of 25 hours", "daily", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
		"NoMidnight":          {"midnight does not exist: the day begins at one", "daily", "Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z"},
		"SkippedDay":          {"30 December 2011 did not happen in Samoa", "daily", "Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-30T10:00:00Z"},
		"AfterTheSkipped":     {"and the day after is a whole one", "daily", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
		"Weekly":              {"the next Monday", "weekly:1", "UTC", "2026-03-03T00:00:00Z", "2026-03-09T00:00:00Z"},
		"Sunday":              {"7 is Sunday", "weekly:7", "UTC", "2026-03-03T00:00:00Z", "2026-03-08T00:00:00Z"},
		"Monthly":             {"the first of the next month", "monthly:1", "Asia/Shanghai", "2026-03-05T00:00:00Z", "2026-03-31T16:00:00Z"},
		"LastOfFebruary":      {"the last day of a short month", "monthly:last", "UTC", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"},
		"ThirtiethOfFebruary": {"a short month settles on its last day", "monthly:30", "UTC", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"},
		"ThirtiethOfMarch":    {"a long month on the day itself", "monthly:30", "UTC", "2026-03-01T00:00:00Z", "2026-03-30T00:00:00Z"},
		"LeapYear":            {"the last day of a leap February", "monthly:last", "UTC", "2028-02-01T00:00:00Z", "2028-02-29T00:00:00Z"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template, err := Parse(tc.template)
			if err != nil {
				t.Fatal(err)
			}
			at, _ := time.Parse(time.RFC3339, tc.at)
			got := template.Next(at, zone(t, tc.zone)).Format(time.RFC3339)
			if got != tc.next {
				t.Errorf("%s: next after %s is %s, want %s", tc.reason, tc.at, got, tc.next)
			}
		})
	}
}

// TestEachInstantHasOnePeriod: periods are half-open, follow each other without
// gap or overlap, and hold the instant they were asked for, in any zone.
func TestEachInstantHasOnePeriod(t *testing.T) {
	t.Parallel()
	templates := []string{"daily", "weekly:1", "weekly:4", "monthly:1", "monthly:29", "monthly:30", "monthly:last"}
	rapid.Check(t, func(t *rapid.T) {
		loc := zone(t, rapid.SampledFrom(zones()).Draw(t, "zone"))
		template, err := Parse(rapid.SampledFrom(templates).Draw(t, "template"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(0, 2_000_000_000).Draw(t, "at"), 0).UTC()
		from, to := template.Previous(at, loc), template.Next(at, loc)
		if from.After(at) || !to.After(at) {
			t.Fatalf("%s is not within %s .. %s", at, from, to)
		}
		if got := template.Next(from, loc); !got.Equal(to) {
			t.Fatalf("the period from %s ends at %s, and at %s when asked for %s", from, got, to, at)
		}
		if got := template.Previous(to, loc); !got.Equal(to) {
			t.Fatalf("%s is due but its own period begins at %s", to, got)
		}
		if d := dateOf(to, loc); !template.settles(d) && loc.String() != "Pacific/Apia" && loc.String() != "Pacific/Kiritimati" {
			t.Fatalf("%s is due on %s, which is not a settle day", to, d)
		}
	})
}

// TestEachDayOnce walks years of days in every zone: no day is settled twice
// or left out, the skipped ones of the Pacific aside.
func TestEachDayOnce(t *testing.T) {
	t.Parallel()
	daily := Template{kind: daily}
	for _, name := range zones() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loc := zone(t, name)
			at := time.Date(2010, 1, 1, 12, 0, 0, 0, time.UTC)
			seen := map[string]bool{}
			for at.Year() < 2013 {
				next := daily.Next(at, loc)
				day := next.In(loc).Format(time.DateOnly)
				if seen[day] {
					t.Fatalf("%s begins twice", day)
				}
				if gap := next.Sub(at); len(seen) > 0 && (gap < 22*time.Hour || gap > 26*time.Hour) {
					t.Fatalf("the day before %s has %s", day, gap)
				}
				seen[day] = true
				at = next
			}
			if n := len(seen); n < 1094 || n > 1097 {
				t.Errorf("%d days in three years", n)
			}
		})
	}
}
