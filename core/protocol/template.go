package protocol

import (
	"strconv"
	"strings"

	"tradewind.example/sdk/fault"
)

// Every says how often statements are due.
type Every string

// The periods of a settle-date template.
const (
	EveryDay   Every = "daily"
	EveryWeek  Every = "weekly"
	EveryMonth Every = "monthly"
)

// Template says when the statements of a pair are due.
type Template struct {
	Every Every
	Day   int // of a week: 1 (Monday) to 7; of a month: 1 to 31, the last day when the month is shorter; else 0
}

// ParseTemplate reads "daily", "weekly:D" or "monthly:D".
func ParseTemplate(s string) (Template, error) {
	every, day, found := strings.Cut(s, ":")
	t := Template{Every: Every(every)}
	most := map[Every]int{EveryWeek: 7, EveryMonth: 31}[t.Every]
	if t.Every == EveryDay && !found {
		return t, nil
	}
	n, err := strconv.Atoi(day)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != day {
		return Template{}, fault.Invalid("template", "must be daily, weekly:D with D from 1 (Monday) to 7, or monthly:D with D from 1 to 31")
	}
	t.Day = n
	return t, nil
}

// String writes what ParseTemplate reads.
func (t Template) String() string {
	if t.Every == EveryDay {
		return string(t.Every)
	}
	return string(t.Every) + ":" + strconv.Itoa(t.Day)
}
