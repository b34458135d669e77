package tenant_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/core/tenant/password"
	"tradewind.example/core/tenant/throttle"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

func TestBootstrapHappensOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if !w.root.Created || w.root.Password.IsZero() || w.root.User.Login != "admin" {
		t.Errorf("the first start: %+v", w.root)
	}
	again, err := w.svc.Bootstrap(w.ctx, tenant.RootInput{OperatorName: "Again"})
	if diff := cmp.Diff(tenant.Root{}, again, cmp.AllowUnexported(secret.Value{})); err != nil || diff != "" {
		t.Errorf("the second start changes nothing: %v\n%s", err, diff)
	}
	want := access.Caller{UserID: w.root.User.ID, OrgID: w.root.Org.ID, RootID: w.root.Org.ID, Path: []string{w.root.Org.ID},
		Roles: []access.Role{access.RoleSuperadmin}, SessionID: w.super.SessionID, RequestID: "req-1"}
	if diff := cmp.Diff(want, w.super); diff != "" {
		t.Errorf("the superadmin's caller (-want +got):\n%s", diff)
	}
	_, err = w.svc.CreateRoot(w.ctx, tenant.RootInput{OperatorName: "Other", Login: "admin"})
	wantClass(t, "a root's login is unique too", err, fault.ClassConflict)
	_, err = w.svc.CreateRoot(w.ctx, tenant.RootInput{})
	wantClass(t, "a root has a name", err, fault.ClassInvalid)
}

func TestBootstrapRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fresh := newEmpty(t, w)
	var mu sync.Mutex
	created := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r, err := fresh.Bootstrap(w.ctx, tenant.RootInput{OperatorName: "Operator"})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if r.Created {
				created++
			}
		})
	}
	wg.Wait()
	if created != 1 {
		t.Errorf("%d of 8 starts made the root", created)
	}
}

func TestSignInAnswersAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newUser("shop", "clerk", access.RoleCustomerUser)
	w.newUser("mill", "miller", access.RoleCustomerUser)
	o := w.org["mill"]
	if _, err := w.svc.UpdateOrg(w.ctx, w.super, tenant.UpdateOrgInput{OrgID: o.ID, State: tenant.OrgSuspended, Profile: o.Profile}); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason, login, password string
		ok                      bool
	}{
		"Right":         {"the control", "clerk", goodPassword, true},
		"OtherSpelling": {"logins ignore case and space around", " CLERK ", goodPassword, true},
		"Wrong":         {"a wrong password", "clerk", "wrong password!", false},
		"Unknown":       {"an unknown login", "nobody", goodPassword, false},
		"Suspended":     {"a suspended org", "miller", goodPassword, false},
		"Empty":         {"nothing", "", "", false},
		"LongLogin":     {"more than a login", strings.Repeat("x", 5000), goodPassword, false},
		"LongPassword":  {"more than a password", "clerk", strings.Repeat("x", 5000), false},
	}
	var answers []string
	for name, tc := range cases {
		in, err := w.svc.SignIn(w.ctx, tenant.SignInInput{Login: tc.login, Password: secret.New(tc.password), IP: "127.0.0.1"})
		if tc.ok {
			if err != nil || !strings.HasPrefix(in.Bearer.Reveal(), "tws_") || len(in.Bearer.Reveal()) < 43 {
				t.Errorf("%s: %s: %v", name, tc.reason, err)
			}
			continue
		}
		wantClass(t, tc.reason, err, fault.ClassUnauthenticated)
		answers = append(answers, fmt.Sprint(err))
	}
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("answers differ: %q and %q", a, answers[0])
		}
	}
}

func TestSignInIsThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tenant.Config) {
		c.SignIn = throttle.Config{LockAfter: 3, LockFirst: time.Minute, IPBurst: 1000, LoginBurst: 1000}
	})
	w.newUser("shop", "clerk", access.RoleCustomerUser)
	try := func(p string) error {
		_, err := w.svc.SignIn(w.ctx, tenant.SignInInput{Login: "clerk", Password: secret.New(p), IP: "127.0.0.1"})
		return err
	}
	for range 3 {
		wantClass(t, "a wrong password", try("wrong password!"), fault.ClassUnauthenticated)
	}
	err := try(goodPassword)
	wantClass(t, "locked, whatever the password", err, fault.ClassThrottled)
	if after := fault.As(err).RetryAfter; after < time.Minute || after > 2*time.Minute {
		t.Errorf("retry after %s", after)
	}
	w.clock.Advance(61 * time.Second)
	wantClass(t, "after the lock", try(goodPassword), 0)
	for range 2 {
		wantClass(t, "failures count anew after a success", try("wrong password!"), fault.ClassUnauthenticated)
	}
	wantClass(t, "so two more do not lock", try(goodPassword), 0)
}

func TestPasswordGuessingThroughChangeIsThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tenant.Config) { c.SignIn = throttle.Config{LockAfter: 3, IPBurst: 1000, LoginBurst: 1000} })
	clerk := w.as("shop", "clerk", access.RoleCustomerUser)
	change := func(old string) error {
		return w.svc.ChangePassword(w.ctx, clerk, tenant.ChangePasswordInput{Old: secret.New(old), New: secret.New("another password")})
	}
	for range 3 {
		wantClass(t, "a wrong old password", change("wrong password!"), fault.ClassInvalid)
	}
	wantClass(t, "a stolen session is no oracle", change(goodPassword), fault.ClassThrottled)
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tenant.Config) { c.SessionIdle, c.SessionLife = time.Hour, 3*time.Hour })
	idle := w.bearerOf("shop", "clerk", access.RoleCustomerUser)
	busy := w.bearer("clerk", goodSecret())
	good := func(b string) error { _, err := w.svc.Authenticate(w.ctx, b); return err }
	for range 5 {
		w.clock.Advance(30 * time.Minute)
		wantClass(t, "a session in use goes on", good(busy), 0)
	}
	wantClass(t, "an idle one has ended", good(idle), fault.ClassUnauthenticated)
	w.clock.Advance(29 * time.Minute)
	wantClass(t, "until its life is over", good(busy), 0)
	w.clock.Advance(time.Minute)
	wantClass(t, "however busy", good(busy), fault.ClassUnauthenticated)
}

func TestSignOutAndEndSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b1 := w.bearerOf("shop", "clerk", access.RoleCustomerUser)
	b2 := w.bearer("clerk", goodSecret())
	c1, c2 := w.caller(b1), w.caller(b2)
	stranger := w.as("stranger", "stranger", access.RoleCustomerAdmin)
	operations := w.as("operator", "operations", access.RoleOperations)
	radmin := w.as("reseller", "radmin", access.RoleResellerAdmin)

	wantClass(t, "a foreign session does not exist", w.svc.EndSession(w.ctx, stranger, c1.SessionID), fault.ClassNotFound)
	wantClass(t, "a superadmin is not thrown out by operations", w.svc.EndSession(w.ctx, operations, w.super.SessionID), fault.ClassForbidden)
	wantClass(t, "sign-out", w.svc.SignOut(w.ctx, c1), 0)
	_, err := w.svc.Authenticate(w.ctx, b1)
	wantClass(t, "the session is over at once", err, fault.ClassUnauthenticated)
	wantClass(t, "twice", w.svc.SignOut(w.ctx, c1), fault.ClassNotFound)
	page, err := w.svc.ListSessions(w.ctx, c2, tenant.ListKeysInput{Limit: 10})
	if err != nil || len(page.Items) != 1 || page.Items[0].Value.ID != c2.SessionID {
		t.Errorf("the sessions that are left: %+v %v", page, err)
	}
	_, err = w.svc.ListSessions(w.ctx, stranger, tenant.ListKeysInput{UserID: c2.UserID, Limit: 10})
	wantClass(t, "a foreign user's sessions", err, fault.ClassNotFound)
	wantClass(t, "a seller ends its buyer's session", w.svc.EndSession(w.ctx, radmin, c2.SessionID), 0)
	_, err = w.svc.Authenticate(w.ctx, b2)
	wantClass(t, "at once", err, fault.ClassUnauthenticated)
	wantClass(t, "the system has no session", w.svc.SignOut(w.ctx, access.System(w.root.Org.ID)), fault.ClassForbidden)
}

func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tenant.Config) { c.SessionsMax = 3 })
	first := w.bearerOf("shop", "clerk", access.RoleCustomerUser)
	w.caller(first)
	var last string
	for range 3 {
		last = w.bearer("clerk", goodSecret())
	}
	_, err := w.svc.Authenticate(w.ctx, first)
	wantClass(t, "the oldest session makes room", err, fault.ClassUnauthenticated)
	page, err := w.svc.ListSessions(w.ctx, w.caller(last), tenant.ListKeysInput{Limit: 10})
	if err != nil || len(page.Items) != 3 {
		t.Errorf("%d sessions, %v", len(page.Items), err)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b1 := w.bearerOf("shop", "clerk", access.RoleCustomerUser)
	b2 := w.bearer("clerk", goodSecret())
	c1 := w.caller(b1)
	w.caller(b2)
	change := func(old, fresh string) error {
		return w.svc.ChangePassword(w.ctx, c1, tenant.ChangePasswordInput{Old: secret.New(old), New: secret.New(fresh)})
	}
	wantClass(t, "the old one is wrong", change("wrong password!", "another password"), fault.ClassInvalid)
	wantClass(t, "too short", change(goodPassword, "short"), fault.ClassInvalid)
	wantClass(t, "the same", change(goodPassword, goodPassword), fault.ClassInvalid)
	wantClass(t, "a good one", change(goodPassword, "another password"), 0)
	_, err := w.svc.Authenticate(w.ctx, b1)
	wantClass(t, "this session stays", err, 0)
	_, err = w.svc.Authenticate(w.ctx, b2)
	wantClass(t, "the others end", err, fault.ClassUnauthenticated)
	_, err = w.svc.SignIn(w.ctx, tenant.SignInInput{Login: "clerk", Password: goodSecret()})
	wantClass(t, "the old password is gone", err, fault.ClassUnauthenticated)

	radmin := w.as("reseller", "radmin", access.RoleResellerAdmin)
	operations := w.as("operator", "operations", access.RoleOperations)
	stranger := w.as("rival", "stranger", access.RoleResellerAdmin)
	reset := func(c access.Caller, user, p string) error {
		return w.svc.ResetPassword(w.ctx, c, tenant.ResetPasswordInput{UserID: user, Password: secret.New(p)})
	}
	wantClass(t, "a foreign user does not exist", reset(stranger, c1.UserID, "a third password"), fault.ClassNotFound)
	wantClass(t, "nobody resets a superior", reset(operations, w.super.UserID, "a third password"), fault.ClassForbidden)
	wantClass(t, "nor itself", reset(radmin, radmin.UserID, "a third password"), fault.ClassForbidden)
	wantClass(t, "the rules hold", reset(radmin, c1.UserID, "short"), fault.ClassInvalid)
	made, err := w.svc.CreateToken(w.ctx, c1, tenant.CreateTokenInput{Name: "t", Scopes: []access.Right{access.OrderRead}, Expires: start.AddDate(0, 1, 0)})
	token := must(t, made, err).Bearer.Reveal()
	wantClass(t, "a reset", reset(radmin, c1.UserID, "a third password"), 0)
	for _, b := range []string{b1, token} {
		_, err := w.svc.Authenticate(w.ctx, b)
		wantClass(t, "a reset ends every session and token", err, fault.ClassUnauthenticated)
	}
	w.bearer("clerk", secret.New("a third password"))
}

func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *tenant.Config) { c.TokensMax = 2 })
	clerk := w.as("shop", "clerk", access.RoleCustomerUser)
	valid := tenant.CreateTokenInput{Name: "ci", Scopes: []access.Right{access.OrderRead}, Expires: start.AddDate(0, 1, 0)}
	edit := func(f func(*tenant.CreateTokenInput)) tenant.CreateTokenInput { in := valid; f(&in); return in }
	for reason, in := range map[string]tenant.CreateTokenInput{
		"a token has scopes":                     edit(func(in *tenant.CreateTokenInput) { in.Scopes = nil }),
		"no more rights than its maker":          edit(func(in *tenant.CreateTokenInput) { in.Scopes = []access.Right{access.BillRead} }),
		"no unknown rights":                      edit(func(in *tenant.CreateTokenInput) { in.Scopes = []access.Right{"moon.sell"} }),
		"none twice":                             edit(func(in *tenant.CreateTokenInput) { in.Scopes = []access.Right{access.OrderRead, access.OrderRead} }),
		"a token expires":                        edit(func(in *tenant.CreateTokenInput) { in.Expires = time.Time{} }),
		"in the future":                          edit(func(in *tenant.CreateTokenInput) { in.Expires = start }),
		"the near one":                           edit(func(in *tenant.CreateTokenInput) { in.Expires = start.AddDate(2, 0, 0) }),
		"a token has a name":                     edit(func(in *tenant.CreateTokenInput) { in.Name = "" }),
		"without control characters in the name": edit(func(in *tenant.CreateTokenInput) { in.Name = "a\x07" }),
	} {
		_, err := w.svc.CreateToken(w.ctx, clerk, in)
		wantClass(t, reason, err, fault.ClassInvalid)
	}
	made, err := w.svc.CreateToken(w.ctx, clerk, valid)
	made = must(t, made, err)
	if !strings.HasPrefix(made.Bearer.Reveal(), "tw_") || strings.HasPrefix(made.Bearer.Reveal(), "tws_") {
		t.Error("a token's bearer shows what it is")
	}
	c := w.caller(made.Bearer.Reveal())
	want := access.Caller{UserID: clerk.UserID, OrgID: clerk.OrgID, RootID: clerk.RootID, Path: clerk.Path, Roles: clerk.Roles,
		Scopes: valid.Scopes, TokenID: made.Token.ID, RequestID: "req-1"}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("the token's caller (-want +got):\n%s", diff)
	}
	w.clock.Advance(10 * time.Minute)
	w.caller(made.Bearer.Reveal())
	page, err := w.svc.ListTokens(w.ctx, clerk, tenant.ListKeysInput{Limit: 10})
	if err != nil || len(page.Items) != 1 || !page.Items[0].Value.LastUsed.Equal(start.Add(10*time.Minute)) {
		t.Errorf("the last use is listed: %+v %v", page, err)
	}
	if _, err := w.svc.CreateToken(w.ctx, clerk, valid); err != nil {
		t.Fatal(err)
	}
	_, err = w.svc.CreateToken(w.ctx, clerk, valid)
	wantClass(t, "tokens are bounded", err, fault.ClassQuota)

	stranger := w.as("stranger", "stranger", access.RoleCustomerAdmin)
	wantClass(t, "a foreign token does not exist", w.svc.RevokeToken(w.ctx, stranger, made.Token.ID), fault.ClassNotFound)
	wantClass(t, "revoking", w.svc.RevokeToken(w.ctx, clerk, made.Token.ID), 0)
	_, err = w.svc.Authenticate(w.ctx, made.Bearer.Reveal())
	wantClass(t, "a revoked token", err, fault.ClassUnauthenticated)
	wantClass(t, "twice", w.svc.RevokeToken(w.ctx, clerk, made.Token.ID), fault.ClassNotFound)
}

func TestTokenExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clerk := w.as("shop", "clerk", access.RoleCustomerUser)
	made, err := w.svc.CreateToken(w.ctx, clerk, tenant.CreateTokenInput{Name: "t", Scopes: []access.Right{access.OrderRead},
		Expires: start.Add(5 * time.Second)})
	bearer := must(t, made, err).Bearer.Reveal()
	w.caller(bearer)
	w.clock.Advance(5 * time.Second) // less than a remembered caller lives
	_, err = w.svc.Authenticate(w.ctx, bearer)
	wantClass(t, "an expired token, though remembered", err, fault.ClassUnauthenticated)
}

func TestAuthenticateRefusesNonsense(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.bearerOf("shop", "clerk", access.RoleCustomerUser)
	for _, b := range []string{"", "tw_", "tws_", "x", good + "x", good[:len(good)-1], strings.ToUpper(good),
		"tw_" + strings.TrimPrefix(good, "tws_"), strings.Repeat("tw_", 10000)} {
		c, err := w.svc.Authenticate(w.ctx, b)
		wantClass(t, fmt.Sprintf("bearer of %d bytes", len(b)), err, fault.ClassUnauthenticated)
		if diff := cmp.Diff(access.Caller{}, c); diff != "" {
			t.Errorf("a refusal names nobody:\n%s", diff)
		}
	}
}

func TestSuspendedOrgIsSignedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bearer := w.bearerOf("shop", "clerk", access.RoleCustomerUser)
	w.caller(bearer)
	o := w.org["shop"]
	in := tenant.UpdateOrgInput{OrgID: o.ID, State: tenant.OrgSuspended, Profile: o.Profile}
	if _, err := w.svc.UpdateOrg(w.ctx, w.super, in); err != nil {
		t.Fatal(err)
	}
	_, err := w.svc.Authenticate(w.ctx, bearer)
	wantClass(t, "suspended", err, fault.ClassUnauthenticated)
}

// A change and an authentication race: once the change has returned, nobody
// gets in on what was read before it.
func TestRevocationIsNeverOutrun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newUser("shop", "clerk", access.RoleCustomerUser)
	for range 50 {
		bearer := w.bearer("clerk", goodSecret())
		c := w.caller(bearer)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_, _ = w.svc.Authenticate(w.ctx, bearer)
					}
				}
			})
		}
		err := w.svc.SignOut(w.ctx, c)
		_, after := w.svc.Authenticate(w.ctx, bearer)
		close(stop)
		wg.Wait()
		wantClass(t, "sign-out", err, 0)
		wantClass(t, "after the sign-out has returned", after, fault.ClassUnauthenticated)
	}
}

func TestCostOfHashIsRaisedAtSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newUser("shop", "clerk", access.RoleCustomerUser)
	dearer, err := tenant.New(tenant.Config{Store: w.store, Clock: w.clock, Logger: slog.New(slog.DiscardHandler),
		Passwords: password.Params{MemoryKiB: 64, Passes: 2, Lanes: 1, Concurrency: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := dearer.SignIn(w.ctx, tenant.SignInInput{Login: "clerk", Password: goodSecret()}); err != nil {
			t.Fatal(err)
		}
	}
	found := 0
	w.view(func(r store.Reader) {
		err := r.Scan("credential", store.Prefix().All(), func(_, v []byte) error {
			if bytes.Contains(v, []byte("m=64,t=2,p=1")) {
				found++
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	if found != 1 {
		t.Errorf("%d hashes at the new cost, want that of the user who signed in", found)
	}
}

// Marker secrets must not be found in any audit row, log line, stored document
// (apart from hashes) or error.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newWorld(t, func(c *tenant.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	marker := "marker-secret-password-1"
	_, err := w.svc.CreateUser(w.ctx, w.super, tenant.CreateUserInput{OrgID: w.org["shop"].ID, Login: "clerk", Name: "C",
		Roles: []access.Role{access.RoleCustomerUser}, Password: secret.New(marker)})
	if err != nil {
		t.Fatal(err)
	}
	bearer := w.bearer("clerk", secret.New(marker))
	c := w.caller(bearer)
	made, err := w.svc.CreateToken(w.ctx, c, tenant.CreateTokenInput{Name: "t", Scopes: []access.Right{access.OrderRead}, Expires: start.AddDate(0, 1, 0)})
	token := must(t, made, err).Bearer.Reveal()
	next := "marker-secret-password-2"
	if err := w.svc.ChangePassword(w.ctx, c, tenant.ChangePasswordInput{Old: secret.New(marker), New: secret.New(next)}); err != nil {
		t.Fatal(err)
	}
	_, refusal := w.svc.SignIn(w.ctx, tenant.SignInInput{Login: "clerk", Password: secret.New(marker)})

	planted := []string{marker, next, bearer, token, w.root.Password.Reveal()}
	search := func(where, text string) {
		for i, s := range planted {
			if strings.Contains(text, s) {
				t.Errorf("planted secret %d found in %s", i, where)
			}
		}
	}
	search("the log", log.String())
	search("an error", fmt.Sprintf("%v %+v", refusal, refusal))
	search("a printed answer", fmt.Sprintf("%+v %#v %+v", made, w.root, must(t, made, nil)))
	var dump bytes.Buffer
	if _, err := w.store.Backup(w.ctx, &dump); err != nil {
		t.Fatal(err)
	}
	search("the store", dump.String())
	w.view(func(r store.Reader) {
		page, err := audit.List(r, audit.Query{Root: w.root.Org.ID, Limit: 100})
		if err != nil || len(page.Items) == 0 {
			t.Fatalf("the audit log: %v", err)
		}
		for _, e := range page.Items {
			search("audit", string(e.Before)+string(e.After))
			if strings.Contains(string(e.Before)+string(e.After), "argon2id") {
				t.Errorf("audit record %d holds a hash", e.Seq)
			}
		}
	})
}

// Every mutation leaves exactly one record that says who did what.
func TestEveryChangeIsAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type key struct{ Action, Thing, ID, Actor string }
	var last uint64
	fresh := func() []key {
		var out []key
		w.view(func(r store.Reader) {
			page, err := audit.List(r, audit.Query{Root: w.root.Org.ID, Limit: 1000})
			if err != nil {
				t.Error(err)
				return
			}
			for _, e := range page.Items {
				if e.Seq > last {
					out = append(out, key{e.Action, e.Thing, e.ID, e.Actor})
				}
			}
			last = page.Items[0].Seq
		})
		return out
	}
	fresh()
	by := w.super.Actor()
	check := func(reason string, want key) {
		t.Helper()
		if diff := cmp.Diff([]key{want}, fresh()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", reason, diff)
		}
	}
	w.add("operator", "fresh", tenant.KindReseller)
	id := w.org["fresh"].ID
	check("create org", key{"org.create", "org", id, by})
	_, err := w.svc.UpdateOrg(w.ctx, w.super, tenant.UpdateOrgInput{OrgID: id, State: tenant.OrgActive, Profile: w.org["fresh"].Profile})
	check("update org", key{"org.update", "org", id, by})
	wantClass(t, "update", err, 0)
	_, err = w.svc.MoveOrg(w.ctx, w.super, tenant.MoveOrgInput{OrgID: id, ParentID: w.org["sub"].ID})
	check("move org", key{"org.move", "org", id, by})
	wantClass(t, "move", err, 0)
	u := w.newUser("fresh", "fresh", access.RoleResellerAdmin).Value
	check("create user", key{"user.create", "user", u.ID, by})
	c := w.signIn("fresh", goodSecret())
	check("sign in", key{"session.create", "session", c.SessionID, "user:" + u.ID})
	made, err := w.svc.CreateToken(w.ctx, c, tenant.CreateTokenInput{Name: "t", Scopes: []access.Right{access.OrderRead}, Expires: start.AddDate(0, 1, 0)})
	check("create token", key{"token.create", "token", made.Token.ID, c.Actor()})
	wantClass(t, "token", err, 0)
	wantClass(t, "revoke", w.svc.RevokeToken(w.ctx, c, made.Token.ID), 0)
	check("revoke token", key{"token.delete", "token", made.Token.ID, c.Actor()})
	wantClass(t, "change", w.svc.ChangePassword(w.ctx, c, tenant.ChangePasswordInput{Old: goodSecret(), New: secret.New("another password")}), 0)
	check("change password", key{"user.password", "user", u.ID, c.Actor()})
	wantClass(t, "sign-out", w.svc.SignOut(w.ctx, c), 0)
	check("sign out", key{"session.delete", "session", c.SessionID, c.Actor()})
	wantClass(t, "reset", w.svc.ResetPassword(w.ctx, w.super, tenant.ResetPasswordInput{UserID: u.ID, Password: goodSecret()}), 0)
	check("reset password", key{"user.reset", "user", u.ID, by})
	_, err = w.svc.UpdateUser(w.ctx, w.super, asInput(u))
	check("update user", key{"user.update", "user", u.ID, by})
	wantClass(t, "update", err, 0)
	wantClass(t, "delete", w.svc.DeleteUser(w.ctx, w.super, u.ID, 0), 0)
	check("delete user", key{"user.delete", "user", u.ID, by})
	wantClass(t, "delete", w.svc.DeleteOrg(w.ctx, w.super, id, 0), 0)
	check("delete org", key{"org.delete", "org", id, by})
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	_, err := w.svc.GetOrg(ctx, w.super, w.root.Org.ID)
	if err == nil {
		t.Error("a request that is over gets no answer")
	}
}

// counting counts the transactions that read.
type counting struct {
	store.Store
	views atomic.Int64
}

func (s *counting) View(ctx context.Context, fn func(store.Reader) error) error {
	s.views.Add(1)
	return s.Store.View(ctx, fn)
}

func TestAuthenticateAnswersFromMemory(t *testing.T) {
	t.Parallel()
	var st *counting
	w := newWorld(t, func(c *tenant.Config) {
		st = &counting{Store: c.Store}
		c.Store, c.CacheSize = st, 2
	})
	bearer := w.bearerOf("shop", "clerk", access.RoleCustomerUser)
	reads := func() int64 {
		before := st.views.Load()
		w.caller(bearer)
		return st.views.Load() - before
	}
	if first, second := reads(), reads(); first != 1 || second != 0 {
		t.Errorf("%d and %d reads, want 1 and 0", first, second)
	}
	w.clock.Advance(11 * time.Second)
	if got := reads(); got != 1 {
		t.Errorf("a remembered caller is read again after its life: %d reads", got)
	}
	for range 2 {
		w.caller(w.bearer("clerk", goodSecret()))
	}
	if got := reads() + reads(); got > 1 {
		t.Errorf("a full memory makes room: %d reads", got)
	}
}

// TestPasswordsNameTheirVersion: a password is part of the user that was read, and
// another one makes another version of it.
func TestPasswordsNameTheirVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clerk := w.caller(w.bearerOf("shop", "clerk", access.RoleCustomerUser))
	radmin := w.as("reseller", "radmin", access.RoleResellerAdmin)
	rev := func() uint64 {
		t.Helper()
		d, err := w.svc.GetUser(w.ctx, clerk, clerk.UserID)
		return must(t, d, err).Rev
	}
	change := func(old, fresh string, rev uint64) error {
		return w.svc.ChangePassword(w.ctx, clerk, tenant.ChangePasswordInput{Old: secret.New(old), New: secret.New(fresh), Rev: rev})
	}
	reset := func(fresh string, rev uint64) error {
		return w.svc.ResetPassword(w.ctx, radmin, tenant.ResetPasswordInput{UserID: clerk.UserID, Password: secret.New(fresh), Rev: rev})
	}
	first := rev()
	wantClass(t, "the version that was read", change(goodPassword, "another password", first), 0)
	if err := change("another password", "a third password", first); !errors.Is(err, store.ErrStale) {
		t.Errorf("a change for the version before: %v, want stale", err)
	}
	if err := reset("a third password", first); !errors.Is(err, store.ErrStale) {
		t.Errorf("a reset for the version before: %v, want stale", err)
	}
	w.bearer("clerk", secret.New("another password"))
	wantClass(t, "the version after it", reset("a third password", rev()), 0)
	wantClass(t, "whatever is there", reset("a fourth password", 0), 0)
}
