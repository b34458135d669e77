package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/tenant"
)

// Token is an API token of a user. Its text is shown once, when it is made.
type Token struct {
	ID       string     `json:"id"`
	UserID   string     `json:"user_id"`
	OrgID    string     `json:"org_id"`
	Name     string     `json:"name"`
	Scopes   []string   `json:"scopes" nullable:"false" doc:"Of the user's rights, only these"`
	Created  time.Time  `json:"created"`
	LastUsed *time.Time `json:"last_used,omitempty"`
	Expires  time.Time  `json:"expires"`
}

// NewToken is a token with its text.
type NewToken struct {
	Secret string `json:"secret" doc:"Send it as Authorization: Bearer; it is shown this once"`
	Token  Token  `json:"token"`
}

type createToken struct {
	Body struct {
		Name    string    `json:"name" minLength:"1" maxLength:"200"`
		Scopes  []string  `json:"scopes" minItems:"1" maxItems:"200" doc:"Rights, for example order.create; never more than your own"`
		Expires time.Time `json:"expires"`
	}
}

func bindTokens(s *api.Server, svc Services) {
	const tag = "Tokens"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/tokens", ID: "create-token", Tag: tag, Status: http.StatusCreated, Summary: "Make an API token for yourself",
	}, func(ctx context.Context, c access.Caller, in *createToken) (*One[NewToken], error) {
		scopes := make([]access.Right, 0, len(in.Body.Scopes))
		for _, x := range in.Body.Scopes {
			scopes = append(scopes, access.Right(x))
		}
		out, err := svc.Tenants.CreateToken(ctx, c, tenant.CreateTokenInput{Name: in.Body.Name, Scopes: scopes, Expires: in.Body.Expires.UTC()})
		if err != nil {
			return nil, err
		}
		return &One[NewToken]{NewToken{Secret: out.Bearer.Reveal(), Token: tokenOf(out.Token)}}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/tokens", ID: "list-tokens", Sort: []string{"created"}, Order: "-created", Tag: tag, Summary: "List API tokens",
	}, func(ctx context.Context, c access.Caller, in *listKeys) (*api.ListOut[Token], error) {
		p, err := svc.Tenants.ListTokens(ctx, c, tenant.ListKeysInput{UserID: in.UserID, Cursor: in.Cursor, Limit: in.Limit, OldestFirst: !in.Down()})
		if err != nil {
			return nil, err
		}
		return listDocs(p, tokenOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodDelete, Path: "/v1/tokens/{id}", ID: "revoke-token", Tag: tag, Status: http.StatusNoContent, Summary: "Revoke an API token",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*Empty, error) {
		return nil, svc.Tenants.RevokeToken(ctx, c, in.ID)
	})
}

func tokenOf(t tenant.Token) Token {
	return Token{ID: t.ID, UserID: t.UserID, OrgID: t.OrgID, Name: t.Name, Scopes: texts(t.Scopes), Created: t.Created, LastUsed: when(t.LastUsed), Expires: t.Expires}
}
