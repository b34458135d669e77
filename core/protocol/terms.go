package protocol

import (
	"fmt"
	"time"

	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
)

// TermsQuery asks which terms apply to one leg of a sale.
type TermsQuery struct {
	Seller, Buyer string
	ProductID     string
	Class         string // of the product; may be empty
	At            time.Time
	// Settle is when the leg is paid if no protocol of the pair says so:
	// a provider's own settle mode. Empty: realtime.
	Settle pricing.SettleMode
}

// TermsTx returns the terms of a leg: those of the pair's line for the product;
// else for its class; else the pair's default; else the seller's unified
// discount for the product; else the list price. Found says which. It checks no
// rights.
func (s *Service) TermsTx(r store.Reader, q TermsQuery) (pricing.Terms, error) {
	a, err := s.answerAt(r, q)
	if err != nil {
		return pricing.Terms{}, fmt.Errorf("looking up the terms of a leg: %w", err)
	}
	return q.terms(a.row, a.found), nil
}

type step struct {
	track track
	found pricing.Found
	skip  bool
}

// steps lists where to look, best first. An empty product or class would name
// the track of something else.
func (q TermsQuery) steps() [4]step {
	pair := func(s slot, ref string) track { return track{seller: q.Seller, buyer: q.Buyer, slot: s, ref: ref} }
	return [4]step{
		{track: pair(slotProduct, q.ProductID), found: pricing.FoundProduct, skip: q.ProductID == ""},
		{track: pair(slotClass, q.Class), found: pricing.FoundClass, skip: q.Class == ""},
		{track: pair(slotDefault, ""), found: pricing.FoundDefault},
		{track: unifiedTrack(q.Seller, q.ProductID), found: pricing.FoundUnified, skip: q.ProductID == ""},
	}
}

func (q TermsQuery) terms(r row, found pricing.Found) pricing.Terms {
	settle := r.settle
	if settle == "" {
		settle = q.Settle
	}
	if settle == "" {
		settle = pricing.SettleRealtime
	}
	return pricing.Terms{
		Seller: q.Seller, Buyer: q.Buyer, Mode: r.mode, Rate: r.rate, Price: r.price,
		ProtocolID: r.protocolID, LineID: r.sourceID, Found: found, Settle: settle,
	}
}
