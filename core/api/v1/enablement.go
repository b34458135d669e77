package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/provider"
	"tradewind.example/sdk/secret"
)

// Enablement is the fact that an org may order from a provider.
type Enablement struct {
	ID              string            `json:"id"`
	ProviderID      string            `json:"provider_id"`
	OrgID           string            `json:"org_id"`
	GrantID         string            `json:"grant_id,omitempty"`
	Shared          bool              `json:"shared" doc:"It uses the granter's account"`
	CoversAll       bool              `json:"covers_all" doc:"It covers every customer below the org"`
	CoversCustomers []string          `json:"covers_customers" nullable:"false"`
	CredentialNames []string          `json:"credential_names" nullable:"false" doc:"Which credentials are set; their values are never returned"`
	Settings        map[string]string `json:"settings,omitempty"`
	State           string            `json:"state" enum:"pending,active,failed,disabled,revoked"`
	Account         string            `json:"account,omitempty" doc:"The cloud's own name of the account"`
	Checked         *time.Time        `json:"checked,omitempty"`
	Checking        bool              `json:"checking" doc:"New credentials are being checked"`
	Problem         string            `json:"problem,omitempty" doc:"Why the last check failed"`
	Notes           []string          `json:"notes" nullable:"false"`
	Created         time.Time         `json:"created"`
	Updated         time.Time         `json:"updated"`
}

// credentials are write-only: they go in and never come out.
type credentials map[string]string

func (c credentials) secrets() map[string]secret.Value {
	if len(c) == 0 {
		return nil
	}
	out := make(map[string]secret.Value, len(c))
	for k, v := range c {
		out[k] = secret.New(v)
	}
	return out
}

type createEnablement struct {
	Body struct {
		ProviderID      string            `json:"provider_id" minLength:"1" maxLength:"64"`
		OrgID           string            `json:"org_id,omitempty" maxLength:"64" doc:"Your own org when absent"`
		CoversAll       bool              `json:"covers_all,omitempty"`
		CoversCustomers []string          `json:"covers_customers,omitempty" maxItems:"1000"`
		Credentials     credentials       `json:"credentials,omitempty" maxProperties:"50" doc:"The secret part of the plugin's config schema; absent: the granter's account, if shared"`
		Settings        map[string]string `json:"settings,omitempty" maxProperties:"100" doc:"The rest of the plugin's config schema"`
	}
}

// EnablementTerms is the part of an enablement that may change.
type EnablementTerms struct {
	CoversAll       bool              `json:"covers_all,omitempty"`
	CoversCustomers []string          `json:"covers_customers,omitempty" maxItems:"1000"`
	Settings        map[string]string `json:"settings,omitempty" maxProperties:"100"`
}

type updateEnablement struct {
	ByID
	api.IfMatch
	api.Changes
	Body EnablementTerms
}

type replaceCredentials struct {
	ByID
	api.IfMatch
	Body struct {
		Credentials credentials `json:"credentials" minProperties:"1" maxProperties:"50"`
	}
}

type changeEnablement struct {
	ByID
	api.IfMatch
}

type listEnablements struct {
	api.Paging
	ProviderID string `query:"provider_id" maxLength:"64"`
	OrgID      string `query:"org_id" maxLength:"64"`
	State      string `query:"state" enum:"pending,active,failed,disabled,revoked"`
}

func bindEnablements(s *api.Server, svc Services) {
	const tag = "Enablements"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/enablements", ID: "create-enablement", Tag: tag, Status: http.StatusCreated,
		Summary: "Enable a provider for an org", Detail: "The credentials are encrypted and checked with the cloud; the enablement becomes active when they are good.",
	}, func(ctx context.Context, c access.Caller, in *createEnablement) (*Versioned[Enablement], error) {
		return enablementAnswer(svc.Providers.Enable(ctx, c, provider.EnableInput{
			ProviderID: in.Body.ProviderID, OrgID: in.Body.OrgID, CoversAll: in.Body.CoversAll, CoversCustomers: in.Body.CoversCustomers,
			Credentials: in.Body.Credentials.secrets(), Settings: in.Body.Settings,
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/enablements", ID: "list-enablements", Sort: []string{"created"}, Order: "created", Tag: tag, Summary: "List enablements",
	}, func(ctx context.Context, c access.Caller, in *listEnablements) (*api.ListOut[Enablement], error) {
		p, err := svc.Providers.Enablements(ctx, c, provider.EnablementFilter{
			ProviderID: in.ProviderID, OrgID: in.OrgID, State: provider.State(in.State), Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Down(),
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, enablementOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/enablements/{id}", ID: "get-enablement", Tag: tag, Summary: "Read an enablement",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*Versioned[Enablement], error) {
		return enablementAnswer(svc.Providers.Enablement(ctx, c, in.ID))
	})
	bindEnablementChanges(s, svc)
}

func bindEnablementChanges(s *api.Server, svc Services) {
	const tag = "Enablements"
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/enablements/{id}", ID: "update-enablement", Tag: tag, Summary: "Change whom an enablement covers and its settings", Detail: api.Stays,
	}, func(ctx context.Context, c access.Caller, in *updateEnablement) (*Versioned[Enablement], error) {
		return enablementAnswer(changed(in.IfMatch, func() (provider.Enablement, uint64, error) {
			e, err := svc.Providers.Enablement(ctx, c, in.ID)
			return e, e.Rev, err
		}, func(e provider.Enablement, rev uint64) (provider.Enablement, error) {
			t := api.Over(in.Changes, EnablementTerms{CoversAll: e.CoversAll, CoversCustomers: e.CoversCustomers, Settings: e.Settings}, in.Body)
			return svc.Providers.Change(ctx, c, provider.ChangeInput{
				ID: in.ID, Rev: rev, CoversAll: t.CoversAll, CoversCustomers: t.CoversCustomers, Settings: t.Settings,
			})
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/enablements/{id}/credentials", ID: "replace-credentials", Tag: tag, Summary: "Replace the credentials", Detail: "The new ones are checked with the cloud first.",
	}, func(ctx context.Context, c access.Caller, in *replaceCredentials) (*Versioned[Enablement], error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return enablementAnswer(svc.Providers.ReplaceCredentials(ctx, c, in.ID, rev, in.Body.Credentials.secrets()))
	})
	for _, change := range []struct {
		verb, summary, detail string
		do                    func(context.Context, access.Caller, string, uint64) (provider.Enablement, error)
	}{
		{"disable", "Stop new orders and renewals", "Existing resources stay visible and can be stopped and released.", svc.Providers.Disable},
		{"resume", "Take orders again", "The credentials are checked first.", svc.Providers.Resume},
	} {
		api.Handle(s, api.Route{
			Method: http.MethodPost, Path: "/v1/enablements/{id}/" + change.verb, ID: change.verb + "-enablement", Tag: tag, Summary: change.summary, Detail: change.detail,
		}, func(ctx context.Context, c access.Caller, in *changeEnablement) (*Versioned[Enablement], error) {
			rev, err := in.Revision()
			if err != nil {
				return nil, err
			}
			return enablementAnswer(change.do(ctx, c, in.ID, rev))
		})
	}
}

func enablementAnswer(e provider.Enablement, err error) (*Versioned[Enablement], error) {
	if err != nil {
		return nil, err
	}
	return &Versioned[Enablement]{ETag: api.ETag(e.Rev), Body: enablementOf(e)}, nil
}

func enablementOf(e provider.Enablement) Enablement {
	return Enablement{
		ID: e.ID, ProviderID: e.ProviderID, OrgID: e.OrgID, GrantID: e.GrantID, Shared: e.Shared, CoversAll: e.CoversAll,
		CoversCustomers: rows(e.CoversCustomers), CredentialNames: rows(e.CredentialNames), Settings: e.Settings, State: string(e.State),
		Account: e.Account, Checked: when(e.CheckedAt), Checking: e.Checking, Problem: e.Problem, Notes: rows(e.Notes),
		Created: e.Created, Updated: e.Updated,
	}
}

// rows never renders null for an empty list.
func rows(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
