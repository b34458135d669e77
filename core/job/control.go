package job

import (
	"errors"
	"fmt"
	"time"

	"tradewind.example/sdk/fault"
)

// control is how a handler says more than that it failed.
type control struct {
	err    error
	at     time.Time     // retry then
	pause  time.Duration // or after this
	snooze bool          // and it is no failure
	dead   bool
}

func (c *control) Error() string { return c.err.Error() }
func (c *control) Unwrap() error { return c.err }

// RetryAt says that the attempt failed with err and the next one is due at t.
func RetryAt(t time.Time, err error) error { return &control{err: orFailed(err), at: t} }

// Dead says that the job failed with err and no further attempt makes sense.
func Dead(err error) error { return &control{err: orFailed(err), dead: true} }

// Snooze says that the job is not finished and wants to be called again after
// d. It is no failure: it does not bring the job nearer to its end.
func Snooze(d time.Duration) error {
	return &control{err: fmt.Errorf("again in %v", d), pause: d, snooze: true}
}

func orFailed(err error) error {
	if err == nil {
		return errors.New("the handler gave no reason")
	}
	return err
}

// LongestWait bounds how long a retry waits because the failed side says so:
// a cloud that asks for a week must not stop for a week what people wait for.
const LongestWait = 10 * time.Minute

// Pause returns how long to wait after a failure: own, or longer where the
// failed side asks for it, but not beyond [LongestWait].
func Pause(own time.Duration, failed error) time.Duration {
	if failed == nil {
		return own
	}
	return max(own, min(fault.As(failed).RetryAfter, LongestWait))
}

// Exponential returns a backoff that starts at first and doubles up to most.
func Exponential(first, most time.Duration) func(n int) time.Duration {
	return func(n int) time.Duration {
		d := first
		for i := 1; i < n && d < most; i++ {
			d *= 2
		}
		return min(d, most)
	}
}
