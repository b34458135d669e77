package v1

import (
	"context"
	"net/http"
	"slices"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
)

// Org is a legal party.
type Org struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind" enum:"operator,reseller,provider,customer"`
	ParentID string    `json:"parent_id,omitempty"`
	RootID   string    `json:"root_id,omitempty" doc:"Absent when it is above your seller"`
	Path     []string  `json:"path" nullable:"false" doc:"From your own org to this one"`
	State    string    `json:"state" enum:"active,suspended,deleted"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	OrgProfile
	Name string `json:"name"`
}

// OrgProfile is what an org says of itself and how it works.
type OrgProfile struct {
	Name           string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Contact        string `json:"contact,omitempty" maxLength:"200"`
	Phone          string `json:"phone,omitempty" maxLength:"50"`
	Email          string `json:"email,omitempty" maxLength:"200"`
	ProvinceID     string `json:"province_id,omitempty" maxLength:"64"`
	CityID         string `json:"city_id,omitempty" maxLength:"64"`
	DistrictID     string `json:"district_id,omitempty" maxLength:"64"`
	Address        string `json:"address,omitempty" maxLength:"500"`
	MainBusiness   string `json:"main_business,omitempty" maxLength:"2000"`
	OrgCode        string `json:"org_code,omitempty" maxLength:"64" doc:"Organisation code of the register"`
	LicenceImage   string `json:"licence_image,omitempty" maxLength:"500"`
	IdentityImage  string `json:"identity_image,omitempty" maxLength:"500"`
	PaymentAccount string `json:"payment_account,omitempty" maxLength:"200"`
	TimeZone       string `json:"time_zone,omitempty" maxLength:"64" doc:"IANA name; the parent's when absent on creation" example:"Asia/Shanghai"`
	Currency       string `json:"currency,omitempty" maxLength:"3" doc:"ISO 4217; the parent's when absent on creation" example:"CNY"`
	FloorPolicy    string `json:"floor_policy,omitempty" enum:"block,warn,approve" doc:"What happens to a sale with a negative margin for this org; block when absent on creation"`
}

func (p OrgProfile) domain() tenant.Profile {
	return tenant.Profile{
		Name: p.Name, Contact: p.Contact, Phone: p.Phone, Email: p.Email, ProvinceID: p.ProvinceID, CityID: p.CityID, DistrictID: p.DistrictID,
		Address: p.Address, MainBusiness: p.MainBusiness, OrgCode: p.OrgCode, LicenceImage: p.LicenceImage, IdentityImage: p.IdentityImage,
		PaymentAccount: p.PaymentAccount, TimeZone: p.TimeZone, Currency: money.Currency(p.Currency), FloorPolicy: pricing.Policy(p.FloorPolicy),
	}
}

func profileOf(p tenant.Profile) OrgProfile {
	return OrgProfile{
		Name: p.Name, Contact: p.Contact, Phone: p.Phone, Email: p.Email, ProvinceID: p.ProvinceID, CityID: p.CityID, DistrictID: p.DistrictID,
		Address: p.Address, MainBusiness: p.MainBusiness, OrgCode: p.OrgCode, LicenceImage: p.LicenceImage, IdentityImage: p.IdentityImage,
		PaymentAccount: p.PaymentAccount, TimeZone: p.TimeZone, Currency: string(p.Currency), FloorPolicy: string(p.FloorPolicy),
	}
}

// OrgMove tells what a move changes.
type OrgMove struct {
	OrgID    string   `json:"org_id"`
	Done     bool     `json:"done" doc:"False for a dry run"`
	From     []string `json:"from" nullable:"false" doc:"Path before"`
	To       []string `json:"to" nullable:"false" doc:"Path after"`
	Count    int      `json:"count" doc:"Orgs whose path changes"`
	Unassign []string `json:"unassign" nullable:"false" doc:"Salespeople who no longer look after the org"`
	Remains  []string `json:"remains" nullable:"false" doc:"What stays with the old chain"`
}

type createOrg struct {
	Body struct {
		Kind     string `json:"kind" enum:"reseller,provider,customer"`
		ParentID string `json:"parent_id,omitempty" maxLength:"64" doc:"Your own org when absent"`
		OrgProfile
		Name string `json:"name" minLength:"1" maxLength:"200"`
	}
}

// OrgChange is what a change of an org may name.
type OrgChange struct {
	State string `json:"state,omitempty" enum:"active,suspended"`
	OrgProfile
}

type updateOrg struct {
	ByID
	api.IfMatch
	api.Changes
	Body OrgChange
}

type deleteOrg struct {
	ByID
	api.IfMatch
}

type moveOrg struct {
	ByID
	Body struct {
		ParentID string `json:"parent_id" minLength:"1" maxLength:"64"`
		DryRun   bool   `json:"dry_run,omitempty" doc:"Tell what would change, change nothing"`
	}
}

type listOrgs struct {
	api.Paging
	Below    string `query:"below" maxLength:"64" doc:"This org and what is below it"`
	ParentID string `query:"parent_id" maxLength:"64" doc:"Only direct children of this org"`
	Kind     string `query:"kind" enum:"operator,reseller,provider,customer"`
	State    string `query:"state" enum:"active,suspended"`
	Text     string `query:"text" maxLength:"200" doc:"Beginning of the name, in any case"`
}

func bindOrgs(s *api.Server, svc Services) {
	const tag = "Orgs"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/orgs", ID: "create-org", Tag: tag, Status: http.StatusCreated, Summary: "Add an org below another",
	}, func(ctx context.Context, c access.Caller, in *createOrg) (*Versioned[Org], error) {
		profile := in.Body.OrgProfile
		profile.Name = in.Body.Name
		return orgView{c}.answer(svc.Tenants.CreateOrg(ctx, c, tenant.CreateOrgInput{
			ParentID: orOwn(in.Body.ParentID, c), Kind: tenant.Kind(in.Body.Kind), Profile: profile.domain(),
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/orgs", ID: "list-orgs", Sort: []string{"name", "created"}, Order: "name", Tag: tag, Summary: "List orgs",
	}, func(ctx context.Context, c access.Caller, in *listOrgs) (*api.ListOut[Org], error) {
		p, err := svc.Tenants.ListOrgs(ctx, c, tenant.ListOrgsInput{
			Below: in.Below, ParentID: in.ParentID, Kind: tenant.Kind(in.Kind), State: tenant.OrgState(in.State), Text: in.Text,
			Cursor: in.Cursor, Limit: in.Limit, Sort: in.By(), Reverse: in.Down(),
		})
		if err != nil {
			return nil, err
		}
		return listDocs(p, orgView{c}.org), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/orgs/{id}", ID: "get-org", Tag: tag, Summary: "Read an org",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*Versioned[Org], error) {
		return orgView{c}.answer(svc.Tenants.GetOrg(ctx, c, in.ID))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/orgs/{id}", ID: "update-org", Tag: tag, Summary: "Change an org",
		Detail: api.Stays,
	}, func(ctx context.Context, c access.Caller, in *updateOrg) (*Versioned[Org], error) {
		return orgView{c}.answer(changed(in.IfMatch, func() (store.Doc[tenant.Org], uint64, error) {
			d, err := svc.Tenants.GetOrg(ctx, c, in.ID)
			return d, d.Rev, err
		}, func(d store.Doc[tenant.Org], rev uint64) (store.Doc[tenant.Org], error) {
			t := api.Over(in.Changes, OrgChange{State: string(d.Value.State), OrgProfile: profileOf(d.Value.Profile)}, in.Body)
			return svc.Tenants.UpdateOrg(ctx, c, tenant.UpdateOrgInput{OrgID: in.ID, Rev: rev, State: tenant.OrgState(t.State), Profile: t.domain()})
		}))
	})
	bindOrgMoves(s, svc)
}

func bindOrgMoves(s *api.Server, svc Services) {
	const tag = "Orgs"
	api.Handle(s, api.Route{
		Method: http.MethodDelete, Path: "/v1/orgs/{id}", ID: "delete-org", Tag: tag, Status: http.StatusNoContent,
		Summary: "Delete an org", Detail: "Refused while anything holds it, with the list of what does.",
	}, func(ctx context.Context, c access.Caller, in *deleteOrg) (*Empty, error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		return nil, svc.Tenants.DeleteOrg(ctx, c, in.ID, rev)
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/orgs/{id}/move", ID: "move-org", Tag: tag,
		Summary: "Move an org to another parent", Detail: "Open orders finish under the old chain; balances do not move.",
	}, func(ctx context.Context, c access.Caller, in *moveOrg) (*One[OrgMove], error) {
		m, err := svc.Tenants.MoveOrg(ctx, c, tenant.MoveOrgInput{OrgID: in.ID, ParentID: in.Body.ParentID, DryRun: in.Body.DryRun})
		if err != nil {
			return nil, err
		}
		return &One[OrgMove]{moveOf(m)}, nil
	})
}

// orgView shows orgs to a caller, who does not see who is above its seller.
type orgView struct{ to access.Caller }

func (v orgView) answer(d store.Doc[tenant.Org], err error) (*Versioned[Org], error) {
	if err != nil {
		return nil, err
	}
	return &Versioned[Org]{ETag: api.ETag(d.Rev), Body: v.org(d.Value)}, nil
}

func (v orgView) org(o tenant.Org) Org {
	return Org{
		ID: o.ID, Kind: string(o.Kind), ParentID: standpoint{v.to}.shown(o.ParentID), RootID: standpoint{v.to}.shown(o.RootID), Path: v.path(o), State: string(o.State),
		Created: o.Created, Updated: o.Updated, OrgProfile: profileOf(o.Profile), Name: o.Name,
	}
}

// path leaves out what is above the caller's own org.
func (v orgView) path(o tenant.Org) []string {
	if i := slices.Index(o.Path, v.to.OrgID); i >= 0 {
		return rows(o.Path[i:])
	}
	return []string{o.ID}
}

func moveOf(m tenant.Move) OrgMove {
	out := OrgMove{OrgID: m.Org, Done: m.Done, From: rows(m.From), To: rows(m.To), Count: m.Count, Unassign: []string{}, Remains: []string{}}
	for _, u := range m.Unassign {
		out.Unassign = append(out.Unassign, u.Login)
	}
	for _, h := range m.Remains {
		out.Remains = append(out.Remains, h.What)
	}
	return out
}
