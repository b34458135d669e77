package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/catalog"
	"tradewind.example/core/money"
	contract "tradewind.example/sdk/provider"
)

// Product is one thing on sale.
type Product struct {
	ID           string            `json:"id"`
	ProviderID   string            `json:"provider_id"`
	VendorID     string            `json:"vendor_id" doc:"The provider's own product id"`
	Kind         string            `json:"kind" doc:"The plugin's resource kind"`
	Type         string            `json:"type,omitempty"`
	Name         string            `json:"name"`
	Class        string            `json:"class,omitempty" doc:"What class lines of protocols match"`
	Region       string            `json:"region,omitempty"`
	Zone         string            `json:"zone,omitempty"`
	Currency     string            `json:"currency"`
	ListPrice    *string           `json:"list_price,omitempty" doc:"Per unit and period, for the operator; absent when only a quote tells"`
	PendingPrice *string           `json:"pending_price,omitempty" doc:"A higher list price that would break floors and waits to be accepted"`
	Billing      []string          `json:"billing" nullable:"false"`
	Periods      []string          `json:"periods" nullable:"false"`
	Spec         any               `json:"spec,omitempty"`
	Attrs        map[string]string `json:"attrs,omitempty"`
	State        string            `json:"state" enum:"active,disabled,withdrawn"`
	Created      time.Time         `json:"created"`
	Updated      time.Time         `json:"updated"`
	ProductText
}

// ProductText is the part of a product that people write.
type ProductText struct {
	Description string     `json:"description,omitempty" maxLength:"2000"`
	Label       string     `json:"label,omitempty" maxLength:"200"`
	Group       string     `json:"group,omitempty" maxLength:"200"`
	Code        string     `json:"code,omitempty" maxLength:"200"`
	SpecNote    string     `json:"spec_note,omitempty" maxLength:"2000"`
	SpecPattern string     `json:"spec_pattern,omitempty" maxLength:"2000"`
	Area        string     `json:"area,omitempty" maxLength:"200"`
	SaleMode    string     `json:"sale_mode,omitempty" maxLength:"64"`
	OwnerOrg    string     `json:"owner_org,omitempty" maxLength:"64"`
	From        *time.Time `json:"from,omitempty" nullable:"true" doc:"On sale from; half-open"`
	To          *time.Time `json:"to,omitempty" nullable:"true" doc:"On sale until; half-open"`
}

func (t ProductText) domain() catalog.Text {
	return catalog.Text{
		Description: t.Description, Label: t.Label, Group: t.Group, Code: t.Code, SpecNote: t.SpecNote, SpecPattern: t.SpecPattern,
		Area: t.Area, SaleMode: t.SaleMode, OwnerOrg: t.OwnerOrg, From: moment(t.From), To: moment(t.To),
	}
}

// ProductFacts is what a product written by hand is.
type ProductFacts struct {
	Kind      string         `json:"kind" minLength:"1" maxLength:"64"`
	Type      string         `json:"type,omitempty" maxLength:"64"`
	Name      string         `json:"name" minLength:"1" maxLength:"200"`
	Class     string         `json:"class,omitempty" maxLength:"200"`
	Region    string         `json:"region,omitempty" maxLength:"64"`
	Zone      string         `json:"zone,omitempty" maxLength:"64"`
	Currency  string         `json:"currency" minLength:"3" maxLength:"3"`
	ListPrice *string        `json:"list_price,omitempty" maxLength:"32"`
	Spec      map[string]any `json:"spec,omitempty"`
	Billing   []string       `json:"billing,omitempty" maxItems:"10"`
	Periods   []string       `json:"periods,omitempty" maxItems:"10"`
}

func (f ProductFacts) domain(at string) (catalog.Facts, error) {
	price, err := decimal(at+"list_price", f.ListPrice)
	if err != nil {
		return catalog.Facts{}, err
	}
	spec, err := raw(f.Spec)
	if err != nil {
		return catalog.Facts{}, err
	}
	out := catalog.Facts{
		Kind: f.Kind, Type: f.Type, Name: f.Name, Class: f.Class, Region: f.Region, Zone: f.Zone,
		Currency: money.Currency(f.Currency), ListPrice: price, Spec: spec,
	}
	for _, b := range f.Billing {
		out.Billing = append(out.Billing, contract.BillingMethod(b))
	}
	for _, p := range f.Periods {
		out.Periods = append(out.Periods, contract.Period(p))
	}
	return out, nil
}

// SyncReport tells what a sync found and did.
type SyncReport struct {
	Seen       int         `json:"seen"`
	Created    int         `json:"created"`
	Updated    int         `json:"updated"`
	Withdrawn  int         `json:"withdrawn"`
	Unchanged  int         `json:"unchanged"`
	Skipped    int         `json:"skipped"`
	PriceRises []PriceRise `json:"price_rises" nullable:"false" doc:"Rises that would break a floor and were not applied; at most 100"`
	RisesTotal int         `json:"rises_total"`
	Problems   []string    `json:"problems" nullable:"false" doc:"Malformed offerings; at most 100"`
	Started    time.Time   `json:"started"`
	Ended      *time.Time  `json:"ended,omitempty"`
}

// PriceRise is a list price that went up and was not applied.
type PriceRise struct {
	ProductID string   `json:"product_id"`
	VendorID  string   `json:"vendor_id"`
	Currency  string   `json:"currency"`
	Old       string   `json:"old"`
	New       string   `json:"new"`
	Breaks    []string `json:"breaks" nullable:"false" doc:"Orgs whose floor would break"`
}

type createProduct struct {
	Body struct {
		ProviderID string `json:"provider_id" minLength:"1" maxLength:"64"`
		VendorID   string `json:"vendor_id" minLength:"1" maxLength:"200"`
		ProductFacts
		ProductText
	}
}

// ProductChange is what a change of a product may name of its facts.
type ProductChange struct {
	Kind      string         `json:"kind,omitempty" minLength:"1" maxLength:"64"`
	Type      string         `json:"type,omitempty" maxLength:"64"`
	Name      string         `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Class     string         `json:"class,omitempty" maxLength:"200"`
	Region    string         `json:"region,omitempty" maxLength:"64"`
	Zone      string         `json:"zone,omitempty" maxLength:"64"`
	Currency  string         `json:"currency,omitempty" minLength:"3" maxLength:"3"`
	ListPrice *string        `json:"list_price,omitempty" nullable:"true" maxLength:"32" doc:"null: only a quote tells"`
	Spec      map[string]any `json:"spec,omitempty"`
	Billing   []string       `json:"billing,omitempty" maxItems:"10"`
	Periods   []string       `json:"periods,omitempty" maxItems:"10"`
}

type updateProduct struct {
	ByID
	api.IfMatch
	api.Changes
	Body struct {
		Facts *ProductChange `json:"facts,omitempty" doc:"Of a product written by hand"`
		ProductText
	}
}

// over completes a change with the product that it changes.
func (in *updateProduct) over(p catalog.Product, rev uint64) (catalog.UpdateInput, error) {
	there := productOf(p)
	out := catalog.UpdateInput{ID: in.ID, Rev: rev, Text: api.Over(in.Changes, there.ProductText, in.Body.ProductText).domain()}
	if in.Body.Facts == nil {
		return out, nil
	}
	spec, err := members(p.Spec)
	if err != nil {
		return out, err
	}
	facts, err := ProductFacts(api.Over(in.Inside("facts"), ProductChange{
		Kind: there.Kind, Type: there.Type, Name: there.Name, Class: there.Class, Region: there.Region, Zone: there.Zone,
		Currency: there.Currency, ListPrice: there.ListPrice, Spec: spec, Billing: there.Billing, Periods: there.Periods,
	}, *in.Body.Facts)).domain("facts.")
	out.Facts = &facts
	return out, err
}

type setProductState struct {
	ByID
	api.IfMatch
	Body struct {
		State string `json:"state" enum:"active,disabled"`
	}
}

type acceptPrice struct {
	ByID
	api.IfMatch
}

type listProducts struct {
	api.Paging
	ProviderID string `query:"provider_id" maxLength:"64"`
	Kind       string `query:"kind" maxLength:"64"`
	Class      string `query:"class" maxLength:"200"`
	Region     string `query:"region" maxLength:"64"`
	State      string `query:"state" enum:"active,disabled,withdrawn"`
	Pending    bool   `query:"pending" doc:"Only those with a price that waits to be accepted"`
	Text       string `query:"text" maxLength:"200" doc:"Beginning of the name"`
}

func bindProducts(s *api.Server, svc Services) {
	const tag = "Products"
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/products", ID: "list-products", Sort: []string{"name", "created"}, Order: "name", Tag: tag, Summary: "List what is on sale for you",
	}, func(ctx context.Context, c access.Caller, in *listProducts) (*api.ListOut[Product], error) {
		p, err := svc.Catalog.Products(ctx, c, catalog.Filter{
			ProviderID: in.ProviderID, Kind: in.Kind, Class: in.Class, Region: in.Region, State: catalog.State(in.State),
			Pending: in.Pending, Text: in.Text, Cursor: in.Cursor, Limit: in.Limit, Sort: in.By(), Reverse: in.Down(),
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, productOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/products/{id}", ID: "get-product", Tag: tag, Summary: "Read a product",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*Versioned[Product], error) {
		return productAnswer(svc.Catalog.Product(ctx, c, in.ID))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/products", ID: "create-product", Tag: tag, Status: http.StatusCreated, Summary: "Write a product by hand",
	}, func(ctx context.Context, c access.Caller, in *createProduct) (*Versioned[Product], error) {
		facts, err := in.Body.ProductFacts.domain("")
		if err != nil {
			return nil, err
		}
		return productAnswer(svc.Catalog.Create(ctx, c, catalog.CreateInput{
			ProviderID: in.Body.ProviderID, VendorID: in.Body.VendorID, Facts: facts, Text: in.Body.ProductText.domain(),
		}))
	})
	bindProductChanges(s, svc)
	bindSync(s, svc)
}

func bindProductChanges(s *api.Server, svc Services) {
	const tag = "Products"
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/products/{id}", ID: "update-product", Tag: tag, Summary: "Change a product", Detail: api.Stays + " The same holds inside of facts.",
	}, func(ctx context.Context, c access.Caller, in *updateProduct) (*Versioned[Product], error) {
		return productAnswer(changed(in.IfMatch, func() (catalog.Product, uint64, error) {
			p, err := svc.Catalog.Product(ctx, c, in.ID)
			return p, p.Rev, err
		}, func(p catalog.Product, rev uint64) (catalog.Product, error) {
			input, err := in.over(p, rev)
			if err != nil {
				return catalog.Product{}, err
			}
			return svc.Catalog.Update(ctx, c, input)
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/products/{id}/state", ID: "set-product-state", Tag: tag, Summary: "Take a product off sale or put it back",
	}, func(ctx context.Context, c access.Caller, in *setProductState) (*Versioned[Product], error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return productAnswer(svc.Catalog.SetState(ctx, c, in.ID, catalog.State(in.Body.State), rev))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/products/{id}/accept-price", ID: "accept-product-price", Tag: tag, Summary: "Accept a price that breaks floors",
	}, func(ctx context.Context, c access.Caller, in *acceptPrice) (*Versioned[Product], error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return productAnswer(svc.Catalog.AcceptPrice(ctx, c, in.ID, rev))
	})
}

func bindSync(s *api.Server, svc Services) {
	const tag = "Products"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/providers/{id}/sync", ID: "sync-products", Tag: tag,
		Summary: "Fill the catalogue from the cloud's offerings", Detail: "Running it twice changes nothing. A rise that would break a floor is reported and not applied.",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[SyncReport], error) {
		r, err := svc.Catalog.Sync(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return &One[SyncReport]{syncOf(r)}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/providers/{id}/sync", ID: "last-product-sync", Tag: tag, Summary: "Read what the last sync found",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[SyncReport], error) {
		r, err := svc.Catalog.LastSync(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return &One[SyncReport]{syncOf(r)}, nil
	})
}

func productAnswer(p catalog.Product, err error) (*Versioned[Product], error) {
	if err != nil {
		return nil, err
	}
	return &Versioned[Product]{ETag: api.ETag(p.Rev), Body: productOf(p)}, nil
}

func productOf(p catalog.Product) Product {
	return Product{
		ID: p.ID, ProviderID: p.ProviderID, VendorID: p.VendorID, Kind: p.Kind, Type: p.Type, Name: p.Name, Class: p.Class, Region: p.Region,
		Zone: p.Zone, Currency: string(p.Currency), ListPrice: decimalText(p.ListPrice), PendingPrice: decimalText(p.PendingPrice),
		Billing: texts(p.Billing), Periods: texts(p.Periods), Spec: object(p.Spec), Attrs: p.Attrs, State: string(p.State),
		Created: p.Created, Updated: p.Updated,
		ProductText: ProductText{
			Description: p.Description, Label: p.Label, Group: p.Group, Code: p.Code, SpecNote: p.SpecNote, SpecPattern: p.SpecPattern,
			Area: p.Area, SaleMode: p.SaleMode, OwnerOrg: p.OwnerOrg, From: when(p.From), To: when(p.To),
		},
	}
}

func syncOf(r catalog.SyncReport) SyncReport {
	out := SyncReport{
		Seen: r.Seen, Created: r.Created, Updated: r.Updated, Withdrawn: r.Withdrawn, Unchanged: r.Unchanged, Skipped: r.Skipped,
		PriceRises: make([]PriceRise, 0, len(r.PriceRises)), RisesTotal: r.RisesTotal, Problems: rows(r.Problems), Started: r.Started, Ended: when(r.Ended),
	}
	for _, x := range r.PriceRises {
		out.PriceRises = append(out.PriceRises, PriceRise{
			ProductID: x.ProductID, VendorID: x.VendorID, Currency: string(x.Currency), Old: x.Old.String(), New: x.New.String(), Breaks: rows(x.Breaks),
		})
	}
	return out
}
