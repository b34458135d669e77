package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/provider"
)

// Grant lets an org below enable a provider.
type Grant struct {
	ID                string     `json:"id"`
	ProviderID        string     `json:"provider_id"`
	From              string     `json:"from,omitempty" doc:"The granting org; absent when it is above your seller"`
	To                string     `json:"to" doc:"The org that may enable the provider"`
	SharedCredentials bool       `json:"shared_credentials" doc:"It may use the granter's account at the cloud"`
	State             string     `json:"state" enum:"active,revoked"`
	Created           time.Time  `json:"created"`
	Revoked           *time.Time `json:"revoked,omitempty"`
}

type createGrant struct {
	Body struct {
		ProviderID        string `json:"provider_id" minLength:"1" maxLength:"64"`
		From              string `json:"from,omitempty" maxLength:"64" doc:"Your own org when absent"`
		To                string `json:"to" minLength:"1" maxLength:"64" doc:"An org below"`
		SharedCredentials bool   `json:"shared_credentials,omitempty"`
	}
}

type revokeGrant struct {
	ByID
	api.IfMatch
}

type listGrants struct {
	api.Paging
	ProviderID string `query:"provider_id" maxLength:"64"`
	To         string `query:"to" maxLength:"64"`
	State      string `query:"state" enum:"active,revoked"`
}

func bindGrants(s *api.Server, svc Services) {
	const tag = "Grants"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/grants", ID: "create-grant", Tag: tag, Status: http.StatusCreated, Summary: "Let an org below enable a provider",
	}, func(ctx context.Context, c access.Caller, in *createGrant) (*Versioned[Grant], error) {
		return standpoint{c}.grantAnswer(svc.Providers.Grant(ctx, c, provider.GrantInput{
			ProviderID: in.Body.ProviderID, From: in.Body.From, To: in.Body.To, SharedCredentials: in.Body.SharedCredentials,
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/grants", ID: "list-grants", Sort: []string{"created"}, Order: "created", Tag: tag, Summary: "List grants",
	}, func(ctx context.Context, c access.Caller, in *listGrants) (*api.ListOut[Grant], error) {
		p, err := svc.Providers.Grants(ctx, c, provider.GrantFilter{
			ProviderID: in.ProviderID, To: in.To, State: provider.State(in.State), Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Down(),
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, standpoint{c}.grantOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/grants/{id}", ID: "get-grant", Tag: tag, Summary: "Read a grant",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*Versioned[Grant], error) {
		return standpoint{c}.grantAnswer(svc.Providers.GetGrant(ctx, c, in.ID))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/grants/{id}/revoke", ID: "revoke-grant", Tag: tag,
		Summary: "Take a grant back", Detail: "Disables everything below it: grants handed on and enablements.",
	}, func(ctx context.Context, c access.Caller, in *revokeGrant) (*Versioned[Grant], error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return standpoint{c}.grantAnswer(svc.Providers.Revoke(ctx, c, in.ID, rev))
	})
}

func (s standpoint) grantAnswer(g provider.Grant, err error) (*Versioned[Grant], error) {
	if err != nil {
		return nil, err
	}
	return &Versioned[Grant]{ETag: api.ETag(g.Rev), Body: s.grantOf(g)}, nil
}

func (s standpoint) grantOf(g provider.Grant) Grant {
	return Grant{
		ID: g.ID, ProviderID: g.ProviderID, From: s.shown(g.From), To: g.To, SharedCredentials: g.SharedCredentials,
		State: string(g.State), Created: g.Created, Revoked: when(g.Revoked),
	}
}
