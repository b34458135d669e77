package main

import (
	"testing"
	"time"

	"tradewind.example/plugins/ucloud/sim"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// TestARepeatBeforeTheCloudShowsAnything repeats a create while the cloud's list
// is behind.
func TestARepeatBeforeTheCloudShowsAnything(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		fault  []sim.Fault
		class  fault.Class // of the repeat
	}{
		"Answered": {"what was bought is answered again", nil, 0},
		"Lost":     {"what may have been bought is not bought again", []sim.Fault{{Kind: sim.KindDrop, After: true, Actions: []string{creates}, Count: 1}}, fault.ClassUnavailable},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *sim.Config) { c.HideNewHostPolls = 2 })
			w.faults(t, tc.fault...)
			first, _ := w.Create(t.Context(), w.order("tok-1"))
			again, err := w.Create(t.Context(), w.order("tok-1"))
			want(t, tc.reason, err, tc.class, fault.OutcomeUnknown)
			if err == nil && (again.Resource.ID != first.Resource.ID || again.Operation == "") {
				t.Errorf("%s: %+v, then %+v", tc.reason, first.Resource, again.Resource)
			}
			if n := w.sim.Counts()[creates].Calls; n != 1 {
				t.Errorf("%s: the cloud was asked %d times", tc.reason, n)
			}
			w.find(t, "instance", provider.ChangeCreate, "tok-1", "", w.clock.Now()) // the last answer without it
			if last, err := w.Create(t.Context(), w.order("tok-1")); err != nil || last.Resource == nil {
				t.Errorf("%s: once it shows: %+v, %v", tc.reason, last, err)
			}
		})
	}
}

// TestAPurchaseIsForgottenWhenItMustShow lets a create be sent again once the
// absence of the first one is final.
func TestAPurchaseIsForgottenWhenItMustShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.faults(t, sim.Fault{Kind: sim.KindDrop, Actions: []string{creates}, Count: 1})
	_, err := w.Create(t.Context(), w.order("tok-1"))
	want(t, "the connection broke before the purchase", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	_, err = w.Create(t.Context(), w.order("tok-1"))
	want(t, "it may still show", err, fault.ClassUnavailable, fault.OutcomeUnknown)
	w.clock.Advance(2 * time.Minute)
	if _, err = w.Create(t.Context(), w.order("tok-1")); err != nil {
		t.Errorf("absence is final now: %v", err)
	}
	if n := w.sim.Counts()[creates].Calls; n != 2 {
		t.Errorf("the cloud was asked %d times, want 2", n)
	}
}
