// Package settledate reads settle-date templates and says when they are due:
// "daily", "weekly:D", "monthly:D", in a seller's time zone.
//
// Protocols keep a template as text; settlement asks it for instants. It is
// pure and safe for concurrent use.
package settledate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
)

// Template is a settle-date template: on which days a pair settles. A
// statement that is due on a day covers everything before the first instant of
// that day in the seller's time zone.
type Template struct {
	kind templateKind
	day  int // weekly: 1 (Monday) to 7; monthly: 1 to lastDay, which every month has
}

type templateKind uint8

const (
	daily templateKind = iota + 1
	weekly
	monthly
)

// lastDay stands for the last day of any month.
const lastDay = 31

// Default is the template of pairs whose protocol says nothing.
const Default = "monthly:1"

// Parse reads "daily", "weekly:D" with D from 1 (Monday) to 7, or
// "monthly:D" with D from 1 to 31, the last day in months that are shorter.
// "monthly:last" is "monthly:31".
func Parse(s string) (Template, error) {
	name, arg, has := strings.Cut(s, ":")
	day, err := strconv.Atoi(arg)
	number := err == nil && strconv.Itoa(day) == arg
	switch {
	case name == "daily" && !has:
		return Template{kind: daily}, nil
	case name == "weekly" && number && day >= 1 && day <= 7:
		return Template{kind: weekly, day: day}, nil
	case name == "monthly" && arg == "last":
		return Template{kind: monthly, day: lastDay}, nil
	case name == "monthly" && number && day >= 1 && day <= lastDay:
		return Template{kind: monthly, day: day}, nil
	}
	return Template{}, fault.Invalid("template", "%q is not a settle-date template: use daily, weekly:1 to weekly:7 or monthly:1 to monthly:31", s)
}

// String is the text that Parse reads.
func (t Template) String() string {
	switch t.kind {
	case daily:
		return "daily"
	case weekly:
		return fmt.Sprintf("weekly:%d", t.day)
	case monthly:
		return fmt.Sprintf("monthly:%d", t.day)
	}
	return ""
}

// Next returns the first due instant after at: the beginning of a settle day in
// the zone. Every bill lies before exactly one next due instant and at or after
// exactly one previous one, whatever the zone does to its clocks.
func (t Template) Next(at time.Time, zone *time.Location) time.Time {
	d := dateOf(at, zone)
	for {
		if d = t.after(d); startOf(d, zone).After(at) {
			return startOf(d, zone)
		}
	}
}

// Previous returns the last due instant at or before at.
func (t Template) Previous(at time.Time, zone *time.Location) time.Time {
	d := dateOf(at, zone)
	d = date(d.AddDate(0, 0, 1)) // the day of at itself may be a settle day
	for {
		if d = t.before(d); !startOf(d, zone).After(at) {
			return startOf(d, zone)
		}
	}
}

// A calendar date is kept as midnight UTC: arithmetic on it knows no zones.
func date(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func dateOf(at time.Time, zone *time.Location) time.Time { return date(at.In(zone)) }

// after returns the first settle date after d.
func (t Template) after(d time.Time) time.Time {
	for d = d.AddDate(0, 0, 1); !t.settles(d); d = d.AddDate(0, 0, 1) {
	}
	return d
}

// before returns the last settle date before d.
func (t Template) before(d time.Time) time.Time {
	for d = d.AddDate(0, 0, -1); !t.settles(d); d = d.AddDate(0, 0, -1) {
	}
	return d
}

func (t Template) settles(d time.Time) bool {
	switch t.kind {
	case weekly:
		return (int(d.Weekday())+6)%7+1 == t.day
	case monthly:
		return d.Day() == t.day || d.Day() < t.day && d.AddDate(0, 0, 1).Day() == 1
	case daily:
	}
	return true
}

// startOf returns the first instant of a calendar date in the zone. Midnight
// may not exist there, or twice; a date that the zone skips begins when the
// next one does.
func startOf(d time.Time, zone *time.Location) time.Time {
	// No zone is farther than 26 hours from UTC, whole days skipped included.
	before, from := d.Add(-26*time.Hour).Unix(), d.Add(26*time.Hour).Unix()
	for before+1 < from {
		mid := before + (from-before)/2
		if dateOf(time.Unix(mid, 0), zone).Before(d) {
			before = mid
		} else {
			from = mid
		}
	}
	return time.Unix(from, 0).UTC()
}
