package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/audit"
	"tradewind.example/core/store"
)

// AuditEntry is one recorded change.
type AuditEntry struct {
	Seq       uint64    `json:"seq" doc:"Place in the chain"`
	Time      time.Time `json:"time"`
	Actor     string    `json:"actor"`
	OrgID     string    `json:"org_id"`
	Action    string    `json:"action" example:"order.create"`
	Thing     string    `json:"thing"`
	ThingID   string    `json:"thing_id,omitempty"`
	Before    any       `json:"before,omitempty" doc:"In the words of the thing's own route; secrets are masked"`
	After     any       `json:"after,omitempty" doc:"Secrets are masked"`
	RequestID string    `json:"request_id,omitempty"`
}

type listAudit struct {
	api.Paging
	OrgID   string    `query:"org_id" maxLength:"64" doc:"Of this org; your own when absent"`
	Tree    bool      `query:"tree" doc:"Of your whole tree instead; for the operator"`
	Actor   string    `query:"actor" maxLength:"200" example:"system"`
	Action  string    `query:"action" maxLength:"100" example:"order.create"`
	Thing   string    `query:"thing" maxLength:"100" doc:"Kind of thing"`
	ThingID string    `query:"thing_id" maxLength:"200"`
	From    time.Time `query:"from" doc:"At or after"`
	To      time.Time `query:"to" doc:"Before"`
}

func bindAudit(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/audit", ID: "list-audit", Sort: []string{"time"}, Order: "-time", Tag: "Audit", Summary: "Read the audit log",
		Detail: "Append-only and hash-chained; verify it with: tradewind audit verify.",
	}, func(ctx context.Context, c access.Caller, in *listAudit) (*api.ListOut[AuditEntry], error) {
		q := audit.Query{
			Org: orOwn(in.OrgID, c), Actor: in.Actor, Action: in.Action, Thing: in.Thing, ID: in.ThingID, From: in.From, To: in.To,
			Cursor: in.Cursor, Limit: in.Limit, OldestFirst: !in.Down(),
		}
		target := access.Target{OrgID: q.Org, Thing: "org", ID: q.Org}
		if in.Tree {
			q.Org, q.Root = "", c.RootID
			target = access.Target{OrgID: c.RootID, Thing: "org", Unnamed: true}
		}
		p, err := view(ctx, svc.Store, func(r store.Reader) (audit.Page, error) {
			if err := svc.Access.Check(r, c, access.AuditRead, target); err != nil {
				return audit.Page{}, err
			}
			return audit.List(r, q)
		})
		if err != nil {
			return nil, err
		}
		return api.NewList(p.Items, p.Next, standpoint{c}.auditOf), nil
	})
}

func (s standpoint) auditOf(e audit.Entry) AuditEntry {
	return AuditEntry{
		Seq: e.Seq, Time: e.Time, Actor: e.Actor, OrgID: e.Org, Action: e.Action, Thing: e.Thing, ThingID: e.ID,
		Before: s.stateOf(e.Before), After: s.stateOf(e.After), RequestID: e.RequestID,
	}
}
