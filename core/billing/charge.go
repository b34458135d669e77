package billing

import (
	"fmt"

	"tradewind.example/core/id"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

// Facts are what all bills of one charge say alike.
type Facts struct {
	RootID      string
	OrderID     string
	ProviderID  string
	ProductID   string
	ProductName string
	Actor       string
	// Key makes the charge one: a second one with the same key and content
	// moves no money.
	Key string
}

// Charge is money taken for a purchase or a renewal.
type Charge struct {
	Facts
	Operation Operation
	HoldID    string         // "" when nothing was held
	Held      pricing.Result // what the hold was made for
	Result    pricing.Result // what is charged now, leg by leg at most what was held
}

// Refund is money given back down the chain.
type Refund struct {
	Facts
	Result   pricing.Result // what goes back, in positive amounts
	Reverses string         // the ledger transaction of the charge
}

// Receipt is what a charge or a refund wrote.
type Receipt struct {
	TransactionID string
	Bills         []Bill
}

// HoldLegs returns the legs that a hold covers: those paid at once that cost
// something. Their order is that of the amounts a capture names.
func HoldLegs(r pricing.Result) []ledger.HoldLeg {
	var out []ledger.HoldLeg
	for _, l := range r.Legs {
		if held(l) {
			out = append(out, ledger.HoldLeg{Buyer: l.Buyer, Seller: l.Seller, Currency: r.Currency, Amount: l.Amount})
		}
	}
	return out
}

func held(l pricing.Leg) bool { return l.Settle == pricing.SettleRealtime && l.Amount > 0 }

// ChargeTx ends the hold, posts every leg and writes one bill for each. It
// checks no rights: it is part of a caller's transaction that did.
func (s *Service) ChargeTx(tx store.Tx, c Charge) (Receipt, error) {
	if err := c.Result.Check(); err != nil {
		return Receipt{}, fmt.Errorf("charging order %q: %w", c.OrderID, err)
	}
	t := c.transaction("charge")
	for _, l := range c.Result.Legs {
		t.Postings = append(t.Postings, ledger.ChargePostings(l, c.Result.Currency)...)
	}
	t, err := s.capture(tx, c, t)
	if err != nil {
		return Receipt{}, fmt.Errorf("charging order %q: %w", c.OrderID, err)
	}
	return s.write(tx, c.Facts, c.Operation, c.Result, t)
}

func (s *Service) capture(tx store.Tx, c Charge, t ledger.Transaction) (ledger.Transaction, error) {
	if c.HoldID == "" {
		return s.ledger.PostTx(tx, t)
	}
	if len(c.Held.Legs) != len(c.Result.Legs) {
		return t, fault.Internal(nil, "the hold was made for %d legs and %d are charged", len(c.Held.Legs), len(c.Result.Legs))
	}
	var amounts []money.Amount
	for i, l := range c.Held.Legs {
		if held(l) {
			amounts = append(amounts, c.Result.Legs[i].Amount)
		}
	}
	return s.ledger.CaptureTx(tx, c.HoldID, amounts, t)
}

// RefundTx posts the refund of every leg and writes one bill with negative
// amounts for each.
func (s *Service) RefundTx(tx store.Tx, r Refund) (Receipt, error) {
	if err := r.Result.Check(); err != nil {
		return Receipt{}, fmt.Errorf("refunding for order %q: %w", r.OrderID, err)
	}
	t := r.transaction("refund")
	t.Reverses = r.Reverses
	for _, l := range r.Result.Legs {
		t.Postings = append(t.Postings, ledger.RefundPostings(l, r.Result.Currency)...)
	}
	t, err := s.ledger.PostTx(tx, t)
	if err != nil {
		return Receipt{}, fmt.Errorf("refunding for order %q: %w", r.OrderID, err)
	}
	back, err := negative(r.Result)
	if err != nil {
		return Receipt{}, fmt.Errorf("refunding for order %q: %w", r.OrderID, err)
	}
	return s.write(tx, r.Facts, OperationRefund, back, t)
}

// negative turns what goes back into what a refund bill says.
func negative(r pricing.Result) (pricing.Result, error) {
	legs := make([]pricing.Leg, len(r.Legs))
	for i, l := range r.Legs {
		var err error
		if l.Amount, err = l.Amount.Neg(); err != nil {
			return r, err
		}
		if l.Commission, err = l.Commission.Neg(); err != nil {
			return r, err
		}
		legs[i] = l
	}
	r.Legs = legs
	return r, nil
}

func (f Facts) transaction(kind string) ledger.Transaction {
	return ledger.Transaction{Kind: kind, Ref: f.OrderID, Key: f.Key, Actor: f.Actor}
}

// write stores one bill per leg.
func (s *Service) write(tx store.Tx, f Facts, op Operation, r pricing.Result, t ledger.Transaction) (Receipt, error) {
	out := Receipt{TransactionID: t.ID, Bills: make([]Bill, 0, len(r.Legs))}
	for i, l := range r.Legs {
		b := Bill{
			ID: id.New(), RootID: f.RootID, OrderID: f.OrderID, ProviderID: f.ProviderID,
			ProductID: f.ProductID, ProductName: f.ProductName, Leg: i + 1, Seller: l.Seller, Buyer: l.Buyer,
			Operation: op, Currency: r.Currency, Amount: l.Amount, Commission: l.Commission, Settle: l.Settle,
			Quantity: r.Quantity, Periods: r.Periods, TransactionID: t.ID, Reverses: t.Reverses, Time: t.Time,
		}
		if l.Settle == pricing.SettleRealtime {
			b.State = StatePaid
		}
		if err := s.add(tx, b); err != nil {
			return Receipt{}, fmt.Errorf("billing leg %d of order %q: %w", i+1, f.OrderID, err)
		}
		out.Bills = append(out.Bills, b)
	}
	return out, nil
}

func (s *Service) add(tx store.Tx, b Bill) error {
	if _, err := s.bills.Insert(tx, b); err != nil {
		return err
	}
	return addUnsettled(tx, b)
}
