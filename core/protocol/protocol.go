package protocol

import (
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
)

// Protocol is the contract between a seller and its direct buyer for one sale
// mode. At any instant a pair has at most one protocol of each mode. One whose
// End is its Start was called off before it began.
type Protocol struct {
	ID            string
	Seller, Buyer string
	Keeper        string // id of the organisation whose staff maintain it
	RootID        string
	Mode          pricing.Mode
	Settle        pricing.SettleMode
	Template      string         // when statements are due, see package settledate
	Salesperson   string         // a user of the keeper
	File          string         // reference to the signed document
	Start, End    time.Time      // Start <= t < End; zero End: open
	DefaultRate   *money.Decimal // of the first default line, and of rebate lines without a rate
	Created       time.Time
	Updated       time.Time
}

// State says whether a protocol applies.
type State string

// The states, which follow from the time alone.
const (
	StateScheduled State = "scheduled" // starts later
	StateActive    State = "active"
	StateEnded     State = "ended"
)

// StateAt returns the protocol's state at an instant.
func (p Protocol) StateAt(t time.Time) State {
	switch {
	case t.Before(p.Start):
		return StateScheduled
	case !p.End.IsZero() && !t.Before(p.End):
		return StateEnded
	}
	return StateActive
}

// Line is one price of a protocol: for a product, for a class of products, or,
// with neither, the default for everything else.
type Line struct {
	ID            string
	ProtocolID    string
	Seller, Buyer string
	ProductID     string
	Class         string
	Mode          pricing.Mode
	Rate          *money.Decimal // of discount and rebate; a rebate's may come from the protocol
	Price         *money.Decimal // of floor: per unit and period
	From, To      time.Time      // From <= t < To; zero To: open
	Actor         string
	Created       time.Time
}

// Discount is a seller's unified discount for a product, for buyers whose
// protocols do not name it.
type Discount struct {
	ID        string
	Seller    string
	ProductID string
	Rate      money.Decimal
	From, To  time.Time // From <= t < To; zero To: open
	Actor     string
	Created   time.Time
}

// Warning tells a seller that a save makes its own margin negative.
type Warning struct {
	Margin money.Amount // of one unit for one period; negative
}

// The collections' indexes.
const (
	protocolsByMode   = "mode"     // (seller, buyer, mode, start, id)
	protocolsByParty  = "party"    // (seller or buyer, id)
	protocolsByStart  = "start"    // (seller or buyer, start, id)
	linesByProtocol   = "protocol" // (protocol, id)
	linesByFrom       = "from"     // (protocol, from, id)
	linesByProduct    = "product"  // (product, id)
	linesByWideFloor  = "floor"    // (class or empty, id), of floor lines that name no product
	discountsBySeller = "seller"   // (seller, product, from, id)
)

// What protocols and lines can be sorted by.
const (
	SortCreated = "created"
	SortStart   = "start" // protocols
	SortFrom    = "from"  // lines
)

// Reindex writes the indexes of all protocols and lines anew, for a migration.
func Reindex(tx store.Tx) error {
	if err := newProtocols().Reindex(tx); err != nil {
		return err
	}
	return newLines().Reindex(tx)
}

func newProtocols() *store.Collection[Protocol] {
	return store.NewCollection("protocol", func(p *Protocol) string { return p.ID },
		store.Index[Protocol]{Name: protocolsByMode, Keys: func(p *Protocol) [][]byte {
			return [][]byte{store.Key(p.Seller, p.Buyer, p.Mode, p.Start, p.ID)}
		}},
		store.Index[Protocol]{Name: protocolsByParty, Keys: func(p *Protocol) [][]byte {
			return [][]byte{store.Key(p.Seller, p.ID), store.Key(p.Buyer, p.ID)}
		}},
		store.Index[Protocol]{Name: protocolsByStart, Keys: func(p *Protocol) [][]byte {
			return [][]byte{store.Key(p.Seller, p.Start, p.ID), store.Key(p.Buyer, p.Start, p.ID)}
		}},
	)
}

func newLines() *store.Collection[Line] {
	return store.NewCollection("line", func(l *Line) string { return l.ID },
		store.Index[Line]{Name: linesByProtocol, Keys: func(l *Line) [][]byte {
			return [][]byte{store.Key(l.ProtocolID, l.ID)}
		}},
		store.Index[Line]{Name: linesByFrom, Keys: func(l *Line) [][]byte {
			return [][]byte{store.Key(l.ProtocolID, l.From, l.ID)}
		}},
		store.Index[Line]{Name: linesByProduct, Keys: func(l *Line) [][]byte {
			if l.ProductID == "" {
				return nil
			}
			return [][]byte{store.Key(l.ProductID, l.ID)}
		}},
		store.Index[Line]{Name: linesByWideFloor, Keys: func(l *Line) [][]byte {
			if l.ProductID != "" || l.Mode != pricing.ModeFloor {
				return nil
			}
			return [][]byte{store.Key(l.Class, l.ID)}
		}},
	)
}

func newDiscounts() *store.Collection[Discount] {
	return store.NewCollection("discount", func(d *Discount) string { return d.ID },
		store.Index[Discount]{Name: discountsBySeller, Keys: func(d *Discount) [][]byte {
			return [][]byte{store.Key(d.Seller, d.ProductID, d.From, d.ID)}
		}},
	)
}
