package billing

import (
	"encoding/binary"
	"errors"
	"time"

	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

const (
	unsettled store.Bucket = "bill/unsettled" // Key(seller, buyer, currency, time, bill id) -> entry
	pairs     store.Bucket = "bill/pair"      // Key(seller, buyer, currency) -> the three names
)

// Pair is a seller and a buyer in one currency: what a statement is between.
type Pair struct {
	RootID        string
	Seller, Buyer string
	Currency      money.Currency
}

func (p Pair) key() []byte { return store.Key(p.Seller, p.Buyer, string(p.Currency)) }

// Entry is the compact form of a bill from which statements are made.
type Entry struct {
	BillID     string
	Time       time.Time
	Operation  Operation
	Settle     pricing.SettleMode
	Amount     money.Amount
	Commission money.Amount
}

var errEntry = errors.New("not a bill entry")

// An entry is stored as: operation and settle mode (1 byte each), time (8
// bytes), amount and commission (varints), bill id. Codes are append-only.
func (e Entry) encode() []byte {
	out := make([]byte, 0, 10+2*binary.MaxVarintLen64+len(e.BillID))
	out = append(out, operationCode(e.Operation), settleCode(e.Settle))
	out = binary.BigEndian.AppendUint64(out, uint64(e.Time.UnixNano())) //nolint:gosec // the bits are what is meant
	out = binary.AppendVarint(out, int64(e.Amount))
	out = binary.AppendVarint(out, int64(e.Commission))
	return append(out, e.BillID...)
}

// DecodeEntry reads a stored entry.
func DecodeEntry(raw []byte) (Entry, error) {
	if len(raw) < 10 {
		return Entry{}, fault.Internal(errEntry, "a bill entry cannot be read")
	}
	e := Entry{Operation: operationOf(raw[0]), Settle: settleOf(raw[1])}
	e.Time = time.Unix(0, int64(binary.BigEndian.Uint64(raw[2:10]))).UTC() //nolint:gosec // the bits are what is meant
	rest := raw[10:]
	amount, n := binary.Varint(rest)
	commission, m := binary.Varint(rest[max(n, 0):])
	if n <= 0 || m <= 0 || e.Operation == "" || e.Settle == "" {
		return Entry{}, fault.Internal(errEntry, "a bill entry cannot be read")
	}
	e.Amount, e.Commission = money.Amount(amount), money.Amount(commission)
	e.BillID = string(rest[n+m:])
	return e, nil
}

func operationCode(o Operation) byte {
	switch o {
	case OperationBuy:
		return 1
	case OperationRenew:
		return 2
	case OperationRefund:
		return 3
	}
	return 0
}

func operationOf(code byte) Operation {
	switch code {
	case 1:
		return OperationBuy
	case 2:
		return OperationRenew
	case 3:
		return OperationRefund
	}
	return ""
}

func settleCode(m pricing.SettleMode) byte {
	if m == pricing.SettlePeriod {
		return 2
	}
	return 1
}

func settleOf(code byte) pricing.SettleMode {
	switch code {
	case 1:
		return pricing.SettleRealtime
	case 2:
		return pricing.SettlePeriod
	}
	return ""
}

// addUnsettled writes a bill's entry and makes its pair known.
func addUnsettled(tx store.Tx, b Bill) error {
	p := Pair{RootID: b.RootID, Seller: b.Seller, Buyer: b.Buyer, Currency: b.Currency}
	return AddEntryTx(tx, p, Entry{
		BillID: b.ID, Time: b.Time, Operation: b.Operation, Settle: b.Settle,
		Amount: b.Amount, Commission: b.Commission,
	})
}

// AddEntryTx puts one entry among the pair's unsettled ones.
func AddEntryTx(tx store.Tx, p Pair, e Entry) error {
	if err := addPair(tx, p); err != nil {
		return err
	}
	return tx.Put(unsettled, append(p.key(), store.Key(e.Time, e.BillID)...), e.encode())
}

func addPair(tx store.Tx, p Pair) error {
	key := p.key()
	known, err := tx.Get(pairs, key)
	if err != nil || known != nil {
		return err
	}
	return tx.Put(pairs, key, encodePair(p))
}

func encodePair(p Pair) []byte {
	var out []byte
	for _, s := range [...]string{p.RootID, p.Seller, p.Buyer, string(p.Currency)} {
		out = binary.AppendUvarint(out, uint64(len(s)))
		out = append(out, s...)
	}
	return out
}

func decodePair(raw []byte) (Pair, error) {
	var parts [4]string
	for i := range parts {
		n, w := binary.Uvarint(raw)
		if w <= 0 || n > uint64(len(raw)-w) {
			return Pair{}, fault.Internal(errEntry, "a pair of bills cannot be read")
		}
		end := w + int(n) //nolint:gosec // n is at most len(raw)
		parts[i], raw = string(raw[w:end]), raw[end:]
	}
	return Pair{RootID: parts[0], Seller: parts[1], Buyer: parts[2], Currency: money.Currency(parts[3])}, nil
}

// EachPair calls fn for every pair that ever had a bill, those of one seller
// when seller is not empty. store.Stop ends it.
func EachPair(r store.Reader, seller string, fn func(Pair) error) error {
	span := store.Range{}
	if seller != "" {
		span = store.Prefix(seller)
	}
	return r.Scan(pairs, span.All(), func(_, raw []byte) error {
		p, err := decodePair(raw)
		if err != nil {
			return err
		}
		return fn(p)
	})
}

// Oldest returns the time of the pair's oldest unsettled bill.
func Oldest(r store.Reader, p Pair) (at time.Time, found bool, err error) {
	err = r.Scan(unsettled, store.PrefixOf(p.key()).First(1), func(_, raw []byte) error {
		e, err := DecodeEntry(raw)
		at, found = e.Time, true
		return err
	})
	return at, found, err
}

// Unsettled calls fn for the pair's unsettled bills older than before, oldest
// first; at most limit, or store.NoLimit.
func Unsettled(r store.Reader, p Pair, before time.Time, limit int, fn func(Entry) error) error {
	span := store.Range{From: p.key(), To: append(p.key(), store.Key(before)...), Limit: limit}
	return r.Scan(unsettled, span, func(_, raw []byte) error {
		e, err := DecodeEntry(raw)
		if err != nil {
			return err
		}
		return fn(e)
	})
}

// Shelf is where the entries of one statement lie: a bucket and the leading
// part of their keys.
type Shelf struct {
	Bucket store.Bucket
	Prefix []byte
}

type row struct{ key, value []byte }

// CollectTx moves up to limit of the pair's oldest unsettled entries that are
// older than before onto the shelf, calls fn for each, and returns how many.
func CollectTx(tx store.Tx, p Pair, before time.Time, limit int, to Shelf, fn func(Entry) error) (int, error) {
	from := p.key()
	span := store.Range{From: from, To: append(p.key(), store.Key(before)...), Limit: limit}
	rows, err := gather(tx, unsettled, span)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		e, err := DecodeEntry(r.value)
		if err != nil {
			return 0, err
		}
		if err := fn(e); err != nil {
			return 0, err
		}
		key := append(append(make([]byte, 0, len(to.Prefix)+len(r.key)-len(from)), to.Prefix...), r.key[len(from):]...)
		if err := move(tx, unsettled, to.Bucket, r, key); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// ReturnTx moves up to limit entries from the shelf back to the pair's
// unsettled ones and returns how many.
func ReturnTx(tx store.Tx, p Pair, limit int, from Shelf) (int, error) {
	rows, err := gather(tx, from.Bucket, store.PrefixOf(from.Prefix).First(limit))
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		if err := move(tx, from.Bucket, unsettled, r, append(p.key(), r.key[len(from.Prefix):]...)); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// gather copies the rows, because moving them changes what a scan stands on.
func gather(r store.Reader, b store.Bucket, span store.Range) ([]row, error) {
	out := make([]row, 0, min(max(span.Limit, 0), 8192))
	err := r.Scan(b, span, func(k, v []byte) error {
		both := append(append(make([]byte, 0, len(k)+len(v)), k...), v...)
		out = append(out, row{key: both[:len(k):len(k)], value: both[len(k):]})
		return nil
	})
	return out, err
}

func move(tx store.Tx, from, to store.Bucket, r row, key []byte) error {
	if err := tx.Delete(from, r.key); err != nil {
		return err
	}
	return tx.Put(to, key, r.value)
}
