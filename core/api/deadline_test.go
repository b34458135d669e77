package api

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// pass lets the deadline of a second pass, in a bubble.
func pass() {
	<-time.After(time.Second)
	synctest.Wait()
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do     func(d *deadline, cancelParent func())
		want   error
		reason string
	}{
		"young":    {func(*deadline, func()) {}, nil, "nothing has happened"},
		"late":     {func(*deadline, func()) { pass() }, context.DeadlineExceeded, "its time is over"},
		"answered": {func(d *deadline, _ func()) { d.end() }, context.Canceled, "its request has been answered"},
		"late and answered": {
			func(d *deadline, _ func()) { pass(); d.end() }, context.DeadlineExceeded, "it was late before",
		},
		"parent": {func(_ *deadline, cancel func()) { cancel() }, context.Canceled, "its parent ended"},
	} {
		for _, waited := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(t.Context())
				defer cancel()
				d := &deadline{}
				d.begin(parent, time.Now().Add(time.Second))
				defer d.end()
				if waited {
					d.Done()
				}
				tc.do(d, cancel)
				synctest.Wait()
				if err := d.Err(); !errors.Is(err, tc.want) {
					t.Errorf("%s, waited for %v: %v, want %v: %s", name, waited, err, tc.want, tc.reason)
				}
				select {
				case <-d.Done():
					if tc.want == nil {
						t.Errorf("%s, waited for %v: done: %s", name, waited, tc.reason)
					}
				default:
					if tc.want != nil {
						t.Errorf("%s, waited for %v: not done: %s", name, waited, tc.reason)
					}
				}
				if err := d.Err(); !errors.Is(err, tc.want) {
					t.Errorf("%s, waited for %v: %v after Done, want %v: %s", name, waited, err, tc.want, tc.reason)
				}
			})
		}
	}
}

func TestContextsOfADeadlineEndWithItAndNeedNoGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &deadline{}
		d.begin(t.Context(), time.Now().Add(time.Hour))
		r := &request{Context: d}
		before := runtime.NumGoroutine()
		child, cancel := context.WithTimeout(r, 2*time.Hour)
		defer cancel()
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("%d goroutines follow the request", n-before)
		}
		if at, ok := child.Deadline(); !ok || !at.Equal(d.at) {
			t.Errorf("the child ends at %s, %v", at, ok)
		}
		d.end()
		<-child.Done()
		if requestOf(child) != r {
			t.Error("the request is not found from the child")
		}
	})
}
