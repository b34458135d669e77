package v1

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/pricing"
	"tradewind.example/core/provider"
)

// Provider is a cloud on sale.
type Provider struct {
	ID           string            `json:"id"`
	PluginName   string            `json:"plugin_name"`
	OrgID        string            `json:"org_id,omitempty" doc:"The commercial org that is paid for it; for the operator and itself"`
	Title        string            `json:"title"`
	Settle       string            `json:"settle,omitempty" doc:"Of the leg provider to operator, where its protocol says nothing"`
	Endpoint     string            `json:"endpoint,omitempty" doc:"Overrides the cloud's default URL"`
	Settings     map[string]string `json:"settings,omitempty" doc:"Defaults of the non-secret part of an account's config"`
	ContractFrom *time.Time        `json:"contract_from,omitempty"`
	ContractTo   *time.Time        `json:"contract_to,omitempty"`
	State        string            `json:"state" enum:"active,disabled"`
	Created      time.Time         `json:"created"`
	Updated      time.Time         `json:"updated"`
}

// ProviderTerms is the part of a provider that may change.
type ProviderTerms struct {
	Title        string            `json:"title,omitempty" maxLength:"200" doc:"The plugin's own when empty"`
	Settle       string            `json:"settle,omitempty" enum:"realtime,period" doc:"period when absent on creation"`
	Endpoint     string            `json:"endpoint,omitempty" maxLength:"500"`
	Settings     map[string]string `json:"settings,omitempty" maxProperties:"100"`
	ContractFrom *time.Time        `json:"contract_from,omitempty" nullable:"true"`
	ContractTo   *time.Time        `json:"contract_to,omitempty" nullable:"true"`
}

func termsOf(p Provider) ProviderTerms {
	return ProviderTerms{Title: p.Title, Settle: p.Settle, Endpoint: p.Endpoint, Settings: p.Settings, ContractFrom: p.ContractFrom, ContractTo: p.ContractTo}
}

type createProvider struct {
	Body struct {
		PluginName string `json:"plugin_name" minLength:"1" maxLength:"200" doc:"An installed plugin"`
		OrgID      string `json:"org_id" minLength:"1" maxLength:"64" doc:"An org of kind provider"`
		ProviderTerms
	}
}

type updateProvider struct {
	ByID
	api.IfMatch
	api.Changes
	Body ProviderTerms
}

type setProviderState struct {
	ByID
	api.IfMatch
	Body struct {
		State string `json:"state" enum:"active,disabled"`
	}
}

type listProviders struct {
	api.Paging
	State string `query:"state" enum:"active,disabled"`
}

func bindProviders(s *api.Server, svc Services) {
	const tag = "Providers"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/providers", ID: "create-provider", Tag: tag, Status: http.StatusCreated,
		Summary: "Put an installed plugin on sale",
	}, func(ctx context.Context, c access.Caller, in *createProvider) (*Versioned[Provider], error) {
		t := in.Body.ProviderTerms
		return providerAnswer(svc.Providers.Register(ctx, c, provider.RegisterInput{
			PluginName: in.Body.PluginName, OrgID: in.Body.OrgID, Title: t.Title, Endpoint: t.Endpoint,
			Settle:   cmp.Or(pricing.SettleMode(t.Settle), pricing.SettlePeriod),
			Settings: t.Settings, ContractFrom: moment(t.ContractFrom), ContractTo: moment(t.ContractTo),
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/providers", ID: "list-providers", Sort: []string{"created", "title"}, Order: "created", Tag: tag, Summary: "List providers",
	}, func(ctx context.Context, c access.Caller, in *listProviders) (*api.ListOut[Provider], error) {
		p, err := svc.Providers.Providers(ctx, c, provider.ProviderFilter{State: provider.State(in.State), Cursor: in.Cursor, Limit: in.Limit, Sort: in.By(), Reverse: in.Down()})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, providerOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/providers/{id}", ID: "get-provider", Tag: tag, Summary: "Read a provider",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*Versioned[Provider], error) {
		return providerAnswer(svc.Providers.Provider(ctx, c, in.ID))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/providers/{id}", ID: "update-provider", Tag: tag, Summary: "Change a provider", Detail: api.Stays,
	}, func(ctx context.Context, c access.Caller, in *updateProvider) (*Versioned[Provider], error) {
		return providerAnswer(changed(in.IfMatch, func() (provider.Provider, uint64, error) {
			p, err := svc.Providers.Provider(ctx, c, in.ID)
			return p, p.Rev, err
		}, func(p provider.Provider, rev uint64) (provider.Provider, error) {
			t := api.Over(in.Changes, termsOf(providerOf(p)), in.Body)
			return svc.Providers.Update(ctx, c, provider.UpdateInput{
				ID: in.ID, Rev: rev, Title: t.Title, Settle: pricing.SettleMode(t.Settle), Endpoint: t.Endpoint,
				Settings: t.Settings, ContractFrom: moment(t.ContractFrom), ContractTo: moment(t.ContractTo),
			})
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/providers/{id}/state", ID: "set-provider-state", Tag: tag, Summary: "Disable a provider or bring it back",
	}, func(ctx context.Context, c access.Caller, in *setProviderState) (*Versioned[Provider], error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return providerAnswer(svc.Providers.SetProviderState(ctx, c, in.ID, provider.State(in.Body.State), rev))
	})
}

func providerAnswer(p provider.Provider, err error) (*Versioned[Provider], error) {
	if err != nil {
		return nil, err
	}
	return &Versioned[Provider]{ETag: api.ETag(p.Rev), Body: providerOf(p)}, nil
}

func providerOf(p provider.Provider) Provider {
	return Provider{
		ID: p.ID, PluginName: p.PluginName, OrgID: p.OrgID, Title: p.Title, Settle: string(p.Settle), Endpoint: p.Endpoint, Settings: p.Settings,
		ContractFrom: when(p.ContractFrom), ContractTo: when(p.ContractTo), State: string(p.State), Created: p.Created, Updated: p.Updated,
	}
}
