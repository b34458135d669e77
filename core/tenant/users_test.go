package tenant_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

func TestCreateUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	radmin := w.as("reseller", "radmin", access.RoleResellerAdmin)
	operations := w.as("operator", "operations", access.RoleOperations)
	auditor := w.as("reseller", "rauditor", access.RoleAuditor)
	base := func(org string, roles ...access.Role) tenant.CreateUserInput {
		return tenant.CreateUserInput{OrgID: w.org[org].ID, Login: "Somebody@x.example", Name: "N", Roles: roles, Password: goodSecret()}
	}
	with := func(in tenant.CreateUserInput, f func(*tenant.CreateUserInput)) tenant.CreateUserInput {
		f(&in)
		return in
	}
	cadmin := base("shop", access.RoleCustomerAdmin)
	rsales := base("reseller", access.RoleResellerSales)
	cases := map[string]struct {
		reason string
		caller access.Caller
		in     tenant.CreateUserInput
		want   fault.Class
		path   string
	}{
		"Member":            {"an admin makes users below itself", radmin, cadmin, 0, ""},
		"SameRole":          {"an admin makes another admin", radmin, base("reseller", access.RoleResellerAdmin), 0, ""},
		"Assigned":          {"a salesperson with a direct buyer", radmin, with(rsales, func(in *tenant.CreateUserInput) { in.Assigned = []string{w.org["shop"].ID} }), 0, ""},
		"AssignedDeep":      {"what a buyer sells on is not ours", radmin, with(rsales, func(in *tenant.CreateUserInput) { in.Assigned = []string{w.org["farm"].ID} }), fault.ClassInvalid, "assigned"},
		"AssignedForeign":   {"nor a foreign org", radmin, with(rsales, func(in *tenant.CreateUserInput) { in.Assigned = []string{w.org["rival"].ID} }), fault.ClassInvalid, "assigned"},
		"AssignedNonsense":  {"an id has a form", radmin, with(rsales, func(in *tenant.CreateUserInput) { in.Assigned = []string{"x"} }), fault.ClassInvalid, "assigned[0]"},
		"RoleOfOtherKind":   {"a customer has no superadmins", w.super, base("shop", access.RoleSuperadmin), fault.ClassInvalid, "roles[0]"},
		"OperatorRole":      {"nor a reseller operators' roles", radmin, base("reseller", access.RoleOps), fault.ClassInvalid, "roles[0]"},
		"UnknownRole":       {"roles are a closed list", w.super, base("shop", "emperor"), fault.ClassInvalid, "roles[0]"},
		"NoRole":            {"a user has a role", w.super, base("shop"), fault.ClassInvalid, "roles"},
		"RoleTwice":         {"once", w.super, base("shop", access.RoleCustomerUser, access.RoleCustomerUser), fault.ClassInvalid, "roles[1]"},
		"NotOutranked":      {"operations make no superadmin", operations, base("operator", access.RoleSuperadmin), fault.ClassForbidden, ""},
		"NotItself":         {"nor more operations", operations, base("operator", access.RoleOperations), fault.ClassForbidden, ""},
		"Outranked":         {"but finance", operations, base("operator", access.RoleFinance), 0, ""},
		"NoRight":           {"an auditor makes nobody", auditor, cadmin, fault.ClassForbidden, ""},
		"Upwards":           {"nobody makes users above itself", radmin, base("operator", access.RoleFinance), fault.ClassNotFound, ""},
		"Sideways":          {"nor beside itself", radmin, base("rival", access.RoleResellerAdmin), fault.ClassNotFound, ""},
		"OtherRoot":         {"nor in another root", w.super, base("other", access.RoleSuperadmin), fault.ClassNotFound, ""},
		"NoOrg":             {"nor nowhere", w.super, with(cadmin, func(in *tenant.CreateUserInput) { in.OrgID = "" }), fault.ClassNotFound, ""},
		"ShortPassword":     {"12 characters", w.super, with(cadmin, func(in *tenant.CreateUserInput) { in.Password = secret.New("elevenchars") }), fault.ClassInvalid, "password"},
		"PasswordIsLogin":   {"not the login, in any case", w.super, with(cadmin, func(in *tenant.CreateUserInput) { in.Password = secret.New("SOMEBODY@x.example") }), fault.ClassInvalid, "password"},
		"RepeatedCharacter": {"not one character", w.super, with(cadmin, func(in *tenant.CreateUserInput) { in.Password = secret.New(strings.Repeat("a", 20)) }), fault.ClassInvalid, "password"},
		"HugePassword":      {"bounded: hashing costs", w.super, with(cadmin, func(in *tenant.CreateUserInput) { in.Password = secret.New(strings.Repeat("ab", 200)) }), fault.ClassInvalid, "password"},
		"BadLogin":          {"logins are plain", w.super, with(cadmin, func(in *tenant.CreateUserInput) { in.Login = "a b\n" }), fault.ClassInvalid, "login"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			doc, err := w.svc.CreateUser(w.ctx, tc.caller, tc.in)
			wantClass(t, tc.reason, err, tc.want)
			if tc.path != "" && !slices.ContainsFunc(fault.As(err).Fields, func(f fault.Field) bool { return f.Path == tc.path }) {
				t.Errorf("%s: no field %q in %v", tc.reason, tc.path, err)
			}
			if err != nil {
				return
			}
			if doc.Value.Login != "somebody@x.example" || doc.Value.RootID != w.root.Org.ID {
				t.Errorf("%s: got %+v", tc.reason, doc.Value)
			}
			_, err = w.svc.CreateUser(w.ctx, w.super, cadmin)
			wantClass(t, "a login is taken once, over all orgs", err, fault.ClassConflict)
			if err := w.svc.DeleteUser(w.ctx, w.super, doc.Value.ID, 0); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReadUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	radmin := w.as("reseller", "radmin", access.RoleResellerAdmin)
	clerk := w.as("shop", "clerk", access.RoleCustomerUser)
	colleague := w.newUser("shop", "colleague", access.RoleCustomerUser)
	foreign := w.newUser("rival", "foreign", access.RoleResellerAdmin)
	get := func(c access.Caller, user string) error { _, err := w.svc.GetUser(w.ctx, c, user); return err }
	wantClass(t, "a seller sees its buyers' users", get(radmin, colleague.Value.ID), 0)
	wantClass(t, "everybody sees itself", get(clerk, clerk.UserID), 0)
	wantClass(t, "but not its colleagues without the right", get(clerk, colleague.Value.ID), fault.ClassNotFound)
	wantClass(t, "a foreign user does not exist", get(radmin, foreign.Value.ID), fault.ClassNotFound)
	if got, want := get(radmin, foreign.Value.ID).Error(), fault.NotFound("user", foreign.Value.ID).Error(); got != want {
		t.Errorf("%q differs from the answer to a missing id, %q", got, want)
	}
	page, err := w.svc.ListUsers(w.ctx, radmin, tenant.ListUsersInput{OrgID: w.org["shop"].ID, Limit: 1})
	if err != nil || len(page.Items) != 1 || page.Items[0].Value.Login != "clerk" || page.Next == "" {
		t.Errorf("the first page, by login: %+v %v", page, err)
	}
	page, err = w.svc.ListUsers(w.ctx, radmin, tenant.ListUsersInput{OrgID: w.org["shop"].ID, Limit: 1, Cursor: page.Next})
	if err != nil || len(page.Items) != 1 || page.Items[0].Value.Login != "colleague" || page.Next != "" {
		t.Errorf("the last page: %+v %v", page, err)
	}
	for name, class := range map[string]fault.Class{"rival": fault.ClassNotFound, "operator": fault.ClassNotFound, "reseller": 0} {
		_, err := w.svc.ListUsers(w.ctx, radmin, tenant.ListUsersInput{OrgID: w.org[name].ID, Limit: 10})
		wantClass(t, name, err, class)
	}
	_, err = w.svc.ListUsers(w.ctx, clerk, tenant.ListUsersInput{Limit: 10})
	wantClass(t, "no list without the right", err, fault.ClassForbidden)
}

// asInput is the update that changes nothing.
func asInput(u tenant.User) tenant.UpdateUserInput {
	return tenant.UpdateUserInput{UserID: u.ID, Name: u.Name, Email: u.Email, Phone: u.Phone, Roles: u.Roles,
		Assigned: u.Assigned, State: u.State}
}

func TestUpdateUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	radmin := w.as("reseller", "radmin", access.RoleResellerAdmin)
	operations := w.as("operator", "operations", access.RoleOperations)
	clerk := w.as("shop", "clerk", access.RoleCustomerUser)
	colleague := w.newUser("shop", "colleague", access.RoleCustomerUser).Value
	me := func(c access.Caller) tenant.User {
		doc, err := w.svc.GetUser(w.ctx, w.super, c.UserID)
		return must(t, doc, err).Value
	}
	edit := func(u tenant.User, f func(*tenant.UpdateUserInput)) tenant.UpdateUserInput {
		in := asInput(u)
		f(&in)
		return in
	}
	cases := map[string]struct {
		reason string
		caller access.Caller
		in     tenant.UpdateUserInput
		want   fault.Class
	}{
		"Rename":           {"a seller keeps its buyers' users", radmin, edit(colleague, func(in *tenant.UpdateUserInput) { in.Name = "new" }), 0},
		"OwnName":          {"everybody its own name", clerk, edit(me(clerk), func(in *tenant.UpdateUserInput) { in.Name = "new" }), 0},
		"OwnRoles":         {"but not its own roles", clerk, edit(me(clerk), func(in *tenant.UpdateUserInput) { in.Roles = []access.Role{access.RoleCustomerAdmin} }), fault.ClassForbidden},
		"OwnRolesAsAdmin":  {"not even an admin", radmin, edit(me(radmin), func(in *tenant.UpdateUserInput) { in.Roles = []access.Role{access.RoleFinance} }), fault.ClassForbidden},
		"OwnState":         {"nor its own state", w.super, edit(me(w.super), func(in *tenant.UpdateUserInput) { in.State = tenant.UserDisabled }), fault.ClassForbidden},
		"Colleague":        {"nor a colleague", clerk, edit(colleague, func(in *tenant.UpdateUserInput) { in.Name = "x" }), fault.ClassNotFound},
		"Superior":         {"nobody manages who outranks it", operations, edit(me(w.super), func(in *tenant.UpdateUserInput) { in.Name = "x" }), fault.ClassForbidden},
		"GrantTooMuch":     {"nor hands out what outranks it", operations, edit(w.newUser("operator", "finance1", access.RoleFinance).Value, func(in *tenant.UpdateUserInput) { in.Roles = []access.Role{access.RoleSuperadmin} }), fault.ClassForbidden},
		"RoleOfOtherKind":  {"roles fit the org", radmin, edit(colleague, func(in *tenant.UpdateUserInput) { in.Roles = []access.Role{access.RoleResellerAdmin} }), fault.ClassInvalid},
		"UnknownState":     {"states are a closed list", radmin, edit(colleague, func(in *tenant.UpdateUserInput) { in.State = "asleep" }), fault.ClassInvalid},
		"StaleRevision":    {"somebody was faster", radmin, edit(colleague, func(in *tenant.UpdateUserInput) { in.Rev = 99 }), fault.ClassConflict},
		"ForeignUser":      {"a foreign user does not exist", radmin, edit(w.newUser("rival", "foreign", access.RoleResellerAdmin).Value, func(in *tenant.UpdateUserInput) { in.Name = "x" }), fault.ClassNotFound},
		"MissingUser":      {"nor does a missing one", radmin, edit(tenant.User{ID: "none", Roles: colleague.Roles, State: tenant.UserActive}, func(in *tenant.UpdateUserInput) { in.Name = "x" }), fault.ClassNotFound},
		"ForeignMadeBuyer": {"an assignment stays within the direct buyers", radmin, edit(w.newUser("reseller", "sales1", access.RoleResellerSales).Value, func(in *tenant.UpdateUserInput) { in.Assigned = []string{w.org["stranger"].ID} }), fault.ClassInvalid},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := w.svc.UpdateUser(w.ctx, tc.caller, tc.in)
			wantClass(t, tc.reason, err, tc.want)
		})
	}
}

func TestOwnTokenDoesNotManageItsUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clerk := w.as("shop", "clerk", access.RoleCustomerUser)
	made, err := w.svc.CreateToken(w.ctx, clerk, tenant.CreateTokenInput{Name: "t", Scopes: []access.Right{access.OrderRead},
		Expires: start.AddDate(0, 1, 0)})
	token := w.caller(must(t, made, err).Bearer.Reveal())
	doc, err := w.svc.GetUser(w.ctx, w.super, clerk.UserID)
	_, err = w.svc.UpdateUser(w.ctx, token, asInput(must(t, doc, err).Value))
	wantClass(t, "a token for orders changes no names", err, fault.ClassNotFound)
	wantClass(t, "nor passwords", w.svc.ChangePassword(w.ctx, token, tenant.ChangePasswordInput{Old: goodSecret(), New: secret.New("a new password")}), fault.ClassForbidden)
	wantClass(t, "nor ends sessions", w.svc.EndSession(w.ctx, token, clerk.SessionID), fault.ClassNotFound)
	wantClass(t, "nor revokes itself", w.svc.RevokeToken(w.ctx, token, token.TokenID), fault.ClassNotFound)
	_, err = w.svc.CreateToken(w.ctx, token, tenant.CreateTokenInput{Name: "t", Scopes: []access.Right{access.OrderRead}, Expires: start.AddDate(0, 2, 0)})
	wantClass(t, "nor prolongs itself", err, fault.ClassForbidden)
}

func TestTheLastSuperadminStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := w.newUser("operator", "second", access.RoleSuperadmin)
	other := w.signIn("second", goodSecret())
	first := w.root.User

	in := asInput(first)
	in.Roles = []access.Role{access.RoleAuditor}
	if _, err := w.svc.UpdateUser(w.ctx, other, in); err != nil {
		t.Fatalf("one of two superadmins may go: %v", err)
	}
	// A third party with the right: the system itself.
	system := access.System(w.root.Org.ID)
	in = asInput(second.Value)
	in.State = tenant.UserDisabled
	_, err := w.svc.UpdateUser(w.ctx, system, in)
	wantClass(t, "disabling the last", err, fault.ClassPrecondition)
	in.State, in.Roles = tenant.UserActive, []access.Role{access.RoleOps}
	_, err = w.svc.UpdateUser(w.ctx, system, in)
	wantClass(t, "demoting the last", err, fault.ClassPrecondition)
	wantClass(t, "deleting the last", w.svc.DeleteUser(w.ctx, system, second.Value.ID, 0), fault.ClassPrecondition)
	wantClass(t, "deleting oneself", w.svc.DeleteUser(w.ctx, other, other.UserID, 0), fault.ClassForbidden)

	in = asInput(first)
	in.Roles, in.State = []access.Role{access.RoleSuperadmin}, tenant.UserDisabled
	if _, err := w.svc.UpdateUser(w.ctx, other, in); err != nil {
		t.Fatal(err)
	}
	wantClass(t, "a disabled superadmin does not count", w.svc.DeleteUser(w.ctx, system, second.Value.ID, 0), fault.ClassPrecondition)
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	radmin := w.as("reseller", "radmin", access.RoleResellerAdmin)
	bearer := w.bearerOf("shop", "clerk", access.RoleCustomerUser)
	clerk := w.caller(bearer)
	wantClass(t, "a stale revision", w.svc.DeleteUser(w.ctx, radmin, clerk.UserID, 7), fault.ClassConflict)
	wantClass(t, "no right", w.svc.DeleteUser(w.ctx, clerk, radmin.UserID, 0), fault.ClassNotFound)
	wantClass(t, "with the right", w.svc.DeleteUser(w.ctx, radmin, clerk.UserID, 1), 0)
	_, err := w.svc.Authenticate(w.ctx, bearer)
	wantClass(t, "its session ends at once", err, fault.ClassUnauthenticated)
	_, err = w.svc.SignIn(w.ctx, tenant.SignInInput{Login: "clerk", Password: goodSecret()})
	wantClass(t, "and it cannot sign in", err, fault.ClassUnauthenticated)
	w.view(func(r store.Reader) {
		if got, err := w.svc.AssignedTx(r, clerk.UserID); err != nil || got != nil {
			t.Errorf("a user that is gone looks after nobody: %v %v", got, err)
		}
	})
}

func TestDisabledUserIsSignedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bearer := w.bearerOf("shop", "clerk", access.RoleCustomerUser)
	clerk := w.caller(bearer)
	doc, err := w.svc.GetUser(w.ctx, w.super, clerk.UserID)
	in := asInput(must(t, doc, err).Value)
	in.State = tenant.UserDisabled
	if _, err := w.svc.UpdateUser(w.ctx, w.super, in); err != nil {
		t.Fatal(err)
	}
	_, err = w.svc.Authenticate(w.ctx, bearer)
	wantClass(t, "disabled", err, fault.ClassUnauthenticated)
	_, err = w.svc.SignIn(w.ctx, tenant.SignInInput{Login: "clerk", Password: goodSecret()})
	wantClass(t, "no new session either", err, fault.ClassUnauthenticated)
	in.State = tenant.UserActive
	if _, err := w.svc.UpdateUser(w.ctx, w.super, in); err != nil {
		t.Fatal(err)
	}
	_, err = w.svc.Authenticate(w.ctx, bearer)
	wantClass(t, "old sessions do not come back", err, fault.ClassUnauthenticated)
}

func TestRolesTakeEffectAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bearer := w.bearerOf("shop", "clerk", access.RoleCustomerUser)
	clerk := w.caller(bearer)
	doc, err := w.svc.GetUser(w.ctx, w.super, clerk.UserID)
	in := asInput(must(t, doc, err).Value)
	in.Roles = []access.Role{access.RoleAuditor}
	if _, err := w.svc.UpdateUser(w.ctx, w.super, in); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in.Roles, w.caller(bearer).Roles); diff != "" {
		t.Errorf("the remembered caller is stale (-want +got):\n%s", diff)
	}
}
