package centre

import (
	"time"

	"tradewind.example/sdk/fault"
)

// Never is the last day of what does not end.
const Never = "9999-12-31"

// dates completes and checks a first and a last day.
func dates(enable, expire string, today time.Time) (string, string, error) {
	if enable == "" {
		enable = today.Format(time.DateOnly)
	}
	if expire == "" {
		expire = Never
	}
	var bad []fault.Field
	for path, text := range map[string]string{"spec.enable_date": enable, "spec.expire_date": expire} {
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			bad = append(bad, fault.Field{Path: path, Message: "must be a day like 2026-01-31"})
		}
	}
	if len(bad) == 0 && expire < enable {
		bad = append(bad, fault.Field{Path: "spec.expire_date", Message: "must not be before enable_date"})
	}
	return enable, expire, fault.InvalidFields(bad)
}

// inEffect reports whether a day is between two others, both included.
func inEffect(enable, expire string, today time.Time) bool {
	day := today.Format(time.DateOnly)
	return enable <= day && day <= expire
}
