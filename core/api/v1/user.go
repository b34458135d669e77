package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/sdk/secret"
)

// User is a person in one org.
type User struct {
	ID       string    `json:"id"`
	OrgID    string    `json:"org_id"`
	Login    string    `json:"login"`
	Name     string    `json:"name,omitempty"`
	Email    string    `json:"email,omitempty"`
	Phone    string    `json:"phone,omitempty"`
	Roles    []string  `json:"roles" nullable:"false"`
	Assigned []string  `json:"assigned" nullable:"false" doc:"Customers that a salesperson looks after"`
	State    string    `json:"state" enum:"active,disabled"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
}

// UserFields is the part of a user that may change.
type UserFields struct {
	Name     string   `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Email    string   `json:"email,omitempty" maxLength:"200"`
	Phone    string   `json:"phone,omitempty" maxLength:"50"`
	Roles    []string `json:"roles,omitempty" minItems:"1" maxItems:"20"`
	Assigned []string `json:"assigned,omitempty" maxItems:"10000"`
}

type createUser struct {
	Body struct {
		OrgID    string `json:"org_id,omitempty" maxLength:"64" doc:"Your own org when absent"`
		Login    string `json:"login" minLength:"1" maxLength:"200"`
		Password string `json:"password" minLength:"12" maxLength:"1000"`
		UserFields
		Name  string   `json:"name" minLength:"1" maxLength:"200"`
		Roles []string `json:"roles" minItems:"1" maxItems:"20"`
	}
}

// UserChange is what a change of a user may name.
type UserChange struct {
	State string `json:"state,omitempty" enum:"active,disabled"`
	UserFields
}

type updateUser struct {
	ByID
	api.IfMatch
	api.Changes
	Body UserChange
}

type deleteUser struct {
	ByID
	api.IfMatch
}

type listUsers struct {
	api.Paging
	OrgID string `query:"org_id" maxLength:"64" doc:"Your own org when absent"`
	Role  string `query:"role" enum:"superadmin,operations,sales,finance,ops,auditor,reseller_admin,reseller_sales,customer_admin,customer_user,provider_viewer"`
	State string `query:"state" enum:"active,disabled"`
	Text  string `query:"text" maxLength:"200" doc:"Beginning of the login or the name, in any case"`
}

type changePassword struct {
	api.IfMatch
	Body struct {
		Old string `json:"old" minLength:"1" maxLength:"1000"`
		New string `json:"new" minLength:"12" maxLength:"1000"`
	}
}

type resetPassword struct {
	ByID
	api.IfMatch
	Body struct {
		Password string `json:"password" minLength:"12" maxLength:"1000"`
	}
}

func bindUsers(s *api.Server, svc Services) {
	const tag = "Users"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/users", ID: "create-user", Tag: tag, Status: http.StatusCreated, Summary: "Add a person to an org",
	}, func(ctx context.Context, c access.Caller, in *createUser) (*Versioned[User], error) {
		f := in.Body.UserFields
		return userAnswer(svc.Tenants.CreateUser(ctx, c, tenant.CreateUserInput{
			OrgID: orOwn(in.Body.OrgID, c), Login: in.Body.Login, Password: secret.New(in.Body.Password),
			Name: in.Body.Name, Email: f.Email, Phone: f.Phone, Roles: roles(in.Body.Roles), Assigned: f.Assigned,
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/users", ID: "list-users", Sort: []string{"login", "name", "created"}, Order: "login", Tag: tag, Summary: "List the people of an org",
	}, func(ctx context.Context, c access.Caller, in *listUsers) (*api.ListOut[User], error) {
		p, err := svc.Tenants.ListUsers(ctx, c, tenant.ListUsersInput{
			OrgID: in.OrgID, Role: access.Role(in.Role), State: tenant.UserState(in.State), Text: in.Text,
			Cursor: in.Cursor, Limit: in.Limit, Sort: in.By(), Reverse: in.Down(),
		})
		if err != nil {
			return nil, err
		}
		return listDocs(p, userOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/users/{id}", ID: "get-user", Tag: tag, Summary: "Read a user",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*Versioned[User], error) {
		return userAnswer(svc.Tenants.GetUser(ctx, c, in.ID))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/users/{id}", ID: "update-user", Tag: tag, Summary: "Change a user", Detail: api.Stays,
	}, func(ctx context.Context, c access.Caller, in *updateUser) (*Versioned[User], error) {
		return userAnswer(changed(in.IfMatch, func() (store.Doc[tenant.User], uint64, error) {
			d, err := svc.Tenants.GetUser(ctx, c, in.ID)
			return d, d.Rev, err
		}, func(d store.Doc[tenant.User], rev uint64) (store.Doc[tenant.User], error) {
			u := d.Value
			t := api.Over(in.Changes, UserChange{State: string(u.State), UserFields: UserFields{
				Name: u.Name, Email: u.Email, Phone: u.Phone, Roles: texts(u.Roles), Assigned: u.Assigned,
			}}, in.Body)
			return svc.Tenants.UpdateUser(ctx, c, tenant.UpdateUserInput{
				UserID: in.ID, Rev: rev, Name: t.Name, Email: t.Email, Phone: t.Phone, Roles: roles(t.Roles), Assigned: t.Assigned,
				State: tenant.UserState(t.State),
			})
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodDelete, Path: "/v1/users/{id}", ID: "delete-user", Tag: tag, Status: http.StatusNoContent, Summary: "Remove a user",
	}, func(ctx context.Context, c access.Caller, in *deleteUser) (*Empty, error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return nil, svc.Tenants.DeleteUser(ctx, c, in.ID, rev)
	})
	bindPasswords(s, svc)
}

func bindPasswords(s *api.Server, svc Services) {
	const tag = "Users"
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/users/current/password", ID: "change-password", Tag: tag, Status: http.StatusNoContent,
		Summary: "Change your own password", Detail: "Ends your other sessions. The version is that of your user, `GET /v1/users/{id}`; this makes a new one.",
	}, func(ctx context.Context, c access.Caller, in *changePassword) (*Empty, error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return nil, svc.Tenants.ChangePassword(ctx, c, tenant.ChangePasswordInput{Old: secret.New(in.Body.Old), New: secret.New(in.Body.New), Rev: rev})
	})
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/users/{id}/password", ID: "reset-password", Tag: tag, Status: http.StatusNoContent,
		Summary: "Reset somebody's password", Detail: "Ends all their sessions. The version is the user's; this makes a new one.",
	}, func(ctx context.Context, c access.Caller, in *resetPassword) (*Empty, error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return nil, svc.Tenants.ResetPassword(ctx, c, tenant.ResetPasswordInput{UserID: in.ID, Password: secret.New(in.Body.Password), Rev: rev})
	})
}

func userAnswer(d store.Doc[tenant.User], err error) (*Versioned[User], error) {
	if err != nil {
		return nil, err
	}
	return &Versioned[User]{ETag: api.ETag(d.Rev), Body: userOf(d.Value)}, nil
}

func userOf(u tenant.User) User {
	return User{
		ID: u.ID, OrgID: u.OrgID, Login: u.Login, Name: u.Name, Email: u.Email, Phone: u.Phone, Roles: texts(u.Roles),
		Assigned: rows(u.Assigned), State: string(u.State), Created: u.Created, Updated: u.Updated,
	}
}

func roles(s []string) []access.Role {
	out := make([]access.Role, 0, len(s))
	for _, x := range s {
		out = append(out, access.Role(x))
	}
	return out
}

// texts renders a list of named strings, never as null.
func texts[S ~string](s []S) []string {
	out := make([]string, 0, len(s))
	for _, x := range s {
		out = append(out, string(x))
	}
	return out
}

// listDocs renders a page of stored documents.
func listDocs[D, T any](p store.Page[D], convert func(D) T) *api.ListOut[T] {
	return api.NewList(p.Items, p.Next, func(d store.Doc[D]) T { return convert(d.Value) })
}
