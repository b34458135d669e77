package v1

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/cloudaccount"
)

// AccountBalance is the money that an account has at its cloud.
type AccountBalance struct {
	Currency  string `json:"currency"`
	Available string `json:"available,omitempty" doc:"Absent when the cloud does not tell, as are the others"`
	Cash      string `json:"cash,omitempty"`
	Credit    string `json:"credit,omitempty"`
	Frozen    string `json:"frozen,omitempty"`
}

// ConsoleLink is a one-time way into the cloud's console.
type ConsoleLink struct {
	URL     string     `json:"url" doc:"A secret until it ends: it signs in whoever opens it. It is answered this once and kept nowhere"`
	Expires *time.Time `json:"expires,omitempty"`
}

// AccountImport reads bill lines or orders of an account from its cloud.
type AccountImport struct {
	ID           string     `json:"id"`
	EnablementID string     `json:"enablement_id"`
	Subject      string     `json:"subject" enum:"bill_lines,vendor_orders"`
	From         time.Time  `json:"from"`
	To           time.Time  `json:"to" doc:"Not included"`
	State        string     `json:"state" enum:"waiting,running,done,failed"`
	Reached      time.Time  `json:"reached" doc:"All before it is read"`
	Seen         int        `json:"seen" doc:"Rows that the cloud told in the months that are read"`
	Added        int        `json:"added"`
	Changed      int        `json:"changed" doc:"Rows that were known and that the cloud tells differently now"`
	Problem      string     `json:"problem,omitempty"`
	Class        string     `json:"class,omitempty" doc:"Fault class of the problem"`
	JobID        string     `json:"job_id"`
	Created      time.Time  `json:"created"`
	Updated      time.Time  `json:"updated"`
	Ended        *time.Time `json:"ended,omitempty"`
}

// BillLine is one line of the cloud's bill; its columns are those of FOCUS.
type BillLine struct {
	ID                string            `json:"id" doc:"The cloud's"`
	BillingAccountID  string            `json:"billing_account_id,omitempty"`
	SubAccountID      string            `json:"sub_account_id,omitempty"`
	VendorResource    string            `json:"vendor_resource,omitempty" doc:"The cloud's id of the resource"`
	ResourceType      string            `json:"resource_type,omitempty"`
	ServiceName       string            `json:"service_name,omitempty"`
	RegionID          string            `json:"region_id,omitempty"`
	ChargeCategory    string            `json:"charge_category,omitempty"`
	ChargeDescription string            `json:"charge_description,omitempty"`
	ChargePeriodStart time.Time         `json:"charge_period_start"`
	ChargePeriodEnd   *time.Time        `json:"charge_period_end,omitempty"`
	BillingCurrency   string            `json:"billing_currency,omitempty"`
	BilledCost        string            `json:"billed_cost"`
	EffectiveCost     string            `json:"effective_cost,omitempty"`
	ListCost          string            `json:"list_cost,omitempty"`
	VendorOrder       string            `json:"vendor_order,omitempty"`
	Tags              map[string]string `json:"tags,omitempty"`
	ImportID          string            `json:"import_id" doc:"The import that told it as it is"`
	Imported          time.Time         `json:"imported"`
}

type askConsoleLink struct {
	ByID
	Body struct {
		Target string `json:"target,omitempty" maxLength:"2000" doc:"The page to open, in the cloud's words"`
	}
}

type importAccount struct {
	ByID
	api.Key
	Body struct {
		Subject string    `json:"subject" enum:"bill_lines,vendor_orders"`
		From    time.Time `json:"from"`
		To      time.Time `json:"to" doc:"Not included; at most 400 days after from"`
	}
}

type listAccountImports struct {
	ByID
	api.Paging
}

type getAccountImport struct {
	ByID
	Import string `path:"import" minLength:"1" maxLength:"64" doc:"The import's id"`
}

// BillLineFilter chooses bill lines.
type BillLineFilter struct {
	From           time.Time `query:"from" doc:"Charged from"`
	To             time.Time `query:"to" doc:"Charged before"`
	VendorResource string    `query:"vendor_resource" maxLength:"200"`
	SubAccount     string    `query:"sub_account" maxLength:"200" doc:"The cloud's id"`
	VendorOrder    string    `query:"vendor_order" maxLength:"200"`
}

func (f BillLineFilter) of(enablementID string) cloudaccount.LinesInput {
	return cloudaccount.LinesInput{
		ListInput:  cloudaccount.ListInput{EnablementID: enablementID, From: f.From, To: f.To},
		ResourceID: f.VendorResource, SubAccountID: f.SubAccount, VendorOrder: f.VendorOrder,
	}
}

type listBillLines struct {
	ByID
	BillLineFilter
	api.Paging
}

type exportBillLines struct {
	ByID
	BillLineFilter
}

const accountsTag = "Cloud accounts"

func bindAccounts(s *api.Server, svc Services) {
	const path = "/v1/enablements/{id}"
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path + "/balance", ID: "get-account-balance", Tag: accountsTag, Faults: unoffered(),
		Summary: "Ask for the money that an account has at its cloud", Detail: "Of an enablement with an account of its own: what a shared one has is its owner's to see.",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[AccountBalance], error) {
		b, err := svc.Accounts.Balance(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return &One[AccountBalance]{AccountBalance{
			Currency: b.Currency, Available: string(b.Available), Cash: string(b.Cash), Credit: string(b.Credit), Frozen: string(b.Frozen),
		}}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: path + "/sign-in-link", ID: "create-sign-in-link", Tag: accountsTag, Faults: unoffered(),
		Summary: "Get a one-time link into the cloud's console", Detail: "The link signs in whoever opens it. It is in no log; that you asked for one is in the audit log.",
	}, func(ctx context.Context, c access.Caller, in *askConsoleLink) (*One[ConsoleLink], error) {
		link, err := svc.Accounts.SignInLink(ctx, c, cloudaccount.SignInInput{EnablementID: in.ID, Target: in.Body.Target})
		if err != nil {
			return nil, err
		}
		return &One[ConsoleLink]{ConsoleLink{URL: link.URL.Reveal(), Expires: when(link.Expires)}}, nil
	})
	bindAccountImports(s, svc, path)
	bindBillLines(s, svc, path)
	bindVendorOrders(s, svc, path)
	bindSubAccounts(s, svc, path)
}

func bindAccountImports(s *api.Server, svc Services, path string) {
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: path + "/imports", ID: "create-account-import", Tag: accountsTag, Status: http.StatusAccepted, Faults: unoffered(),
		Summary: "Import bill lines or orders of an account from its cloud",
		Detail:  "A background job reads them month by month; watch the import's state. What is read again replaces what the cloud tells differently now, by the cloud's id of it, and nothing comes twice.",
	}, func(ctx context.Context, c access.Caller, in *importAccount) (*One[AccountImport], error) {
		return importAnswer(svc.Accounts.Import(ctx, c, cloudaccount.ImportInput{
			EnablementID: in.ID, Subject: cloudaccount.Subject(in.Body.Subject), From: in.Body.From, To: in.Body.To, IdempotencyKey: in.IdempotencyKey,
		}))
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path + "/imports", ID: "list-account-imports", Sort: []string{"created"}, Order: "-created", Tag: accountsTag, Summary: "List the imports of an account",
	}, func(ctx context.Context, c access.Caller, in *listAccountImports) (*api.ListOut[AccountImport], error) {
		p, err := svc.Accounts.Imports(ctx, c, cloudaccount.ListInput{EnablementID: in.ID, OldestFirst: !in.Down(), Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, importOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path + "/imports/{import}", ID: "get-account-import", Tag: accountsTag, Summary: "Read an import of an account",
	}, func(ctx context.Context, c access.Caller, in *getAccountImport) (*One[AccountImport], error) {
		return importAnswer(svc.Accounts.GetImport(ctx, c, in.ID, in.Import))
	})
}

// longestExport bounds a download of bill lines.
const longestExport = time.Hour

func bindBillLines(s *api.Server, svc Services, path string) {
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path + "/bill-lines", ID: "list-bill-lines", Sort: []string{"charge_period_start"}, Order: "-charge_period_start", Tag: accountsTag, Summary: "List the bill lines that were imported",
		Detail: "As the cloud told them; a page may be short and still have a `next`. Import them first.",
	}, func(ctx context.Context, c access.Caller, in *listBillLines) (*api.ListOut[BillLine], error) {
		q := in.of(in.ID)
		q.OldestFirst, q.Cursor, q.Limit = !in.Down(), in.Cursor, in.Limit
		p, err := svc.Accounts.Lines(ctx, c, q)
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, billLineOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: path + "/bill-lines/export", ID: "export-bill-lines", Tag: accountsTag, Summary: "Download bill lines as CSV",
		Detail: "Oldest first, with the column names of FOCUS; what it has no column for begins with `x_`.",
	}, func(ctx context.Context, c access.Caller, in *exportBillLines) (*huma.StreamResponse, error) {
		fill, err := svc.Accounts.Export(ctx, c, in.of(in.ID))
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			hc.SetHeader("Content-Type", "text/csv; charset=utf-8")
			hc.SetHeader("Content-Disposition", `attachment; filename="bill-lines.csv"`)
			s.Download(hc, longestExport, func(ctx context.Context, w io.Writer) error { return fill(ctx, w) })
		}}, nil
	})
}

func importAnswer(v cloudaccount.Import, err error) (*One[AccountImport], error) {
	if err != nil {
		return nil, err
	}
	return &One[AccountImport]{importOf(v)}, nil
}

func importOf(v cloudaccount.Import) AccountImport {
	return AccountImport{
		ID: v.ID, EnablementID: v.EnablementID, Subject: string(v.Subject), From: v.From, To: v.To, State: string(v.State), Reached: v.Reached,
		Seen: v.Seen, Added: v.Added, Changed: v.Changed, Problem: v.Problem, Class: v.Class, JobID: v.JobID,
		Created: v.Created, Updated: v.Updated, Ended: when(v.Ended),
	}
}

func billLineOf(v cloudaccount.Line) BillLine {
	return BillLine{
		ID: v.ID, BillingAccountID: v.BillingAccountID, SubAccountID: v.SubAccountID, VendorResource: v.ResourceID, ResourceType: v.ResourceType,
		ServiceName: v.ServiceName, RegionID: v.RegionID, ChargeCategory: v.ChargeCategory, ChargeDescription: v.ChargeDescription,
		ChargePeriodStart: v.ChargePeriodStart, ChargePeriodEnd: when(v.ChargePeriodEnd), BillingCurrency: v.BillingCurrency,
		BilledCost: string(v.BilledCost), EffectiveCost: string(v.EffectiveCost), ListCost: string(v.ListCost), VendorOrder: v.VendorOrder,
		Tags: v.Tags, ImportID: v.ImportID, Imported: v.Imported,
	}
}
