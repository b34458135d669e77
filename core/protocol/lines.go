package protocol

import (
	"context"
	"fmt"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/id"
	"tradewind.example/core/paging"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// SavedLine is a line as stored, with what its seller should know.
type SavedLine struct {
	store.Doc[Line]
	Closed   string // the line that it replaces from its own From on; empty when none
	Warnings []Warning
}

// AddLine adds a price to a protocol from an instant that is not past, and
// closes the protocol's line that applied until then.
func (s *Service) AddLine(ctx context.Context, c access.Caller, in LineInput) (SavedLine, error) {
	if err := in.Validate(); err != nil {
		return SavedLine{}, err
	}
	var out SavedLine
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		doc, err := s.protocols.Get(tx, in.ProtocolID)
		if err != nil {
			return err
		}
		p := doc.Value
		if err := s.keep(tx, c, access.LineWrite, p); err != nil {
			return err
		}
		if in.ProductID != "" && s.cfg.Product != nil {
			if err := s.cfg.Product(tx, p.RootID, in.ProductID); err != nil {
				return err
			}
		}
		out, err = s.addLine(ctx, tx, c, p, in)
		return err
	})
	if err != nil {
		return SavedLine{}, fmt.Errorf("adding a price line: %w", err)
	}
	return out, nil
}

func (s *Service) addLine(ctx context.Context, tx store.Tx, c access.Caller, p Protocol, in LineInput) (SavedLine, error) {
	l, err := s.newLine(c, p, in)
	if err != nil {
		return SavedLine{}, err
	}
	out := SavedLine{}
	if out.Closed, err = s.closeOpen(tx, p, l); err != nil {
		return SavedLine{}, err
	}
	t, r := trackOf(l), rowOf(p, l)
	if other, overlaps, err := t.clash(tx, r.from, r.to); err != nil {
		return SavedLine{}, err
	} else if overlaps {
		return SavedLine{}, clashFault(other)
	}
	if out.Doc, err = s.lines.Insert(tx, l); err != nil {
		return SavedLine{}, err
	}
	if err := t.put(tx, r); err != nil {
		return SavedLine{}, err
	}
	if out.Warnings, err = s.guard(ctx, tx, p, l); err != nil {
		return SavedLine{}, err
	}
	return out, s.audit(tx, c, p.Keeper, audit.Record{Action: "line.create", Thing: "line", ID: l.ID, After: l})
}

func (s *Service) newLine(c access.Caller, p Protocol, in LineInput) (Line, error) {
	now := s.now()
	l := Line{
		ID: id.New(), ProtocolID: p.ID, Seller: p.Seller, Buyer: p.Buyer, ProductID: in.ProductID, Class: in.Class,
		Mode: p.Mode, Rate: in.Rate, Price: in.Price, From: exact(in.From), To: exact(in.To), Actor: c.Actor(), Created: now,
	}
	if l.From.IsZero() {
		l.From = later(now, p.Start)
	}
	if l.Mode == pricing.ModeRebate && l.Rate == nil {
		l.Rate = p.DefaultRate
	}
	if field, problem := pricing.CheckRate(l.Mode, l.Rate, l.Price); problem != "" {
		return l, fault.Invalid(field, "%s", problem)
	}
	switch {
	case l.From.Before(now):
		return l, fault.Invalid("from", "must not be in the past: prices are never changed backwards")
	case l.From.Before(p.Start):
		return l, fault.Invalid("from", "must not be before the protocol's start")
	case !p.End.IsZero() && !l.From.Before(p.End):
		return l, fault.Invalid("from", "must be before the protocol's end")
	case !l.To.IsZero() && !l.To.After(l.From):
		return l, fault.Invalid("to", "must be after from")
	}
	return l, nil
}

// closeOpen ends the protocol's own line that applies at the new line's From.
// Another protocol's line stays and is found as a clash.
func (s *Service) closeOpen(tx store.Tx, p Protocol, l Line) (string, error) {
	t := trackOf(l)
	open, found, err := t.at(tx, l.From)
	if err != nil || !found || open.protocolID != p.ID {
		return "", err
	}
	if open.from.Equal(l.From) {
		return "", clashFault(open)
	}
	doc, err := s.lines.Get(tx, open.sourceID)
	if err != nil {
		return "", err
	}
	doc.Value.To = l.From
	if _, err := s.lines.Update(tx, doc.Value, doc.Rev); err != nil {
		return "", err
	}
	open.to = l.From
	return open.sourceID, t.put(tx, open)
}

// CloseLineInput ends a line.
type CloseLineInput struct {
	ProtocolID string // that the line belongs to; empty: any
	ID         string
	Rev        uint64    // the revision that was read; 0: any
	At         time.Time // zero: now. Not in the past; at or before its From a scheduled line never applies
}

// CloseLine ends a line without a successor. A line that has ended stays as it is.
func (s *Service) CloseLine(ctx context.Context, c access.Caller, in CloseLineInput) (store.Doc[Line], error) {
	var out store.Doc[Line]
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		doc, p, err := s.lineTx(tx, c, in.ID)
		if err == nil && in.ProtocolID != "" && in.ProtocolID != p.ID {
			err = fault.NotFound("line", in.ID)
		}
		if err != nil {
			return err
		}
		if err := s.keep(tx, c, access.LineWrite, p); err != nil {
			return err
		}
		before := doc.Value
		after, err := s.closed(before, p, in)
		if err != nil {
			return err
		}
		if out, err = s.lines.Update(tx, after, in.Rev); err != nil {
			return err
		}
		if err := trackOf(after).put(tx, rowOf(p, after)); err != nil {
			return err
		}
		return s.audit(tx, c, p.Keeper, audit.Record{Action: "line.close", Thing: "line", ID: after.ID, Before: before, After: after})
	})
	if err != nil {
		return store.Doc[Line]{}, fmt.Errorf("closing a price line: %w", err)
	}
	return out, nil
}

func (s *Service) closed(l Line, p Protocol, in CloseLineInput) (Line, error) {
	now, at := s.now(), exact(in.At)
	if at.IsZero() {
		at = now
	}
	if at.Before(now) {
		return l, fault.Invalid("at", "must not be in the past: prices are never changed backwards")
	}
	if end := rowOf(p, l).to; !end.IsZero() && !at.Before(end) {
		return l, fault.Precondition("line %q ends at %s already", l.ID, end.Format(time.RFC3339))
	}
	l.To = later(at, l.From)
	return l, nil
}

// lineTx returns a line and its protocol when the caller may read them.
func (s *Service) lineTx(r store.Reader, c access.Caller, id string) (store.Doc[Line], Protocol, error) {
	doc, err := s.lines.Get(r, id)
	if err != nil {
		return store.Doc[Line]{}, Protocol{}, err
	}
	target := access.Target{Thing: "line", ID: id}
	if err := s.readable(r, c, access.LineRead, target, doc.Value.Seller, doc.Value.Buyer); err != nil {
		return store.Doc[Line]{}, Protocol{}, err
	}
	p, err := s.protocols.Get(r, doc.Value.ProtocolID)
	return doc, p.Value, err
}

// GetLine returns a line to its seller or buyer.
func (s *Service) GetLine(ctx context.Context, c access.Caller, id string) (store.Doc[Line], error) {
	var out store.Doc[Line]
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		out, _, err = s.lineTx(r, c, id)
		return err
	})
	return out, err
}

// LinesQuery asks for the lines of one protocol.
type LinesQuery struct {
	ProtocolID string
	ProductID  string // "" for all
	Sort       string // [SortCreated], which "" is, or [SortFrom]
	Cursor     string
	Limit      int  // 1..store.MaxList
	Reverse    bool // newest first
}

// ListLines lists a protocol's lines, oldest first, ended ones included.
func (s *Service) ListLines(ctx context.Context, c access.Caller, q LinesQuery) (store.Page[Line], error) {
	index, err := paging.Sorts{"": linesByProtocol, SortCreated: linesByProtocol, SortFrom: linesByFrom}.Index(q.Sort)
	if err != nil {
		return store.Page[Line]{}, err
	}
	var page store.Page[Line]
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		doc, err := s.protocols.Get(r, q.ProtocolID)
		if err != nil {
			return err
		}
		target := access.Target{Thing: "protocol", ID: q.ProtocolID}
		if err := s.readable(r, c, access.LineRead, target, doc.Value.Seller, doc.Value.Buyer); err != nil {
			return err
		}
		page, err = paging.Where(r, s.lines, store.Query{
			Index: index, Prefix: store.Key(q.ProtocolID), Cursor: q.Cursor, Limit: q.Limit, Reverse: q.Reverse,
		}, func(l *Line) bool { return q.ProductID == "" || l.ProductID == q.ProductID })
		return err
	})
	return page, err
}

// LinesOfProductTx streams the lines that name a product, of all pairs and
// times, to another package, which checks the rights.
func (s *Service) LinesOfProductTx(r store.Reader, product string, fn func(Line) error) error {
	q := store.Query{Index: linesByProduct, Prefix: store.Key(product), Limit: store.NoLimit}
	return s.lines.Each(r, q, func(d store.Doc[Line]) error { return fn(d.Value) })
}

// WideFloorsTx streams the newest floor lines for a class, or with an empty
// class the newest floors of whole protocols, of all pairs and times, to
// another package, which checks the rights.
func (s *Service) WideFloorsTx(r store.Reader, class string, most int, fn func(Line) error) error {
	q := store.Query{Index: linesByWideFloor, Prefix: store.Key(class), Reverse: true, Limit: most}
	return s.lines.Each(r, q, func(d store.Doc[Line]) error { return fn(d.Value) })
}
