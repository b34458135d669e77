package ledger

import (
	"context"
	"errors"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/money"
	"tradewind.example/core/paging"
	"tradewind.example/core/store"
	"tradewind.example/core/trade"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// ServiceConfig is what a Service needs; everything is required.
type ServiceConfig struct {
	Ledger *Ledger
	Store  store.Store
	Clock  clock.Clock
	Access *access.Authority
	Pairs  *trade.Pairs
	Keys   *idempotency.Keys
}

// Service holds the use-cases for people: each checks the caller's rights, and
// shows of the books only the caller's own.
type Service struct {
	ledger    *Ledger
	store     store.Store
	clock     clock.Clock
	access    *access.Authority
	pairs     *trade.Pairs
	keys      *idempotency.Keys
	recharges *store.Collection[Recharge]
}

// NewService returns a Service.
func NewService(cfg ServiceConfig) (*Service, error) {
	if cfg.Ledger == nil || cfg.Store == nil || cfg.Clock == nil || cfg.Access == nil || cfg.Pairs == nil || cfg.Keys == nil {
		return nil, errors.New("ledger: ledger, store, clock, access, pairs and keys are required")
	}
	return &Service{
		ledger: cfg.Ledger, store: cfg.Store, clock: cfg.Clock, access: cfg.Access,
		pairs: cfg.Pairs, keys: cfg.Keys, recharges: newRecharges(),
	}, nil
}

// WalletRow is a wallet with its name.
type WalletRow struct {
	WalletKey
	Wallet
}

// recordedWallet is a wallet as the audit log tells of it: with its amounts in
// units of the currency.
type recordedWallet struct {
	WalletKey
	Posted, Held, Credit, Available string
}

func (w WalletRow) recorded() recordedWallet {
	return recordedWallet{
		WalletKey: w.WalletKey, Posted: w.Posted.Format(w.Currency), Held: w.Held.Format(w.Currency),
		Credit: w.Credit.Format(w.Currency), Available: w.Available.Format(w.Currency),
	}
}

// Side says from which side wallets are listed.
type Side string

// The sides of a wallet.
const (
	SideBuyer  Side = "buyer"  // the wallets that an organisation pays from
	SideSeller Side = "seller" // the wallets that its buyers hold with it
)

// What wallets can be sorted by. Those of one organisation have one buyer or one
// seller.
const (
	SortBuyer    = "buyer"
	SortSeller   = "seller"
	SortCurrency = "currency"
)

// WalletsQuery asks for the wallets of one organisation.
type WalletsQuery struct {
	Org      string         // empty: the caller's own
	Side     Side           // empty: SideBuyer
	Other    string         // the organisation on the other side
	Currency money.Currency // empty: all
	Sort     string         // [SortBuyer], [SortSeller] or [SortCurrency]; empty: by the other side
	Span
}

func (q WalletsQuery) admits(w WalletRow) bool {
	return (q.Other == "" || w.Buyer == q.Other || w.Seller == q.Other) && (q.Currency == "" || w.Currency == q.Currency)
}

// rows is where the query's wallets are: the rows of a bucket, which hold the
// wallets' keys unless it is the wallets' own.
func (q WalletsQuery) rows() (store.Bucket, store.Range, error) {
	if q.Side != SideBuyer && q.Side != SideSeller {
		return "", store.Range{}, fault.Invalid("side", "must be %s or %s", SideBuyer, SideSeller)
	}
	own := map[Side]string{SideBuyer: string(bucketWallet), SideSeller: string(bucketSold)}[q.Side]
	bucket, err := paging.Sorts{"": own, SortBuyer: own, SortSeller: own, SortCurrency: string(bucketCurrency)}.Index(q.Sort)
	if err != nil {
		return "", store.Range{}, err
	}
	prefix := store.Key(q.Org)
	switch {
	case q.Sort == SortCurrency && q.Currency != "":
		prefix = store.Key(string(q.Side), q.Org, string(q.Currency))
	case q.Sort == SortCurrency:
		prefix = store.Key(string(q.Side), q.Org)
	case q.Other != "":
		prefix = store.Key(q.Org, q.Other)
	}
	rng, err := q.in(store.PrefixOf(prefix))
	return store.Bucket(bucket), rng, err
}

// ListWallets lists the wallets of an organisation that the caller may see:
// those between that organisation and the caller's own.
func (s *Service) ListWallets(ctx context.Context, c access.Caller, q WalletsQuery) (Page[WalletRow], error) {
	if q.Org == "" {
		q.Org = c.OrgID
	}
	if q.Side == "" {
		q.Side = SideBuyer
	}
	var page Page[WalletRow]
	err := s.store.View(ctx, func(r store.Reader) error {
		err := s.access.Check(r, c, access.WalletRead, access.Target{OrgID: q.Org, Thing: "wallet"})
		if err != nil {
			return err
		}
		page, err = wallets(r, q, func(w WalletRow) bool { return q.admits(w) && trade.Private(c, w.Seller, w.Buyer) })
		return err
	})
	return page, err
}

func wallets(r store.Reader, q WalletsQuery, keep func(WalletRow) bool) (Page[WalletRow], error) {
	bucket, rng, err := q.rows()
	if err != nil {
		return Page[WalletRow]{}, err
	}
	return collect(r, bucket, rng, q.Span, func(_, v []byte) (WalletRow, error) {
		if bucket != bucketWallet {
			if v, err = r.Get(bucketWallet, v); err != nil {
				return WalletRow{}, err
			}
		}
		k, err := decodeWalletKey(v)
		if err != nil {
			return WalletRow{}, err
		}
		w, _, err := readWallet(r, k)
		return WalletRow{WalletKey: k, Wallet: w}, err
	}, keep)
}

// GetWallet returns one wallet. An unused one is empty when the two trade with
// each other, and else does not exist.
func (s *Service) GetWallet(ctx context.Context, c access.Caller, k WalletKey) (WalletRow, error) {
	row := WalletRow{WalletKey: k}
	if err := k.account().check(); err != nil {
		return row, fault.Invalid("wallet", "needs a buyer, a seller and a known currency")
	}
	err := s.store.View(ctx, func(r store.Reader) error {
		target := access.Target{Thing: "wallet", ID: k.Buyer}
		err := s.access.CheckAny(r, c, access.WalletRead, target, k.Buyer, k.Seller)
		if err == nil && !trade.Private(c, k.Seller, k.Buyer) {
			err = fault.NotFound("wallet", k.Buyer)
		}
		if err != nil {
			return err
		}
		row.Wallet, err = s.used(r, k)
		return err
	})
	return row, err
}

func (s *Service) used(r store.Reader, k WalletKey) (Wallet, error) {
	w, held, err := readWallet(r, k)
	if err != nil || held.exists {
		return w, err
	}
	_, err = s.pairs.PairTx(r, k.Seller, k.Buyer)
	if fault.Is(err, fault.ClassInvalid) || fault.Is(err, fault.ClassNotFound) {
		err = fault.NotFound("wallet", k.Buyer)
	}
	return w, err
}

// CreditInput sets the credit line that a seller grants to a buyer.
type CreditInput struct {
	WalletKey
	Credit money.Amount // not negative; 0 takes the line away
	// Rev is the [Wallet.CreditRev] that was read; 0: any. It is no part of what
	// the key repeats.
	Rev uint64 `json:"-"`
	// IdempotencyKey makes a repeat harmless after a later change; may be empty.
	IdempotencyKey string
}

// SetCredit sets a wallet's credit line and returns the wallet. Setting the
// same line again changes nothing. A line that is not the one that was read is a
// conflict whose cause is [store.ErrStale].
func (s *Service) SetCredit(ctx context.Context, c access.Caller, in CreditInput) (WalletRow, error) {
	row := WalletRow{WalletKey: in.WalletKey}
	if !in.Currency.Valid() {
		return row, fault.Invalid("currency", "is not a known ISO 4217 code")
	}
	err := s.store.Update(ctx, func(tx store.Tx) error {
		pair, err := s.pairs.KeepTx(tx, c, access.WalletCredit, in.Seller, in.Buyer)
		if err != nil {
			return err
		}
		before, err := s.ledger.Wallet(tx, in.WalletKey)
		if err != nil {
			return err
		}
		scope := idempotency.Scope{Org: c.OrgID, Operation: string(access.WalletCredit)}
		replay, err := s.keys.Once(tx, scope, in.IdempotencyKey, in, in.Buyer)
		if err != nil || replay {
			row.Wallet = before
			return err
		}
		if in.Rev != 0 && in.Rev != before.CreditRev() {
			return fault.Conflict("the credit line was changed meanwhile: read the wallet again").With(store.ErrStale)
		}
		if err := s.ledger.SetCreditTx(tx, in.WalletKey, in.Credit); err != nil {
			return err
		}
		if row.Wallet, err = s.ledger.Wallet(tx, in.WalletKey); err != nil || row.Wallet == before {
			return err
		}
		return s.audit(tx, c, pair.Keeper, audit.Record{
			Action: string(access.WalletCredit), Thing: "wallet", ID: in.Buyer,
			Before: WalletRow{in.WalletKey, before}.recorded(), After: row.recorded(),
		})
	})
	return row, err
}

func (s *Service) audit(tx store.Tx, c access.Caller, org string, rec audit.Record) error {
	rec.Time, rec.Actor, rec.Org, rec.Root, rec.RequestID = s.clock.Now(), c.Actor(), org, c.RootID, c.RequestID
	return audit.Append(tx, rec)
}
