package main

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"tradewind.example/core/id"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
)

// shape is what one order adds to the store: real rows of orders by all
// customers, and how many of each bucket are one order's.
type shape struct {
	base    string // a store file that holds these orders
	buckets []added
}

// added are the rows that came into one bucket.
type added struct {
	name store.Bucket
	each int // rows of one order
	rows []row
}

// row is one row whose key can be made anew: at the places of what was made for
// its order, a fresh value of the same kind is put.
type row struct {
	key   []byte
	value int // bytes
	fresh []place
}

// place is a part of a key that no two orders share.
type place struct {
	at   int
	kind placeKind
}

type placeKind uint8

const (
	placeID      placeKind = iota // an identifier as text
	placeTime                     // nanoseconds, the sign bit flipped
	placeCounter                  // a number that counts up
)

func (s *shape) rows() int {
	n := 0
	for _, a := range s.buckets {
		n += a.each
	}
	return n
}

func (s *shape) bytes() int {
	n := 0
	for _, a := range s.buckets {
		sum := 0
		for _, r := range a.rows {
			sum += len(r.key) + r.value
		}
		n += a.each * sum / len(a.rows)
	}
	return n
}

// shapeOfOrder finds out what one order adds, by placing some and looking at the
// store while the broker is down. Rows that are replaced are not counted, so
// that the limit is rather too fast than too slow.
func (b *bench) shapeOfOrder(ctx context.Context, k *broker, c *cast) (*shape, error) {
	const orders = 8 * customers
	before, err := k.contents()
	if err != nil {
		return nil, err
	}
	if _, err := k.start(ctx); err != nil {
		return nil, err
	}
	c.moved(k.url)
	from := time.Now()
	for n := range orders {
		if err := c.customers[n%customers].pay("/v1/orders", id.New(), c.purchase(), nil); err != nil {
			return nil, err
		}
	}
	after, err := k.contents()
	if err != nil {
		return nil, err
	}
	s := &shape{base: filepath.Join(b.work, "limit.db")}
	if err := copyFile(s.base, k.storePath()); err != nil {
		return nil, err
	}
	if _, err := k.start(ctx); err != nil {
		return nil, err
	}
	c.moved(k.url)
	for bucket, now := range after {
		if a := difference(bucket, before[bucket], now, from); (len(a.rows)+orders/2)/orders > 0 {
			a.each = (len(a.rows) + orders/2) / orders
			s.buckets = append(s.buckets, a)
		}
	}
	if len(s.buckets) == 0 {
		return nil, errors.New("orders added no rows")
	}
	return s, nil
}

// difference returns the rows that are new, in an order that is not the store's:
// one after another, orders come from everybody.
func difference(bucket store.Bucket, before, after map[string]int, from time.Time) added {
	a := added{name: bucket}
	for key, value := range after {
		if _, old := before[key]; !old {
			a.rows = append(a.rows, row{key: []byte(key), value: value, fresh: places(key, from)})
		}
	}
	rand.Shuffle(len(a.rows), func(i, j int) { a.rows[i], a.rows[j] = a.rows[j], a.rows[i] })
	return a
}

// places finds what was made since from: identifiers and times of then, and a
// counter at the end.
func places(key string, from time.Time) []place {
	var out []place
	for at := 0; at < len(key); at++ {
		if at+id.Len <= len(key) && id.Valid(key[at:at+id.Len]) {
			if madeSince(key[at:at+id.Len], from) {
				out = append(out, place{at, placeID})
			}
			at += id.Len - 1
			continue
		}
		if at+8 > len(key) {
			continue
		}
		n := binary.BigEndian.Uint64([]byte(key[at : at+8]))
		nanos := int64(n ^ 1<<63) //nolint:gosec // the bits are what is meant
		switch {
		case nanos >= from.UnixNano() && nanos <= time.Now().UnixNano():
			out = append(out, place{at, placeTime})
			at += 7
		case at+8 == len(key) && n <= math.MaxUint32:
			out = append(out, place{at, placeCounter})
			at += 7
		}
	}
	return out
}

// madeSince reads the time in an identifier: its first 12 hexadecimal digits
// are milliseconds.
func madeSince(s string, from time.Time) bool {
	return s[:13] >= timeDigits(from)
}

func timeDigits(t time.Time) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 13)
	for shift := 44; shift >= 0; shift -= 4 {
		if len(out) == 8 {
			out = append(out, '-')
		}
		out = append(out, digits[t.UnixMilli()>>shift&15])
	}
	return string(out)
}

// contents ends the broker and returns the keys of each bucket of its store with
// the sizes of their values.
func (k *broker) contents() (map[store.Bucket]map[string]int, error) {
	_ = k.process.kill()
	if err := settleStore(k.storePath()); err != nil {
		return nil, err
	}
	db, err := bbolt.Open(k.storePath(), 0o600, &bbolt.Options{ReadOnly: true, Timeout: 5 * time.Second})
	if err != nil {
		return nil, err
	}
	out := map[store.Bucket]map[string]int{}
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
			rows := map[string]int{}
			out[store.Bucket(name)] = rows
			return bucket.ForEach(func(k, v []byte) error {
				rows[string(k)] = len(v)
				return nil
			})
		})
	})
	return out, errors.Join(err, db.Close())
}

// settleStore brings what the log of a killed broker's store has to its file.
func settleStore(path string) error {
	db, err := bolt.Open(bolt.Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return db.Close()
}

func copyFile(to, from string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, raw, 0o600)
}

// limit writes rows of one order through bbolt alone.
type limit struct {
	db     *bbolt.DB
	shape  *shape
	value  []byte
	writes atomic.Uint64
}

func openLimit(s *shape) (*limit, error) {
	db, err := bbolt.Open(s.base, 0o600, &bbolt.Options{
		FreelistType: bbolt.FreelistMapType, InitialMmapSize: 16 << 30, NoStatistics: true, // as the store does
	})
	if err != nil {
		return nil, err
	}
	l := &limit{db: db, shape: s}
	for _, a := range s.buckets {
		for _, r := range a.rows {
			if r.value > len(l.value) {
				l.value = make([]byte, r.value)
			}
		}
	}
	return l, nil
}

// load has so many clients write. Each batch is full when all of them have come,
// so that nobody waits for time to pass.
func (l *limit) load(ctx context.Context, clients int, warm, d time.Duration) (rate, error) {
	l.db.MaxBatchSize, l.db.MaxBatchDelay = clients, time.Millisecond
	return load(ctx, clients, warm, d, func(int, int) error {
		n := l.writes.Add(1)
		return l.db.Batch(func(tx *bbolt.Tx) error { return l.write(tx, n) })
	})
}

func (l *limit) write(tx *bbolt.Tx, n uint64) error {
	for _, a := range l.shape.buckets {
		bucket := tx.Bucket([]byte(a.name))
		bucket.FillPercent = 0.9 // as the store does
		for i := range a.each {
			r := a.rows[(int(n)*a.each+i)%len(a.rows)] //nolint:gosec // small numbers
			if err := bucket.Put(r.again(n), l.value[:r.value]); err != nil {
				return err
			}
		}
	}
	return nil
}

// again makes the key of another order's row.
func (r *row) again(n uint64) []byte {
	key := append(make([]byte, 0, len(r.key)), r.key...)
	for _, p := range r.fresh {
		switch p.kind {
		case placeID:
			copy(key[p.at:], id.New())
		case placeTime:
			binary.BigEndian.PutUint64(key[p.at:], uint64(time.Now().UnixNano())^1<<63) //nolint:gosec // the bits are what is meant
		case placeCounter:
			binary.BigEndian.PutUint64(key[p.at:], 1<<32+n)
		}
	}
	return key
}

// ascending is the rate at which the store takes rows of the same number and
// sizes when all keys ascend, so that they share their pages: what the spread of
// an order's keys costs shows beside it.
func (b *bench) ascending(ctx context.Context, s *shape) (perSecond float64, err error) {
	db, err := bolt.Open(bolt.Options{Path: filepath.Join(b.work, "ascending.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	value := make([]byte, 1<<16)
	r, err := load(ctx, customers, b.warm/2, b.round/2, func(int, int) error {
		return db.Update(ctx, func(tx store.Tx) error {
			for _, a := range s.buckets {
				for i := range a.each {
					key := make([]byte, max(len(a.rows[i].key), id.Len))
					copy(key, id.New())
					if err := tx.Put(a.name, key, value[:min(a.rows[i].value, len(value))]); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
	return r.perSecond, err
}
