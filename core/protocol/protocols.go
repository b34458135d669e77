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
	"tradewind.example/core/settledate"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/core/trade"
	"tradewind.example/sdk/fault"
)

// Saved is a protocol as stored, with what its seller should know.
type Saved struct {
	store.Doc[Protocol]
	Warnings []Warning
}

// Create makes a protocol, and its first default line when it has a default
// rate.
func (s *Service) Create(ctx context.Context, c access.Caller, in CreateInput) (Saved, error) {
	if err := in.Validate(); err != nil {
		return Saved{}, err
	}
	var out Saved
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		pair, err := s.cfg.Pairs.KeepTx(tx, c, access.ProtocolWrite, in.Seller, in.Buyer)
		if err != nil {
			return err
		}
		p, err := s.newProtocol(pair, in)
		if err != nil {
			return err
		}
		if err := s.staffed(tx, p); err != nil {
			return err
		}
		if err := s.sameMode(tx, p); err != nil {
			return err
		}
		out, err = s.insert(ctx, tx, c, p)
		return err
	})
	if err != nil {
		return Saved{}, fmt.Errorf("creating a protocol: %w", err)
	}
	return out, nil
}

func (s *Service) newProtocol(pair trade.Pair, in CreateInput) (Protocol, error) {
	if in.Mode == pricing.ModeRebate && pair.Buyer.Kind == tenant.KindCustomer {
		return Protocol{}, fault.Invalid("mode", "must not be rebate for a customer: nobody buys from it")
	}
	now := s.now()
	p := Protocol{
		ID: id.New(), Seller: in.Seller, Buyer: in.Buyer, Keeper: pair.Keeper, RootID: pair.Buyer.RootID,
		Mode: in.Mode, Settle: in.Settle, Template: in.Template, Salesperson: in.Salesperson, File: in.File,
		Start: exact(in.Start), End: exact(in.End), DefaultRate: in.DefaultRate, Created: now, Updated: now,
	}
	if p.Start.IsZero() {
		p.Start = now
	}
	if p.Template == "" {
		p.Template = settledate.Default
	}
	if !p.End.IsZero() && (!p.End.After(p.Start) || !p.End.After(now)) {
		return Protocol{}, fault.Invalid("end", "must be after start and after now")
	}
	return p, nil
}

// exact is a time as the timeline keeps it.
func exact(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

func (s *Service) insert(ctx context.Context, tx store.Tx, c access.Caller, p Protocol) (Saved, error) {
	doc, err := s.protocols.Insert(tx, p)
	if err != nil {
		return Saved{}, err
	}
	out := Saved{Doc: doc}
	if p.DefaultRate != nil {
		first, err := s.addLine(ctx, tx, c, p, LineInput{ProtocolID: p.ID, Rate: p.DefaultRate})
		if err != nil {
			return Saved{}, err
		}
		out.Warnings = first.Warnings
	}
	return out, s.audit(tx, c, p.Keeper, audit.Record{Action: "protocol.create", Thing: "protocol", ID: p.ID, After: p})
}

// sameMode refuses a second protocol of one mode for the pair at any instant.
func (s *Service) sameMode(r store.Reader, p Protocol) error {
	q := store.Query{
		Index: protocolsByMode, Prefix: store.Key(p.Seller, p.Buyer, p.Mode), Reverse: true, Limit: store.NoLimit,
	}
	if !p.End.IsZero() {
		q.To = store.Key(p.End)
	}
	return s.protocols.Each(r, q, func(d store.Doc[Protocol]) error {
		o := d.Value
		if o.ID == p.ID || o.End.Equal(o.Start) {
			return nil
		}
		if o.End.IsZero() || o.End.After(p.Start) {
			return fault.Conflict("protocol %q of mode %s applies %s; end it first or choose other dates", o.ID, o.Mode, window(o.Start, o.End))
		}
		return store.Stop // windows are disjoint: all before end earlier still
	})
}

// window writes a half-open window for people.
func window(from, to time.Time) string {
	if to.IsZero() {
		return "from " + from.Format(time.RFC3339) + " on"
	}
	return "from " + from.Format(time.RFC3339) + " to " + to.Format(time.RFC3339)
}

// Update replaces what may change of a protocol. A new end moves the ends of
// its lines' windows; extending it over another protocol's prices is a conflict.
func (s *Service) Update(ctx context.Context, c access.Caller, in UpdateInput) (Saved, error) {
	if err := in.Validate(); err != nil {
		return Saved{}, err
	}
	var out Saved
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		doc, err := s.protocols.Get(tx, in.ID)
		if err != nil {
			return err
		}
		if err := s.keep(tx, c, access.ProtocolWrite, doc.Value); err != nil {
			return err
		}
		before := doc.Value
		after, err := s.changed(before, in)
		if err != nil {
			return err
		}
		if after.Salesperson != before.Salesperson {
			if err := s.staffed(tx, after); err != nil {
				return err
			}
		}
		if out.Doc, err = s.protocols.Update(tx, after, in.Rev); err != nil {
			return err
		}
		if !after.End.Equal(before.End) {
			if err := s.moveEnd(tx, before, after); err != nil {
				return err
			}
		}
		return s.audit(tx, c, after.Keeper, audit.Record{
			Action: "protocol.update", Thing: "protocol", ID: after.ID, Before: before, After: after,
		})
	})
	if err != nil {
		return Saved{}, fmt.Errorf("updating a protocol: %w", err)
	}
	return out, nil
}

func (s *Service) changed(p Protocol, in UpdateInput) (Protocol, error) {
	now := s.now()
	end := exact(in.End)
	if !end.Equal(p.End) && !end.IsZero() {
		if end.Before(now) || end.Before(p.Start) || (end.Equal(p.Start) && !p.Start.After(now)) {
			return p, fault.Invalid("end", "must not be before now or before the protocol's start")
		}
	}
	if !end.Equal(p.End) && p.StateAt(now) == StateEnded {
		return p, fault.Precondition("protocol %q has ended; make a new one", p.ID)
	}
	p.Template, p.Salesperson, p.File, p.End, p.Updated = in.Template, in.Salesperson, in.File, end, now
	if p.Template == "" {
		p.Template = settledate.Default
	}
	return p, nil
}

// moveEnd cuts or extends the windows of the protocol's lines.
func (s *Service) moveEnd(tx store.Tx, before, after Protocol) error {
	if err := s.sameMode(tx, after); err != nil {
		return err
	}
	q := store.Query{Index: linesByProtocol, Prefix: store.Key(after.ID), Limit: store.NoLimit}
	return s.lines.Each(tx, q, func(d store.Doc[Line]) error {
		l := d.Value
		old, changed := rowOf(before, l), rowOf(after, l)
		if old.to.Equal(changed.to) {
			return nil
		}
		t := trackOf(l)
		if other, overlaps, err := t.clash(tx, changed.from, changed.to); err != nil {
			return err
		} else if overlaps && !changed.empty() && other.sourceID != l.ID {
			return clashFault(other)
		}
		return t.put(tx, changed)
	})
}

func clashFault(other row) error {
	if other.protocolID == "" {
		return fault.Conflict("discount %q applies %s; choose other dates", other.sourceID, window(other.from, other.to))
	}
	return fault.Conflict("line %q of protocol %q applies %s; close it first or choose other dates",
		other.sourceID, other.protocolID, window(other.from, other.to))
}

// Get returns a protocol to its seller or buyer.
func (s *Service) Get(ctx context.Context, c access.Caller, id string) (store.Doc[Protocol], error) {
	var out store.Doc[Protocol]
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		out, err = s.getTx(r, c, id)
		return err
	})
	return out, err
}

func (s *Service) getTx(r store.Reader, c access.Caller, id string) (store.Doc[Protocol], error) {
	doc, err := s.protocols.Get(r, id)
	if err != nil {
		return doc, err
	}
	target := access.Target{Thing: "protocol", ID: id}
	if err := s.readable(r, c, access.ProtocolRead, target, doc.Value.Seller, doc.Value.Buyer); err != nil {
		return store.Doc[Protocol]{}, err
	}
	return doc, nil
}

// ProtocolTx returns a protocol to another package, which checks the rights.
func (s *Service) ProtocolTx(r store.Reader, id string) (Protocol, error) {
	doc, err := s.protocols.Get(r, id)
	return doc.Value, err
}

// ListQuery asks for the protocols of one organisation, as seller or buyer.
type ListQuery struct {
	Org    string // empty: the caller's own
	Other  string // the org on the other side
	Mode   pricing.Mode
	At     time.Time // only those that are in force then; zero: all
	Sort   string    // [SortCreated], which "" is, or [SortStart]
	Cursor string
	Limit  int // 1..store.MaxList

	OldestFirst bool
}

func (q ListQuery) admits(p *Protocol) bool {
	switch {
	case q.Other != "" && p.Seller != q.Other && p.Buyer != q.Other, q.Mode != "" && p.Mode != q.Mode:
		return false
	}
	return q.At.IsZero() || !p.Start.After(q.At) && (p.End.IsZero() || q.At.Before(p.End))
}

// List lists protocols, newest first: those between the organisation and the
// caller's own.
func (s *Service) List(ctx context.Context, c access.Caller, q ListQuery) (store.Page[Protocol], error) {
	if q.Org == "" {
		q.Org = c.OrgID
	}
	index, err := paging.Sorts{"": protocolsByParty, SortCreated: protocolsByParty, SortStart: protocolsByStart}.Index(q.Sort)
	if err != nil {
		return store.Page[Protocol]{}, err
	}
	var page store.Page[Protocol]
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		err := s.cfg.Access.Check(r, c, access.ProtocolRead, access.Target{OrgID: q.Org, Thing: "protocol"})
		if err != nil {
			return err
		}
		page, err = paging.Where(r, s.protocols, store.Query{
			Index: index, Prefix: store.Key(q.Org), Cursor: q.Cursor, Limit: q.Limit, Reverse: !q.OldestFirst,
		}, func(p *Protocol) bool { return q.admits(p) && trade.Private(c, p.Seller, p.Buyer) })
		return err
	})
	return page, err
}
