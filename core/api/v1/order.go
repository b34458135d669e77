package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/order"
	"tradewind.example/sdk/fault"
)

// Order is one request to change something at a cloud.
type Order struct {
	ID           string       `json:"id"`
	Kind         string       `json:"kind" enum:"buy,renew,release,resize"`
	State        string       `json:"state" enum:"draft,quoted,awaiting_approval,held,provisioning,active,failed,cancelled,refunded"`
	OrgID        string       `json:"org_id" doc:"The buyer"`
	ProviderID   string       `json:"provider_id"`
	ProductID    string       `json:"product_id,omitempty"`
	ProductName  string       `json:"product_name,omitempty"`
	ResourceKind string       `json:"resource_kind"`
	Region       string       `json:"region,omitempty"`
	Zone         string       `json:"zone,omitempty"`
	Name         string       `json:"name,omitempty"`
	Spec         any          `json:"spec,omitempty"`
	Size         any          `json:"size,omitempty" doc:"Of a resize: what the resource shall be"`
	Term         Term         `json:"term"`
	QuoteID      string       `json:"quote_id,omitempty"`
	Price        Price        `json:"price" doc:"What was held"`
	Charged      *Price       `json:"charged,omitempty" doc:"What was charged; absent while nothing was"`
	Refunded     []Price      `json:"refunded,omitempty" doc:"What went back, one for each paid term, in positive amounts"`
	ResourceID   string       `json:"resource_id,omitempty" doc:"What is renewed, resized or released"`
	ResourceIDs  []string     `json:"resource_ids" nullable:"false" doc:"What was made or changed"`
	Units        []Unit       `json:"units" nullable:"false" doc:"One for each resource of the order"`
	Transitions  []Transition `json:"transitions" nullable:"false"`
	Attention    *Attention   `json:"attention,omitempty" doc:"Present when only a person can decide"`
	Created      time.Time    `json:"created"`
	Updated      time.Time    `json:"updated"`
	Decided      *time.Time   `json:"decided,omitempty"`
}

// Unit is one of an order's identical changes.
type Unit struct {
	No         int    `json:"no"`
	State      string `json:"state" enum:"waiting,calling,doubt,refused,started,made,failed"`
	ResourceID string `json:"resource_id,omitempty"`
	VendorID   string `json:"vendor_id,omitempty"`
	Problem    string `json:"problem,omitempty"`
	Class      string `json:"class,omitempty" doc:"Class of the problem"`
}

// Transition is one change of a state.
type Transition struct {
	From   string    `json:"from,omitempty"`
	To     string    `json:"to"`
	Time   time.Time `json:"time"`
	Actor  string    `json:"actor,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// Attention says why an order needs a person.
type Attention struct {
	Reason      string          `json:"reason"`
	Since       time.Time       `json:"since"`
	Undecidable bool            `json:"undecidable" doc:"The broker has no further question to ask"`
	Calls       []AttentionCall `json:"calls" nullable:"false"`
}

// AttentionCall is what is known of one undecided unit.
type AttentionCall struct {
	Unit      int        `json:"unit"`
	Token     string     `json:"token" doc:"The purchase token to look for at the cloud"`
	State     string     `json:"state"`
	Operation string     `json:"operation,omitempty"`
	Calls     int        `json:"calls"`
	FirstCall *time.Time `json:"first_call,omitempty"`
	LastCall  *time.Time `json:"last_call,omitempty"`
	Problem   string     `json:"problem,omitempty"`
	CloudCode string     `json:"cloud_code,omitempty"`
	RequestID string     `json:"cloud_request_id,omitempty"`
}

type createOrder struct {
	api.Key
	Body struct {
		OrgID     string         `json:"org_id,omitempty" maxLength:"64" doc:"The buyer; your own org when absent"`
		ProductID string         `json:"product_id" minLength:"1" maxLength:"64"`
		Name      string         `json:"name,omitempty" maxLength:"63" doc:"Of what is bought"`
		Spec      map[string]any `json:"spec,omitempty" doc:"By the kind's spec schema; the product's own when absent"`
		Term      Term           `json:"term,omitempty"`
		QuoteID   string         `json:"quote_id,omitempty" maxLength:"64" doc:"Order at this quote's price"`
	}
}

type listOrders struct {
	api.Paging
	OrgID      string    `query:"org_id" maxLength:"64" doc:"Only this buyer"`
	State      string    `query:"state" enum:"draft,quoted,awaiting_approval,held,provisioning,active,failed,cancelled,refunded"`
	Kind       string    `query:"kind" enum:"buy,renew,release,resize"`
	ResourceID string    `query:"resource_id" maxLength:"64"`
	ProviderID string    `query:"provider_id" maxLength:"64"`
	ProductID  string    `query:"product_id" maxLength:"64"`
	Attention  bool      `query:"attention" doc:"Only orders that need a person"`
	From       time.Time `query:"from" doc:"Created at or after"`
	To         time.Time `query:"to" doc:"Created before"`
}

type resolveOrder struct {
	ByID
	api.Key
	Body struct {
		Unit     int    `json:"unit" minimum:"1" maximum:"100"`
		Made     bool   `json:"made" doc:"The change has happened at the cloud"`
		VendorID string `json:"vendor_id,omitempty" maxLength:"200" doc:"The cloud's id of what was made"`
		Note     string `json:"note" minLength:"1" maxLength:"2000" doc:"How you know"`
	}
}

type cancelOrder struct {
	ByID
	api.Key
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"2000"`
	}
}

func bindOrders(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/orders", ID: "create-order", Tag: "Orders", Status: http.StatusCreated,
		Summary: "Order", Detail: "Prices the chain, holds the money of every realtime leg and stores the order, all or nothing. The purchase at the cloud follows; watch the order's state.",
		Faults: []fault.Class{fault.ClassInsufficientBalance, fault.ClassUnsupported},
	}, func(ctx context.Context, c access.Caller, in *createOrder) (*One[Order], error) {
		spec, err := raw(in.Body.Spec)
		if err != nil {
			return nil, err
		}
		return orderAnswer(svc.Orders.Buy(ctx, c, order.BuyInput{
			OrgID: in.Body.OrgID, ProductID: in.Body.ProductID, Name: in.Body.Name, Spec: spec, Term: in.Body.Term.contract(),
			QuoteID: in.Body.QuoteID, IdempotencyKey: in.IdempotencyKey,
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/orders/{id}", ID: "get-order", Tag: "Orders", Summary: "Read an order",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[Order], error) {
		return orderAnswer(svc.Orders.Get(ctx, c, in.ID))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/orders", ID: "list-orders", Sort: []string{"created"}, Order: "-created", Tag: "Orders", Summary: "List orders",
		Detail: "Your org's orders and those of the orgs below it that your roles reach. A page may be short and still have a `next`.",
	}, func(ctx context.Context, c access.Caller, in *listOrders) (*api.ListOut[Order], error) {
		p, err := svc.Orders.List(ctx, c, order.Query{
			OrgID: in.OrgID, State: order.State(in.State), Kind: order.Kind(in.Kind), ResourceID: in.ResourceID,
			ProviderID: in.ProviderID, ProductID: in.ProductID, Attention: in.Attention,
			From: in.From, To: in.To, OldestFirst: !in.Down(), Cursor: in.Cursor, Limit: in.Limit,
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, orderOf), nil
	})
	bindOrderChanges(s, svc)
}

func bindOrderChanges(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/orders/{id}/cancel", ID: "cancel-order", Tag: "Orders",
		Summary: "Cancel an order", Detail: "Possible while the cloud has not seen the order: it is `held`, or `provisioning` and nothing of it was sent yet, as while the plugin does not serve. Everything held is freed. Later it is refused with 412; release what the order made.",
	}, func(ctx context.Context, c access.Caller, in *cancelOrder) (*One[Order], error) {
		return orderAnswer(svc.Orders.Cancel(ctx, c, order.CancelInput{OrderID: in.ID, Reason: in.Body.Reason, IdempotencyKey: in.IdempotencyKey}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/orders/{id}/resolve", ID: "resolve-order", Tag: "Orders",
		Summary: "Decide a unit that needs attention",
	}, func(ctx context.Context, c access.Caller, in *resolveOrder) (*One[Order], error) {
		return orderAnswer(svc.Orders.Resolve(ctx, c, order.ResolveInput{
			OrderID: in.ID, Unit: in.Body.Unit, Made: in.Body.Made, VendorID: in.Body.VendorID, Note: in.Body.Note,
			IdempotencyKey: in.IdempotencyKey,
		}))
	})
}

func orderAnswer(v order.View, err error) (*One[Order], error) {
	if err != nil {
		return nil, err
	}
	return &One[Order]{orderOf(v)}, nil
}

func orderOf(v order.View) Order {
	o := Order{
		ID: v.ID, Kind: string(v.Kind), State: string(v.State), OrgID: v.OrgID, ProviderID: v.ProviderID, ProductID: v.ProductID,
		ProductName: v.ProductName, ResourceKind: v.ResourceKind, Region: v.Region, Zone: v.Zone, Name: v.Name, Spec: object(v.Spec), Size: object(v.Size),
		Term: termOf(v.Term), QuoteID: v.QuoteID, Price: priceOf(v.Price), ResourceID: v.ResourceID, ResourceIDs: rows(v.ResourceIDs),
		Units: make([]Unit, 0, len(v.Units)), Transitions: make([]Transition, 0, len(v.Transitions)),
		Created: v.Created, Updated: v.Updated, Decided: when(v.Decided), Attention: attentionOf(v.Attention),
	}
	if v.Charged != nil {
		p := priceOf(*v.Charged)
		o.Charged = &p
	}
	for _, back := range v.Refunded {
		o.Refunded = append(o.Refunded, priceOf(back))
	}
	for _, u := range v.Units {
		o.Units = append(o.Units, Unit{No: u.No, State: string(u.State), ResourceID: u.ResourceID, VendorID: u.VendorID, Problem: u.Problem, Class: u.Class})
	}
	for _, t := range v.Transitions {
		o.Transitions = append(o.Transitions, Transition{From: string(t.From), To: string(t.To), Time: t.Time, Actor: t.Actor, Reason: t.Reason})
	}
	return o
}

func attentionOf(a *order.Attention) *Attention {
	if a == nil {
		return nil
	}
	out := &Attention{Reason: a.Reason, Since: a.Since, Undecidable: a.Undecidable, Calls: make([]AttentionCall, 0, len(a.Calls))}
	for _, k := range a.Calls {
		call := AttentionCall{
			Unit: k.Unit, Token: k.Token, State: string(k.State), Operation: k.Operation, Calls: k.Calls,
			FirstCall: when(k.FirstCall), LastCall: when(k.LastCall),
		}
		if k.Problem != nil {
			call.Problem, call.CloudCode, call.RequestID = k.Problem.Message, k.Problem.CloudCode, k.Problem.RequestID
		}
		out.Calls = append(out.Calls, call)
	}
	return out
}
