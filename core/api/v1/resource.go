package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/order"
	"tradewind.example/core/resource"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Resource is one thing at a cloud.
type Resource struct {
	ID         string     `json:"id"`
	ParentID   string     `json:"parent_id,omitempty" doc:"The resource that it is a part of: renew, resize or release that one"`
	Parts      int        `json:"parts,omitempty" doc:"How many parts it has now"`
	OrgID      string     `json:"org_id"`
	ProviderID string     `json:"provider_id"`
	ProductID  string     `json:"product_id,omitempty"`
	Kind       string     `json:"kind"`
	VendorID   string     `json:"vendor_id" doc:"The cloud's id"`
	Name       string     `json:"name,omitempty"`
	Region     string     `json:"region,omitempty"`
	Zone       string     `json:"zone,omitempty"`
	Status     string     `json:"status" doc:"In words shared by all clouds"`
	RawStatus  string     `json:"raw_status,omitempty" doc:"The cloud's own word"`
	Billing    string     `json:"billing,omitempty"`
	Period     string     `json:"period,omitempty"`
	Start      *time.Time `json:"start,omitempty"`
	End        *time.Time `json:"end,omitempty" doc:"Of the paid term"`
	Released   *time.Time `json:"released,omitempty"`
	OrderIDs   []string   `json:"order_ids" nullable:"false"`
	BusyOrder  string     `json:"busy_order,omitempty" doc:"The order that is changing it now"`
	Spec       any        `json:"spec,omitempty"`
	State      any        `json:"state,omitempty" doc:"By the kind's state schema"`
	Refreshed  *time.Time `json:"refreshed,omitempty" doc:"When the cloud was asked last"`
	Created    time.Time  `json:"created"`
	Updated    time.Time  `json:"updated"`
}

// ActionRun is one change made by an action.
type ActionRun struct {
	ID         string     `json:"id,omitempty" doc:"Absent for a pure read"`
	ResourceID string     `json:"resource_id"`
	Action     string     `json:"action"`
	State      string     `json:"state" enum:"waiting,calling,started,done,failed,unknown"`
	Output     any        `json:"output,omitempty"`
	Problem    string     `json:"problem,omitempty"`
	Class      string     `json:"class,omitempty"`
	Created    time.Time  `json:"created"`
	Ended      *time.Time `json:"ended,omitempty"`
}

// Discrepancy is a difference between the cloud and the broker.
type Discrepancy struct {
	ID           string       `json:"id"`
	ProviderID   string       `json:"provider_id"`
	EnablementID string       `json:"enablement_id"`
	Kind         string       `json:"kind" enum:"missing_here,missing_there,differs"`
	ResourceKind string       `json:"resource_kind"`
	VendorID     string       `json:"vendor_id"`
	ResourceID   string       `json:"resource_id,omitempty"`
	Fields       []Difference `json:"fields" nullable:"false"`
	First        time.Time    `json:"first" doc:"When it was found first"`
	Last         time.Time    `json:"last" doc:"When it was found last"`
}

// Difference is one fact that is told differently.
type Difference struct {
	Field string `json:"field"`
	Here  string `json:"here"`
	There string `json:"there"`
}

type getResource struct {
	ByID
	Refresh bool `query:"refresh" doc:"Ask the cloud first"`
}

type listResources struct {
	api.Paging
	OrgID      string `query:"org_id" maxLength:"64" doc:"Only this owner"`
	ProviderID string `query:"provider_id" maxLength:"64"`
	ProductID  string `query:"product_id" maxLength:"64"`
	Text       string `query:"text" maxLength:"200" doc:"Beginning of the name, in any case"`
	Kind       string `query:"kind" maxLength:"64"`
	Region     string `query:"region" maxLength:"64"`
	Status     string `query:"status" enum:"pending,starting,running,stopping,stopped,rebooting,free,bound,frozen,error,unknown,deleted"`
	Released   bool   `query:"released" doc:"Released ones too"`
	ParentID   string `query:"parent_id" maxLength:"64" doc:"Only parts of this one"`
	Parts      string `query:"parts" enum:"true,false" doc:"true: only parts of others, false: only what was bought by itself; left out: both"`
}

// which is the choice of a list between bought things and parts.
func (l *listResources) which() resource.Which {
	switch l.Parts {
	case "true":
		return resource.PartsOnly
	case "false":
		return resource.BoughtOnly
	}
	return ""
}

type renewResource struct {
	ByID
	api.Key
	Body struct {
		Periods int `json:"periods" minimum:"1" maximum:"120" doc:"Of the resource's own period"`
	}
}

type releaseResource struct {
	ByID
	api.Key
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"2000"`
	}
}

type actOnResource struct {
	ByID
	api.Key
	Action string `path:"action" minLength:"1" maxLength:"64" doc:"As the provider's kind declares it"`
	Body   struct {
		Input map[string]any `json:"input,omitempty" doc:"By the action's input schema"`
	}
}

type listDiscrepancies struct {
	api.Paging
	Kind       string `query:"kind" enum:"missing_here,missing_there,differs"`
	ProviderID string `query:"provider_id" maxLength:"64"`
}

func bindResources(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/resources", ID: "list-resources", Sort: []string{"created", "end"}, Order: "-created", Tag: "Resources", Summary: "List resources",
	}, func(ctx context.Context, c access.Caller, in *listResources) (*api.ListOut[Resource], error) {
		p, err := svc.Resources.List(ctx, c, resource.Query{
			OrgID: in.OrgID, ProviderID: in.ProviderID, ProductID: in.ProductID, Text: in.Text, Kind: in.Kind, Region: in.Region, Status: contract.Status(in.Status),
			Released: in.Released, Sort: in.By(), OldestFirst: !in.Down(), Cursor: in.Cursor, Limit: in.Limit,
			ParentID: in.ParentID, Which: in.which(),
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, resourceOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/resources/{id}", ID: "get-resource", Tag: "Resources", Summary: "Read a resource",
	}, func(ctx context.Context, c access.Caller, in *getResource) (*One[Resource], error) {
		r, err := svc.Resources.Get(ctx, c, in.ID, in.Refresh)
		if err != nil {
			return nil, err
		}
		return &One[Resource]{resourceOf(r)}, nil
	})
	bindResourceOrders(s, svc)
	bindActions(s, svc)
	bindLogs(s, svc)
	bindConsoles(s, svc)
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/discrepancies", ID: "list-discrepancies", Sort: []string{"first"}, Order: "first", Tag: "Resources",
		Summary: "List differences with the clouds", Detail: "Found by the daily comparison: resources at the cloud that are not here, here and not there, or told differently.",
	}, func(ctx context.Context, c access.Caller, in *listDiscrepancies) (*api.ListOut[Discrepancy], error) {
		p, err := svc.Resources.Discrepancies(ctx, c, resource.DiscrepancyQuery{Kind: resource.DiscrepancyKind(in.Kind), ProviderID: in.ProviderID, Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Down()})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, discrepancyOf), nil
	})
}

func bindResourceOrders(s *api.Server, svc Services) {
	money := []fault.Class{fault.ClassInsufficientBalance, fault.ClassUnsupported}
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/resources/{id}/renew", ID: "renew-resource", Tag: "Resources", Status: http.StatusCreated,
		Summary: "Prolong a prepaid resource", Detail: "Makes a renewal order at today's terms.", Faults: money,
	}, func(ctx context.Context, c access.Caller, in *renewResource) (*One[Order], error) {
		return orderAnswer(svc.Orders.Renew(ctx, c, order.RenewInput{ResourceID: in.ID, Periods: in.Body.Periods, IdempotencyKey: in.IdempotencyKey}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/resources/{id}/release", ID: "release-resource", Tag: "Resources", Status: http.StatusCreated,
		Summary: "Give a resource back", Detail: "Makes a release order; the unused term is refunded down the same chain.", Faults: money,
	}, func(ctx context.Context, c access.Caller, in *releaseResource) (*One[Order], error) {
		return orderAnswer(svc.Orders.Release(ctx, c, order.ReleaseInput{ResourceID: in.ID, Reason: in.Body.Reason, IdempotencyKey: in.IdempotencyKey}))
	})
}

func bindActions(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/resources/{id}/actions/{action}", ID: "act-on-resource", Tag: "Resources",
		Summary: "Perform an action", Detail: "start, stop, reboot, reset_password, console … as the provider's kind declares. A change that does not end in time answers as it stands; read it again by its id.",
		Faults: []fault.Class{fault.ClassUnsupported},
	}, func(ctx context.Context, c access.Caller, in *actOnResource) (*One[ActionRun], error) {
		input, err := raw(in.Body.Input)
		if err != nil {
			return nil, err
		}
		run, err := svc.Resources.Act(ctx, c, resource.ActInput{ResourceID: in.ID, Action: in.Action, Input: input, IdempotencyKey: in.IdempotencyKey})
		if err != nil {
			return nil, err
		}
		return &One[ActionRun]{runOf(run)}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/action-runs/{id}", ID: "get-action-run", Tag: "Resources", Summary: "Read what became of an action",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[ActionRun], error) {
		run, err := svc.Resources.Run(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return &One[ActionRun]{runOf(run)}, nil
	})
}

func resourceOf(r resource.Resource) Resource {
	return Resource{
		ID: r.ID, ParentID: r.ParentID, Parts: r.Parts, OrgID: r.OrgID, ProviderID: r.ProviderID, ProductID: r.ProductID,
		Kind: r.Kind, VendorID: r.VendorID, Name: r.Name,
		Region: r.Region, Zone: r.Zone, Status: string(r.Status), RawStatus: r.RawStatus, Billing: string(r.Billing), Period: string(r.Period),
		Start: when(r.Start), End: when(r.End), Released: when(r.Released), OrderIDs: rows(r.OrderIDs), BusyOrder: r.BusyOrder,
		Spec: object(r.Spec), State: object(r.State), Refreshed: when(r.Refreshed), Created: r.Created, Updated: r.Updated,
	}
}

func runOf(r resource.ActionRun) ActionRun {
	return ActionRun{
		ID: r.ID, ResourceID: r.ResourceID, Action: r.Action, State: string(r.State), Output: object(r.Output),
		Problem: r.Problem, Class: r.Class, Created: r.Created, Ended: when(r.Ended),
	}
}

func discrepancyOf(d resource.Discrepancy) Discrepancy {
	out := Discrepancy{
		ID: d.ID, ProviderID: d.ProviderID, EnablementID: d.EnablementID, Kind: string(d.Kind), ResourceKind: d.ResourceKind,
		VendorID: d.VendorID, ResourceID: d.ResourceID, Fields: make([]Difference, 0, len(d.Fields)), First: d.First, Last: d.Last,
	}
	for _, f := range d.Fields {
		out.Fields = append(out.Fields, Difference(f))
	}
	return out
}
