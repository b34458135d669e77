package tenant_test

import (
	"testing"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/tenant"
	"tradewind.example/sdk/fault"
)

func TestRenew(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		change func(w *world, c access.Caller)
		active bool
		want   fault.Class // 0: still there
	}{
		"Nothing":   {reason: "nothing has changed", change: func(*world, access.Caller) {}},
		"SignedOut": {reason: "the session is over", change: func(w *world, c access.Caller) { must0(w.t, w.svc.SignOut(w.ctx, c)) }, want: fault.ClassUnauthenticated},
		"Idle": {reason: "the session was idle for too long", active: true, change: func(w *world, _ access.Caller) {
			w.clock.Advance(48 * time.Hour)
		}, want: fault.ClassUnauthenticated},
		"Suspended": {reason: "nobody signs in at a suspended org", change: func(w *world, _ access.Caller) {
			_, err := w.svc.UpdateOrg(w.ctx, w.super, tenant.UpdateOrgInput{OrgID: w.org["shop"].ID, Profile: w.org["shop"].Profile, State: tenant.OrgSuspended})
			must0(w.t, err)
		}, want: fault.ClassUnauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.t = t
			c := w.as("shop", "cadmin", access.RoleCustomerAdmin)
			changed := w.svc.Changes()
			tc.change(w, c)
			_, end, err := w.svc.Renew(w.ctx, c, tc.active)
			if tc.want == 0 && (err != nil || !end.After(w.clock.Now())) || tc.want != 0 && !fault.Is(err, tc.want) {
				t.Errorf("%s: ends at %s, %v", tc.reason, end, err)
			}
			select {
			case <-changed:
				if tc.want == 0 {
					t.Errorf("%s, and the bell rang", tc.reason)
				}
			default:
				if tc.want != 0 && !tc.active {
					t.Errorf("%s, and the bell did not ring", tc.reason)
				}
			}
		})
	}
}

// TestRenewKeepsASessionInUse: what was used just now ends later.
func TestRenewKeepsASessionInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.as("shop", "cadmin", access.RoleCustomerAdmin)
	w.clock.Advance(10 * time.Minute)
	_, before, err := w.svc.Renew(w.ctx, c, false)
	must0(t, err)
	_, after, err := w.svc.Renew(w.ctx, c, true)
	must0(t, err)
	if after.Sub(before) != 10*time.Minute {
		t.Errorf("unused it ends at %s, used at %s", before, after)
	}
}

func must0(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
