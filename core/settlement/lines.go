package settlement

import (
	"context"
	"encoding/base64"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/billing"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// maxCursor bounds a cursor in bytes.
const maxCursor = 512

// LinesQuery asks for the bills of one statement.
type LinesQuery struct {
	StatementID string
	Cursor      string
	Limit       int  // 1..store.MaxList
	Reverse     bool // newest first
}

// Lines returns one page of a statement's bills, oldest first.
func (s *Service) Lines(ctx context.Context, c access.Caller, q LinesQuery) (Page[DetailedLine], error) {
	if q.Limit < 1 || q.Limit > store.MaxList {
		return Page[DetailedLine]{}, fault.Invalid("limit", "must be from 1 to %d", store.MaxList)
	}
	var out Page[DetailedLine]
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		if _, err := s.get(r, c, access.StatementRead, q.StatementID); err != nil {
			return err
		}
		span, err := q.span()
		if err != nil {
			return err
		}
		out, err = s.linePage(r, span, len(store.Key(q.StatementID)), q.Limit)
		return err
	})
	return out, err
}

// linePage reads up to limit lines. A cursor is the last key's part after the
// statement's own.
func (s *Service) linePage(r store.Reader, span store.Range, prefix, limit int) (Page[DetailedLine], error) {
	var out Page[DetailedLine]
	var last []byte
	span.Limit = limit + 1
	err := r.Scan(lines, span, func(k, raw []byte) error {
		if len(out.Items) == limit {
			out.Next = base64.RawURLEncoding.EncodeToString(last[prefix:])
			return store.Stop
		}
		last = k
		line, err := s.line(r, raw)
		out.Items = append(out.Items, line)
		return err
	})
	if err != nil {
		return Page[DetailedLine]{}, err
	}
	return out, nil
}

func (q LinesQuery) span() (store.Range, error) {
	prefix := store.Key(q.StatementID)
	span := store.PrefixOf(prefix)
	span.Reverse = q.Reverse
	if q.Cursor == "" {
		return span, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(q.Cursor) > maxCursor || len(raw) == 0 {
		return span, fault.Invalid("cursor", "is not one that this list returned: start again without it")
	}
	if last := append(prefix, raw...); q.Reverse {
		span.To = last
	} else {
		span.From = append(last, 0)
	}
	return span, nil
}

func (s *Service) line(r store.Reader, raw []byte) (DetailedLine, error) {
	e, err := billing.DecodeEntry(raw)
	if err != nil {
		return DetailedLine{}, err
	}
	out := DetailedLine{Line: Line{
		BillID: e.BillID, Time: e.Time, Operation: string(e.Operation), Settle: string(e.Settle),
		Amount: e.Amount, Commission: e.Commission,
	}}
	b, found, err := s.cfg.Bills.FindTx(r, e.BillID)
	if err == nil && found {
		out.OrderID, out.ProductName = b.OrderID, b.ProductName
	}
	return out, err
}

// StatementOfTx returns the standing statement that a bill is in, "" while the
// bill is unsettled. It looks at the pair's statements that are due after the
// bill, the earliest first, and checks no rights.
func (s *Service) StatementOfTx(r store.Reader, b billing.Bill) (Statement, bool, error) {
	var out Statement
	found := false
	q := store.Query{
		Index: "pair", Prefix: store.Key(b.Seller, b.Buyer, b.Currency),
		From: store.Key(b.Time.Add(time.Nanosecond)), Limit: store.NoLimit,
	}
	err := s.statements.Each(r, q, func(d store.Doc[Statement]) error {
		raw, err := r.Get(lines, append(store.Key(d.Value.ID), store.Key(b.Time, b.ID)...))
		if err != nil || raw == nil {
			return err
		}
		out, found = d.Value, true
		return store.Stop
	})
	return out, found, err
}
