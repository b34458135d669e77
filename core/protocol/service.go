package protocol

import (
	"context"
	"errors"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/memo"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/core/trade"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// GuardFunc prices what a changed line sells, from the line's first instant on,
// and returns the breaches of any organisation in the chain (see
// [pricing.Guard]). It reads the line from r.
type GuardFunc func(ctx context.Context, r store.Reader, p Protocol, l Line) ([]pricing.Breach, error)

// DiscountGuardFunc is a [GuardFunc] for a unified discount that was just
// written.
type DiscountGuardFunc func(ctx context.Context, r store.Reader, d Discount) ([]pricing.Breach, error)

// ProductFunc returns a not_found fault when a product does not exist in a root.
type ProductFunc func(r store.Reader, root, product string) error

// StaffFunc reports whether a user works for an organisation.
type StaffFunc func(r store.Reader, org, user string) (bool, error)

// Config is what a Service needs.
type Config struct {
	Store  store.Store
	Clock  clock.Clock
	Access *access.Authority
	Pairs  *trade.Pairs
	// Guard checks margins at save; nil: they are checked at quote and order only.
	Guard GuardFunc
	// GuardDiscount does so for unified discounts.
	GuardDiscount DiscountGuardFunc
	// Product checks that lines name existing products; nil: any id is taken.
	Product ProductFunc
	// Staff checks that a salesperson is the keeper's; nil: any id is taken.
	Staff StaffFunc
}

// Service holds the use-cases of protocols, lines and unified discounts.
type Service struct {
	cfg       Config
	protocols *store.Collection[Protocol]
	lines     *store.Collection[Line]
	discounts *store.Collection[Discount]
	stamp     *memo.Table
	answers   *memo.Cache[subject, answer]
}

// New returns a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Access == nil || cfg.Pairs == nil {
		return nil, errors.New("protocol: store, clock, access and pairs are required")
	}
	return &Service{
		cfg: cfg, protocols: newProtocols(), lines: newLines(), discounts: newDiscounts(),
		stamp: timelineStamp(), answers: memo.NewCache[subject, answer](maxRemembered),
	}, nil
}

// now is the present as whole nanoseconds in UTC, as the timeline keeps it.
func (s *Service) now() time.Time { return s.cfg.Clock.Now().UTC().Round(0) }

// readable returns a not_found fault unless the caller is on one side of the
// pair and may read.
func (s *Service) readable(r store.Reader, c access.Caller, right access.Right, t access.Target, seller, buyer string) error {
	if err := s.cfg.Access.CheckAny(r, c, right, t, buyer, seller); err != nil {
		return err
	}
	if !trade.Private(c, seller, buyer) {
		return fault.NotFound(t.Thing, t.ID)
	}
	return nil
}

// keep returns a fault unless the caller may change what the pair of a stored
// protocol has agreed. Whoever may not read the protocol gets a not_found.
func (s *Service) keep(r store.Reader, c access.Caller, right access.Right, p Protocol) error {
	target := access.Target{Thing: "protocol", ID: p.ID}
	if err := s.readable(r, c, access.ProtocolRead, target, p.Seller, p.Buyer); err != nil {
		return err
	}
	_, err := s.cfg.Pairs.KeepTx(r, c, right, p.Seller, p.Buyer)
	return err
}

// staffed refuses a salesperson who does not work for the keeper.
func (s *Service) staffed(r store.Reader, p Protocol) error {
	if s.cfg.Staff == nil || p.Salesperson == "" {
		return nil
	}
	ok, err := s.cfg.Staff(r, p.Keeper, p.Salesperson)
	if err == nil && !ok {
		err = fault.Invalid("salesperson", "must be the id of a user of the organisation that keeps the protocol")
	}
	return err
}

func (s *Service) audit(tx store.Tx, c access.Caller, org string, rec audit.Record) error {
	rec.Time, rec.Actor, rec.Org, rec.Root, rec.RequestID = s.now(), c.Actor(), org, c.RootID, c.RequestID
	return audit.Append(tx, rec)
}

// guard checks the margins behind a line that was just written: the seller's
// own negative margin blocks the save or becomes a warning, as its policy says.
// Margins of others are theirs to guard, at quote and order, and not the
// seller's to know.
func (s *Service) guard(ctx context.Context, r store.Reader, p Protocol, l Line) ([]Warning, error) {
	if s.cfg.Guard == nil {
		return nil, nil
	}
	breaches, err := s.cfg.Guard(ctx, r, p, l)
	if err != nil {
		return nil, err
	}
	return warnings(p.Seller, breaches)
}

// warnings refuses a price at which the seller's own margin is negative, or
// warns of it, as the seller's policy says.
func warnings(seller string, breaches []pricing.Breach) ([]Warning, error) {
	var out []Warning
	for _, b := range breaches {
		switch {
		case b.Org != seller:
		case b.Policy == pricing.PolicyWarn:
			out = append(out, Warning{Margin: b.Margin})
		default:
			return nil, fault.Precondition("at this price your own margin would be negative; raise the price or change your floor policy")
		}
	}
	return out, nil
}

// guardDiscount refuses a unified discount as guard does a line. Where the
// policy is to warn, quotes and orders do.
func (s *Service) guardDiscount(ctx context.Context, r store.Reader, d Discount) error {
	if s.cfg.GuardDiscount == nil {
		return nil
	}
	breaches, err := s.cfg.GuardDiscount(ctx, r, d)
	if err != nil {
		return err
	}
	_, err = warnings(d.Seller, breaches)
	return err
}
