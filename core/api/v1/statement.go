package v1

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/money"
	"tradewind.example/core/settlement"
)

// Statement is what one buyer and one seller settle for one period.
type Statement struct {
	ID            string       `json:"id"`
	Seller        string       `json:"seller"`
	Buyer         string       `json:"buyer"`
	Currency      string       `json:"currency"`
	Template      string       `json:"template"`
	From          *time.Time   `json:"from,omitempty"`
	Due           time.Time    `json:"due" doc:"It settles everything unsettled before this instant"`
	State         string       `json:"state" enum:"collecting,open,agreed,refused,settled"`
	Count         int64        `json:"count" doc:"Bills"`
	Amount        string       `json:"amount" doc:"Of all bills"`
	Commission    string       `json:"commission" doc:"Of all bills"`
	PeriodAmount  string       `json:"period_amount" doc:"Of the bills that this statement pays"`
	Refunds       int64        `json:"refunds" doc:"Bills that are refunds"`
	RefundAmount  string       `json:"refund_amount" doc:"Their part of amount, negative"`
	Net           string       `json:"net" doc:"What the buyer still owes by it; negative: the seller owes the buyer"`
	TransactionID string       `json:"transaction_id,omitempty"`
	Note          string       `json:"note,omitempty"`
	Transitions   []Transition `json:"transitions" nullable:"false"`
	Created       time.Time    `json:"created"`
	Updated       time.Time    `json:"updated"`
}

// StatementLine is one bill of a statement.
type StatementLine struct {
	BillID      string    `json:"bill_id"`
	OrderID     string    `json:"order_id"`
	ProductName string    `json:"product_name,omitempty"`
	Time        time.Time `json:"time"`
	Operation   string    `json:"operation"`
	Settle      string    `json:"settle"`
	Amount      string    `json:"amount"`
	Commission  string    `json:"commission"`
}

// RunReport tells what a settlement run did.
type RunReport struct {
	Opened   []string `json:"opened" nullable:"false" doc:"Statements that are open now because of this run"`
	Returned []string `json:"returned" nullable:"false" doc:"Refused statements whose bills are unsettled again"`
	Bills    int64    `json:"bills"`
}

type runStatements struct {
	Body struct {
		Seller string `json:"seller,omitempty" maxLength:"64" doc:"Your own org when absent"`
	}
}

type decideStatement struct {
	ByID
	api.Key
	Body struct {
		Note string `json:"note,omitempty" maxLength:"2000"`
	}
}

type listStatements struct {
	api.Paging
	OrgID string `query:"org_id" maxLength:"64" doc:"Your own org when absent"`
	Side  string `query:"side" enum:"seller,buyer" doc:"Both when absent"`
	State string `query:"state" enum:"collecting,open,agreed,refused,settled"`
	Other string `query:"other" maxLength:"64" doc:"The org on the other side"`

	Currency string `query:"currency" maxLength:"3"`

	From time.Time `query:"from" doc:"Due at or after"`
	To   time.Time `query:"to" doc:"Due before"`
}

type listStatementLines struct {
	ByID
	api.Paging
}

// workbook is an XLSX file.
type workbook struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               []byte
}

func bindStatements(s *api.Server, svc Services) {
	const tag = "Statements"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/statements/run", ID: "run-statements", Tag: tag,
		Summary: "Open every statement that is due", Detail: "The schedule does the same; running it twice changes nothing. The operator also opens those of its clouds' orgs, in which it is the buyer.",
	}, func(ctx context.Context, c access.Caller, in *runStatements) (*One[RunReport], error) {
		r, err := svc.Statements.RunNow(ctx, c, in.Body.Seller)
		if err != nil {
			return nil, err
		}
		return &One[RunReport]{RunReport{Opened: rows(r.Opened), Returned: rows(r.Returned), Bills: r.Bills}}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/statements", ID: "list-statements", Sort: []string{"created", "due", "amount"}, Order: "-created", Tag: tag, Summary: "List statements",
	}, func(ctx context.Context, c access.Caller, in *listStatements) (*api.ListOut[Statement], error) {
		p, err := svc.Statements.List(ctx, c, settlement.Query{OrgID: in.OrgID, Side: in.Side, State: settlement.State(in.State), Other: in.Other, Currency: money.Currency(in.Currency), From: in.From, To: in.To,
			Sort: in.By(), OldestFirst: !in.Down(), Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		out := &api.ListOut[Statement]{Body: api.List[Statement]{Items: make([]Statement, 0, len(p.Items)), Next: p.Next}}
		for _, x := range p.Items {
			one, err := statementAnswer(x, nil)
			if err != nil {
				return nil, err
			}
			out.Body.Items = append(out.Body.Items, one.Body)
		}
		return out, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/statements/{id}", ID: "get-statement", Tag: tag, Summary: "Read a statement",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*One[Statement], error) {
		return statementAnswer(svc.Statements.Get(ctx, c, in.ID))
	})
	bindStatementLines(s, svc)
	bindDecisions(s, svc)
}

func bindStatementLines(s *api.Server, svc Services) {
	const tag = "Statements"
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/statements/{id}/lines", ID: "list-statement-lines", Sort: []string{"time"}, Order: "time", Tag: tag, Summary: "List the bills of a statement",
	}, func(ctx context.Context, c access.Caller, in *listStatementLines) (*api.ListOut[StatementLine], error) {
		st, err := svc.Statements.Get(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		p, err := svc.Statements.Lines(ctx, c, settlement.LinesQuery{StatementID: in.ID, Cursor: in.Cursor, Limit: in.Limit, Reverse: in.Down()})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, func(l settlement.DetailedLine) StatementLine {
			return StatementLine{
				BillID: l.BillID, OrderID: l.OrderID, ProductName: l.ProductName, Time: l.Time, Operation: l.Operation, Settle: l.Settle,
				Amount: l.Amount.Format(st.Currency), Commission: l.Commission.Format(st.Currency),
			}
		}), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/statements/{id}/export", ID: "export-statement", Tag: tag, Summary: "Download a statement as an XLSX workbook",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*workbook, error) {
		var b bytes.Buffer
		if err := svc.Statements.Export(ctx, c, in.ID, &b); err != nil {
			return nil, err
		}
		return &workbook{
			ContentType:        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			ContentDisposition: `attachment; filename="statement-` + in.ID + `.xlsx"`, Body: b.Bytes(),
		}, nil
	})
}

func bindDecisions(s *api.Server, svc Services) {
	const tag = "Statements"
	for _, d := range []struct {
		verb, summary, detail string
		do                    func(context.Context, access.Caller, settlement.Decision) (settlement.Statement, error)
	}{
		{"agree", "Agree to a statement", "It is posted in both books and settled.", svc.Statements.Agree},
		{"refuse", "Refuse a statement", "Its bills become unsettled again.", svc.Statements.Refuse},
	} {
		api.Handle(s, api.Route{
			Method: http.MethodPost, Path: "/v1/statements/{id}/" + d.verb, ID: d.verb + "-statement", Tag: tag, Summary: d.summary, Detail: d.detail,
		}, func(ctx context.Context, c access.Caller, in *decideStatement) (*One[Statement], error) {
			return statementAnswer(d.do(ctx, c, settlement.Decision{StatementID: in.ID, Note: in.Body.Note, IdempotencyKey: in.IdempotencyKey}))
		})
	}
}

func statementAnswer(x settlement.Statement, err error) (*One[Statement], error) {
	if err != nil {
		return nil, err
	}
	net, err := x.Totals.Net()
	if err != nil {
		return nil, err
	}
	out := Statement{
		ID: x.ID, Seller: x.Seller, Buyer: x.Buyer, Currency: string(x.Currency), Template: x.Template, From: when(x.From), Due: x.Due,
		State: string(x.State), Count: x.Totals.Count, Amount: x.Totals.Amount.Format(x.Currency), Commission: x.Totals.Commission.Format(x.Currency),
		PeriodAmount: x.Totals.PeriodAmount.Format(x.Currency), Refunds: x.Totals.Refunds, RefundAmount: x.Totals.RefundAmount.Format(x.Currency),
		Net: net.Format(x.Currency), TransactionID: x.TransactionID, Note: x.Note,
		Transitions: make([]Transition, 0, len(x.Transitions)), Created: x.Created, Updated: x.Updated,
	}
	for _, t := range x.Transitions {
		out.Transitions = append(out.Transitions, Transition{From: string(t.From), To: string(t.To), Time: t.Time, Actor: t.Actor, Reason: t.Note})
	}
	return &One[Statement]{out}, nil
}
