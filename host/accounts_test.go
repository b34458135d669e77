package host_test

import (
	"strings"
	"testing"

	"tradewind.example/host"
	"tradewind.example/host/supervise"
	"tradewind.example/sdk/provider"
)

// TestAccountHealthIsItsOwn: an account with wrong credentials makes neither the
// plugin nor another account look unwell, and a success takes it back.
func TestAccountHealthIsItsOwn(t *testing.T) {
	t.Parallel()
	h, p, _ := started(t, dev())
	check := func(account string, kv ...string) {
		call := settings(kv...)
		call.Account.ID = account
		call.Account.Credentials = credentials("key", "marker-secret-1")
		if _, err := p.Check(t.Context(), provider.CheckRequest{Call: call}); err != nil {
			t.Fatal(err)
		}
	}
	regions := func(account string, kv ...string) {
		call := settings(kv...)
		call.Account.ID = account
		_, _ = p.Regions(t.Context(), provider.RegionsRequest{Call: call})
	}
	expect := func(reason string, want ...string) []host.AccountHealth {
		t.Helper()
		st := status(h)
		var got []string
		for _, a := range st.Accounts {
			got = append(got, a.Account)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") || st.Health.Provider != supervise.LevelOK {
			t.Errorf("%s: accounts %+v, health %+v", reason, st.Accounts, st.Health)
		}
		return st.Accounts
	}
	check("good")
	expect("a good check tells nothing")
	check("bad", "problem", "the key marker-secret-1 is not known")
	unwell := expect("a check that found a problem", "bad")
	if r := unwell[0].Reason; strings.Contains(r, "marker") || !strings.Contains(r, "is not known") || unwell[0].Since.IsZero() {
		t.Errorf("reason is %q", r)
	}
	regions("worse", "do", "sign_in")
	regions("good", "fails_in", "1.0.0")
	expect("refused credentials count, a failing cloud does not", "bad", "worse")
	regions("worse")
	expect("a call that went well takes it back", "bad")
	check("bad")
	expect("and so does a good check")
}
