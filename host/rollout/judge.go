package rollout

import (
	"context"
	"fmt"
	"time"
)

// Counts is how the calls of one version went.
type Counts struct {
	Calls    int64 // that have ended
	Failures int64 // of these, that the version could not serve; a user's error is none
}

// Policy says how long and how strictly a new version is compared with the old
// one. Zero fields get the defaults.
type Policy struct {
	Window   time.Duration // from the swap on; default 5 min, negative: no comparison
	Every    time.Duration // between comparisons; default 1 s
	MinCalls int64         // below so many calls nothing is judged; default 20
	Ratio    int64         // how many times the old version's failure rate is too much; default 3
	Floor    int64         // failures in a hundred calls that are always accepted; default 5
}

func (p Policy) withDefaults() Policy {
	if p.Window == 0 {
		p.Window = 5 * time.Minute
	}
	if p.Every <= 0 {
		p.Every = time.Second
	}
	if p.MinCalls <= 0 {
		p.MinCalls = 20
	}
	if p.Ratio <= 0 {
		p.Ratio = 3
	}
	if p.Floor <= 0 {
		p.Floor = 5
	}
	return p
}

// Off reports whether new versions are not compared at all.
func (p Policy) Off() bool { return p.Window < 0 }

// Worse tells why the new version is worse than the old one, or "" when it is
// not, or not known to be yet. An old version without calls counts as faultless.
func (p Policy) Worse(before, now Counts) string {
	p = p.withDefaults()
	if now.Calls < p.MinCalls || now.Failures*100 <= p.Floor*now.Calls {
		return ""
	}
	if now.Failures*max(before.Calls, 1) <= p.Ratio*before.Failures*now.Calls {
		return ""
	}
	return fmt.Sprintf("%d of %d calls failed, of the old version %d of %d", now.Failures, now.Calls, before.Failures, before.Calls)
}

// Compare looks at the new version regularly until the window is over, ctx ends
// or it is worse than before, and tells why it is. sample returns how its calls
// went since the swap, and why it cannot serve at all, or "".
func (p Policy) Compare(ctx context.Context, before Counts, sample func() (now Counts, down string)) string {
	p = p.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, p.Window)
	defer cancel()
	ticker := time.NewTicker(p.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ""
		case <-ticker.C:
		}
		now, down := sample()
		if down != "" {
			return down
		}
		if verdict := p.Worse(before, now); verdict != "" {
			return verdict
		}
	}
}
