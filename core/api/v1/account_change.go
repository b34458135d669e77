package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/cloudaccount"
)

// VendorOrder is one of the cloud's own orders.
type VendorOrder struct {
	ID           string     `json:"id" doc:"The cloud's number"`
	State        string     `json:"state" doc:"The cloud's word"`
	Kind         string     `json:"kind,omitempty" doc:"The cloud's word"`
	VendorIDs    []string   `json:"vendor_ids" nullable:"false" doc:"The cloud's ids of the resources"`
	Amount       string     `json:"amount,omitempty"`
	Currency     string     `json:"currency,omitempty"`
	Created      *time.Time `json:"created,omitempty"`
	ImportID     string     `json:"import_id,omitempty" doc:"The import that told it as it is; absent after a change of yours"`
	Imported     time.Time  `json:"imported" doc:"When the cloud told it so"`
	EnablementID string     `json:"enablement_id"`
}

// AccountChange is one change of an account at its cloud.
type AccountChange struct {
	ID           string     `json:"id"`
	EnablementID string     `json:"enablement_id"`
	Verb         string     `json:"verb" enum:"pay,cancel,refund,sub_account"`
	VendorOrder  string     `json:"vendor_order,omitempty"`
	Before       string     `json:"before,omitempty" doc:"The order's state when this was asked for"`
	After        string     `json:"after,omitempty" doc:"The order's state, when the cloud told"`
	ForOrg       string     `json:"for_org,omitempty" doc:"Whose sub-account it is to be"`
	Name         string     `json:"name,omitempty" doc:"Of the sub-account"`
	SubAccountID string     `json:"sub_account_id,omitempty" doc:"Ours, when it was made"`
	State        string     `json:"state" enum:"waiting,calling,doubt,done,failed,unknown" doc:"doubt: the answer got lost and the cloud is asked; unknown: it did not tell, look at it"`
	Problem      string     `json:"problem,omitempty"`
	Class        string     `json:"class,omitempty" doc:"Fault class of the problem"`
	RequestID    string     `json:"cloud_request_id,omitempty"`
	Created      time.Time  `json:"created"`
	Ended        *time.Time `json:"ended,omitempty"`
}

// SubAccount is an account below that of an enablement.
type SubAccount struct {
	ID              string            `json:"id"`
	EnablementID    string            `json:"enablement_id"`
	ForOrg          string            `json:"for_org" doc:"Whose sub-account it is"`
	VendorID        string            `json:"vendor_id" doc:"The cloud's id"`
	Name            string            `json:"name,omitempty"`
	Settings        map[string]string `json:"settings,omitempty" doc:"For an enablement that uses it"`
	CredentialNames []string          `json:"credential_names" nullable:"false" doc:"Which credentials are kept; their values are never returned"`
	Created         time.Time         `json:"created"`
	Updated         time.Time         `json:"updated"`
}

type listVendorOrders struct {
	ByID
	api.Paging
	From           time.Time `query:"from" doc:"Made at or after"`
	To             time.Time `query:"to" doc:"Made before"`
	State          string    `query:"state" maxLength:"64" doc:"The cloud's word"`
	VendorResource string    `query:"vendor_resource" maxLength:"200"`
}

// VendorOrderPath is the path of one of the cloud's own orders.
type VendorOrderPath struct {
	ByID
	Number string `path:"number" minLength:"1" maxLength:"200" doc:"The cloud's number of the order; / in it is written %2F"`
}

type changeVendorOrder struct {
	VendorOrderPath
	api.Key
	Verb string `path:"verb" enum:"pay,cancel,refund"`
}

type makeSubAccount struct {
	ByID
	api.Key
	Body struct {
		ForOrg string `json:"for_org,omitempty" maxLength:"64" doc:"Your org or one below it; your own when absent"`
		Name   string `json:"name" minLength:"1" maxLength:"200" doc:"One that exists is found and not made again"`
		Email  string `json:"email,omitempty" maxLength:"200"`
	}
}

type getAccountChange struct {
	ByID
	Change string `path:"change" minLength:"1" maxLength:"64" doc:"The change's id"`
}

type enableSubAccount struct {
	ByID
	Body struct {
		CoversAll bool `json:"covers_all,omitempty" doc:"Every customer below the org, too"`
	}
}

func bindVendorOrders(s *api.Server, svc Services, path string) {
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path + "/vendor-orders", ID: "list-vendor-orders", Sort: []string{"created"}, Order: "-created", Tag: accountsTag, Summary: "List the cloud's own orders that were imported",
	}, func(ctx context.Context, c access.Caller, in *listVendorOrders) (*api.ListOut[VendorOrder], error) {
		p, err := svc.Accounts.Orders(ctx, c, cloudaccount.OrdersInput{
			ListInput: cloudaccount.ListInput{EnablementID: in.ID, From: in.From, To: in.To, OldestFirst: !in.Down(), Cursor: in.Cursor, Limit: in.Limit},
			State:     in.State, ResourceID: in.VendorResource,
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, vendorOrderOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path + "/vendor-orders/{number}", ID: "get-vendor-order", Tag: accountsTag, Summary: "Read one of the cloud's own orders",
	}, func(ctx context.Context, c access.Caller, in *VendorOrderPath) (*One[VendorOrder], error) {
		v, err := svc.Accounts.GetOrder(ctx, c, in.ID, in.Number)
		if err != nil {
			return nil, err
		}
		return &One[VendorOrder]{vendorOrderOf(v)}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: path + "/vendor-orders/{number}/{verb}", ID: "change-vendor-order", Tag: accountsTag, Faults: unoffered(),
		Summary: "Pay, cancel or refund one of the cloud's own orders",
		Detail:  "For orders that were imported. The change is stored, then made at the cloud once; when its answer gets lost the cloud is asked. The answer is the change as far as it is after some seconds: read it again while its state is not final. No money of the broker moves.",
	}, func(ctx context.Context, c access.Caller, in *changeVendorOrder) (*One[AccountChange], error) {
		return accountChangeAnswer(svc.Accounts.ChangeOrder(ctx, c, cloudaccount.ChangeOrderInput{
			EnablementID: in.ID, VendorOrder: in.Number, Verb: cloudaccount.Verb(in.Verb), IdempotencyKey: in.IdempotencyKey,
		}))
	})
}

func bindSubAccounts(s *api.Server, svc Services, path string) {
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: path + "/sub-accounts", ID: "create-sub-account", Tag: accountsTag, Faults: unoffered(),
		Summary: "Make an account below this one at the cloud", Detail: "Its credentials are encrypted and never returned. The answer is the change as far as it is after some seconds.",
	}, func(ctx context.Context, c access.Caller, in *makeSubAccount) (*One[AccountChange], error) {
		return accountChangeAnswer(svc.Accounts.MakeSubAccount(ctx, c, cloudaccount.SubAccountInput{
			EnablementID: in.ID, ForOrg: in.Body.ForOrg, Name: in.Body.Name, Email: in.Body.Email, IdempotencyKey: in.IdempotencyKey,
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path + "/sub-accounts", ID: "list-sub-accounts", Sort: []string{"created"}, Order: "-created", Tag: accountsTag, Summary: "List the accounts below an account",
	}, func(ctx context.Context, c access.Caller, in *listAccountImports) (*api.ListOut[SubAccount], error) {
		p, err := svc.Accounts.SubAccounts(ctx, c, cloudaccount.ListInput{EnablementID: in.ID, OldestFirst: !in.Down(), Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, subAccountOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/sub-accounts/{id}/enable", ID: "enable-sub-account", Tag: accountsTag, Status: http.StatusCreated,
		Summary: "Enable the provider with a sub-account that was made for your org", Detail: "As with credentials of your own, which nobody sees: the grant is needed, and the cloud checks them.",
	}, func(ctx context.Context, c access.Caller, in *enableSubAccount) (*Versioned[Enablement], error) {
		return enablementAnswer(svc.Accounts.Enable(ctx, c, cloudaccount.EnableInput{SubAccountID: in.ID, CoversAll: in.Body.CoversAll}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path + "/changes", ID: "list-account-changes", Sort: []string{"created"}, Order: "-created", Tag: accountsTag, Summary: "List the changes of an account at its cloud",
	}, func(ctx context.Context, c access.Caller, in *listAccountImports) (*api.ListOut[AccountChange], error) {
		p, err := svc.Accounts.Changes(ctx, c, cloudaccount.ListInput{EnablementID: in.ID, OldestFirst: !in.Down(), Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, accountChangeOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path + "/changes/{change}", ID: "get-account-change", Tag: accountsTag, Summary: "Read a change of an account at its cloud",
	}, func(ctx context.Context, c access.Caller, in *getAccountChange) (*One[AccountChange], error) {
		return accountChangeAnswer(svc.Accounts.GetChange(ctx, c, in.ID, in.Change))
	})
}

func accountChangeAnswer(v cloudaccount.Change, err error) (*One[AccountChange], error) {
	if err != nil {
		return nil, err
	}
	return &One[AccountChange]{accountChangeOf(v)}, nil
}

func accountChangeOf(v cloudaccount.Change) AccountChange {
	return AccountChange{
		ID: v.ID, EnablementID: v.EnablementID, Verb: string(v.Verb), VendorOrder: v.VendorOrder, Before: v.Before, After: v.After, ForOrg: v.ForOrg,
		Name: v.Name, SubAccountID: v.SubAccountID, State: string(v.State), Problem: v.Problem, Class: v.Class, RequestID: v.RequestID,
		Created: v.Created, Ended: when(v.Ended),
	}
}

func vendorOrderOf(v cloudaccount.Order) VendorOrder {
	return VendorOrder{
		ID: v.ID, State: v.State, Kind: v.Kind, VendorIDs: rows(v.ResourceIDs), Amount: string(v.Amount), Currency: v.Currency,
		Created: when(v.Created), ImportID: v.ImportID, Imported: v.Imported, EnablementID: v.EnablementID,
	}
}

func subAccountOf(v cloudaccount.SubAccount) SubAccount {
	return SubAccount{
		ID: v.ID, EnablementID: v.EnablementID, ForOrg: v.ForOrg, VendorID: v.VendorID, Name: v.Name, Settings: v.Settings,
		CredentialNames: rows(v.CredentialNames), Created: v.Created, Updated: v.Updated,
	}
}
