package quote

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"tradewind.example/sdk/fault"

	"tradewind.example/core/access"
	"tradewind.example/core/id"
	"tradewind.example/core/store"
)

// Query selects quotes of the caller's sale chains.
type Query struct {
	OrgID      string // only of this buyer
	ProviderID string
	ProductID  string
	From, To   time.Time // created; half-open, zero is open
	Cursor     string
	Limit      int  // 1..store.MaxList
	Reverse    bool // newest first
}

func (in Query) admits(q *Quote) bool {
	switch {
	case in.OrgID != "" && in.OrgID != q.OrgID, in.ProviderID != "" && in.ProviderID != q.ProviderID,
		in.ProductID != "" && in.ProductID != q.ProductID:
		return false
	}
	return !q.Created.Before(in.From) && (in.To.IsZero() || q.Created.Before(in.To))
}

// beyond reports whether the rest of the list, from a quote of that time on, is
// out of the time that is asked for.
func (in Query) beyond(created time.Time) bool {
	if in.Reverse {
		return created.Before(in.From)
	}
	return !in.To.IsZero() && !created.Before(in.To)
}

// maxLook bounds how many quotes one list request reads.
const maxLook = 5000

// List returns the caller's views of the quotes in whose chain its org stands,
// in the order they were made. A page can be shorter than its limit and still
// have a Next.
func (s *Service) List(ctx context.Context, c access.Caller, in Query) (Page[View], error) {
	if in.Limit < 1 || in.Limit > store.MaxList {
		return Page[View]{}, fault.Invalid("limit", "must be from 1 to %d", store.MaxList)
	}
	if in.Cursor != "" && !id.Valid(in.Cursor) {
		return Page[View]{}, fault.Invalid("cursor", "is not one that this list returned: start again without it")
	}
	// The list shows what is stored: bring it up to date first.
	if err := s.Flush(ctx); err != nil {
		return Page[View]{}, err
	}
	var out Page[View]
	err := s.Store.View(ctx, func(r store.Reader) error {
		reach, err := s.Authority.Reach(r, c, access.QuoteRead)
		if err != nil {
			return err
		}
		out, err = s.list(r, c.OrgID, in, reach)
		return err
	})
	return out, err
}

func (s *Service) list(r store.Reader, org string, in Query, reach access.Reach) (Page[View], error) {
	span, err := in.span(r, org)
	if err != nil {
		return Page[View]{}, err
	}
	w := walk{org: org, in: in, within: func(buyer string) (bool, error) { return s.Authority.Within(r, reach, buyer) }}
	err = r.Scan(byOrg, span, func(k, places []byte) error {
		row, err := r.Get(rows, store.Key(string(k[len(k)-id.Len-2:len(k)-2])))
		if err != nil {
			return err
		}
		frames, err := framesOf(row)
		if err != nil {
			return err
		}
		return w.sheaf(frames, places)
	})
	return w.out, err
}

// walk fills a page from the sheaves of one org.
type walk struct {
	org    string
	in     Query
	within func(buyer string) (bool, error) // the caller's reach

	out    Page[View]
	looked int
	last   string // id of the quote looked at last
}

// sheaf looks at the org's quotes of one sheaf, in the order of the query.
func (w *walk) sheaf(frames, places []byte) error {
	n := len(places) / placeLen
	for i := range n {
		if w.in.Reverse {
			i = n - 1 - i
		}
		quoteID, raw, _, err := frameAt(frames, int(binary.BigEndian.Uint32(places[i*placeLen:])))
		if err != nil {
			return err
		}
		if w.in.passed(quoteID) {
			continue
		}
		if len(w.out.Items) == w.in.Limit || w.looked == maxLook {
			w.out.Next = w.last
			return store.Stop
		}
		if err := w.look(quoteID, raw); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) look(quoteID string, raw []byte) error {
	w.looked, w.last = w.looked+1, quoteID
	q, err := readDocument(quoteID, raw)
	if err != nil {
		return err
	}
	if w.in.beyond(q.Created) {
		return store.Stop
	}
	if !w.in.admits(q) || !slices.Contains(q.Path, w.org) {
		return nil
	}
	ok, err := w.within(q.OrgID)
	if ok {
		w.out.Items = append(w.out.Items, q.View(w.org))
	}
	return err
}

// passed reports whether a page before held the quote.
func (in Query) passed(quoteID string) bool {
	switch {
	case in.Cursor == "":
		return false
	case in.Reverse:
		return quoteID >= in.Cursor
	default:
		return quoteID <= in.Cursor
	}
}

// span is where the org's sheaves are looked for: forward from the one that
// holds the cursor, or backward from it.
func (in Query) span(r store.Reader, org string) (store.Range, error) {
	span := store.Prefix(org).All()
	span.Reverse = in.Reverse
	if in.Cursor == "" {
		return span, nil
	}
	from := store.Range{From: store.Key(org, in.Cursor), To: span.To, Limit: 1}
	if !in.Reverse {
		span.From = from.From
		return span, nil
	}
	err := r.Scan(byOrg, from, func(k, _ []byte) error {
		span.To = append(bytes.Clone(k), 0) // with this sheaf
		return nil
	})
	return span, err
}
