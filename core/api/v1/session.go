package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/tenant"
	"tradewind.example/sdk/secret"
)

// Session is a signed-in user.
type Session struct {
	ID        string    `json:"id"`
	UserID    string    `json:"user_id"`
	OrgID     string    `json:"org_id"`
	IP        string    `json:"ip,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	Created   time.Time `json:"created"`
	LastSeen  time.Time `json:"last_seen"`
	Expires   time.Time `json:"expires"`
}

// SignedIn is a new session with its bearer.
type SignedIn struct {
	Token   string  `json:"token" doc:"Send it as Authorization: Bearer; it is shown this once"`
	Session Session `json:"session"`
}

type signIn struct {
	UserAgent string `header:"User-Agent" maxLength:"1000"`
	Body      struct {
		Login    string `json:"login" minLength:"1" maxLength:"200"`
		Password string `json:"password" minLength:"1" maxLength:"1000"`
	}
}

type listKeys struct {
	api.Paging
	UserID string `query:"user_id" maxLength:"64" doc:"Of this user; you when absent"`
}

// Me is who asks.
type Me struct {
	UserID string   `json:"user_id"`
	OrgID  string   `json:"org_id"`
	RootID string   `json:"root_id,omitempty" doc:"Absent when it is above your seller"`
	Path   []string `json:"path" nullable:"false" doc:"From your seller to your org"`
	Roles  []string `json:"roles" nullable:"false"`
	Rights []string `json:"rights" nullable:"false"`
}

func bindSessions(s *api.Server, svc Services) {
	const tag = "Sessions"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/sessions", ID: "sign-in", Tag: tag, Status: http.StatusCreated, Public: true, Summary: "Sign in",
	}, func(ctx context.Context, c access.Caller, in *signIn) (*One[SignedIn], error) {
		out, err := svc.Tenants.SignIn(ctx, tenant.SignInInput{
			Login: in.Body.Login, Password: secret.New(in.Body.Password), IP: api.RemoteIP(ctx), UserAgent: in.UserAgent,
		})
		if err != nil {
			return nil, err
		}
		return &One[SignedIn]{SignedIn{Token: out.Bearer.Reveal(), Session: sessionOf(out.Session)}}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/sessions", ID: "list-sessions", Sort: []string{"created"}, Order: "-created", Tag: tag, Summary: "List sessions",
	}, func(ctx context.Context, c access.Caller, in *listKeys) (*api.ListOut[Session], error) {
		p, err := svc.Tenants.ListSessions(ctx, c, tenant.ListKeysInput{UserID: in.UserID, Cursor: in.Cursor, Limit: in.Limit, OldestFirst: !in.Down()})
		if err != nil {
			return nil, err
		}
		return listDocs(p, sessionOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/sessions/current", ID: "who-am-i", Tag: tag, Summary: "Who am I, and what may I do",
	}, func(_ context.Context, c access.Caller, _ *struct{}) (*One[Me], error) {
		me := Me{UserID: c.UserID, OrgID: c.OrgID, RootID: standpoint{c}.shown(c.RootID), Path: standpoint{c}.from(c.Path), Roles: texts(c.Roles), Rights: texts(svc.Access.Rights(c))}
		return &One[Me]{me}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodDelete, Path: "/v1/sessions/current", ID: "sign-out", Tag: tag, Status: http.StatusNoContent, Summary: "Sign out",
	}, func(ctx context.Context, c access.Caller, _ *struct{}) (*Empty, error) {
		return nil, svc.Tenants.SignOut(ctx, c)
	})
	api.Handle(s, api.Route{
		Method: http.MethodDelete, Path: "/v1/sessions/{id}", ID: "end-session", Tag: tag, Status: http.StatusNoContent, Summary: "End a session",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*Empty, error) {
		return nil, svc.Tenants.EndSession(ctx, c, in.ID)
	})
}

func sessionOf(x tenant.Session) Session {
	return Session{ID: x.ID, UserID: x.UserID, OrgID: x.OrgID, IP: x.IP, UserAgent: x.UserAgent, Created: x.Created, LastSeen: x.LastSeen, Expires: x.Expires}
}
