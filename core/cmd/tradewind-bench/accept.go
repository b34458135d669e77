package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"go.etcd.io/bbolt"

	"tradewind.example/core/id"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
)

// accept measures how many orders are taken, durably, apart from the work that
// follows: the one worker of this broker waits for a slow cloud all the time.
func (b *bench) accept(ctx context.Context) (err error) {
	b.say("a broker that only takes orders")
	k, err := b.newBroker("accept", map[string]any{
		"jobs":   map[string]any{"workers": 1},
		"orders": map[string]any{"call_timeout": "5m"},
	})
	if err != nil {
		return err
	}
	if _, err := k.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.process.kill()) }()
	c, err := setUp(k, 60_000)
	if err != nil {
		return err
	}
	shape, err := b.rowsOfOrder(ctx, k, c)
	if err != nil {
		return err
	}
	spread, err := b.acceptRates(ctx, k, c, shape)
	if err != nil {
		return err
	}
	return b.growth(ctx, k, c, spread)
}

// acceptRates measures orders at 1, 8 and 64 clients, and with one hot wallet.
func (b *bench) acceptRates(ctx context.Context, k *broker, c *cast, shape []row) (spread float64, err error) {
	limits, err := b.openLimit(shape)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, limits.db.Close()) }()
	for _, clients := range []int{1, 8, customers} {
		b.say("orders by %d clients", clients)
		p, err := b.inTurns(
			func() (rate, error) { return b.orderRound(ctx, k, c, clients, false) },
			func() (rate, error) {
				return load(ctx, clients, b.warm/2, b.round/2, func(int, int) error { return limits.write(ctx) })
			})
		if err != nil {
			return 0, err
		}
		var t *target
		if clients == customers {
			t = &target{}
			*t = ratioAtLeast(0.40)
		}
		f := b.report.add(figure{
			Name: fmt.Sprintf("orders at %d", clients), What: fmt.Sprintf("POST /v1/orders over three legs, accepted durably, by %d clients", clients),
			Unit: "/s", Details: p.details(), Bare: fmt.Sprintf("group commit of the %d rows that one order adds, %d bytes", len(shape), bytesOf(shape)),
		}, p.values, p.limits, t)
		b.say("%g orders/s for %v CPU each, bare %g/s", f.Value, p.value.cpu, f.Limit)
		spread = f.Value
	}
	return spread, b.hotWallet(ctx, k, c)
}

func (b *bench) hotWallet(ctx context.Context, k *broker, c *cast) error {
	b.say("orders by %d clients from one wallet", customers)
	p, err := b.inTurns(
		func() (rate, error) { return b.orderRound(ctx, k, c, customers, true) },
		func() (rate, error) { return b.orderRound(ctx, k, c, customers, false) })
	if err != nil {
		return err
	}
	t := ratioAtLeast(0.90)
	b.report.add(figure{
		Name: "hot wallet", What: "the same with all orders from one customer", Unit: "/s", Details: p.details(),
		Bare: "the same with 64 customers",
	}, p.values, p.limits, &t)
	return nil
}

func (b *bench) orderRound(ctx context.Context, k *broker, c *cast, clients int, hot bool) (rate, error) {
	o, err := ordering(c, id.New(), hot)
	if err != nil {
		return rate{}, err
	}
	return costing(k.pid(), func() (rate, error) { return load(ctx, clients, b.warm, b.round, o.send) })
}

// row is the size of one row that an order adds to the store.
type row struct {
	bucket     store.Bucket
	key, value int
}

// rowsOfOrder finds out what one order adds, by placing some and looking at the
// store while the broker is down. Rows that are replaced are not counted, so
// that the limit is rather too fast than too slow.
func (b *bench) rowsOfOrder(ctx context.Context, k *broker, c *cast) ([]row, error) {
	const orders = 512
	before, err := k.contents()
	if err != nil {
		return nil, err
	}
	if _, err := k.start(ctx); err != nil {
		return nil, err
	}
	c.moved(k.url)
	for n := range orders {
		if err := c.customers[n%customers].pay("/v1/orders", "shape-"+strconv.Itoa(n), c.purchase(), nil); err != nil {
			return nil, err
		}
	}
	after, err := k.contents()
	if err != nil {
		return nil, err
	}
	if _, err := k.start(ctx); err != nil {
		return nil, err
	}
	c.moved(k.url)
	var shape []row
	for bucket, size := range after {
		n := size.rows - before[bucket].rows
		for range (n + orders/2) / orders {
			shape = append(shape, row{bucket, (size.keys - before[bucket].keys) / n, (size.values - before[bucket].values) / n})
		}
	}
	if len(shape) == 0 {
		return nil, errors.New("orders added no rows")
	}
	return shape, nil
}

type size struct{ rows, keys, values int }

// contents ends the broker and adds up what each bucket of its store holds.
func (k *broker) contents() (map[store.Bucket]size, error) {
	_ = k.process.kill()
	db, err := bbolt.Open(k.storePath(), 0o600, &bbolt.Options{ReadOnly: true, Timeout: 5 * time.Second})
	if err != nil {
		return nil, err
	}
	out := map[store.Bucket]size{}
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
			var s size
			err := bucket.ForEach(func(k, v []byte) error {
				s = size{s.rows + 1, s.keys + len(k), s.values + len(v)}
				return nil
			})
			out[store.Bucket(name)] = s
			return err
		})
	})
	return out, errors.Join(err, db.Close())
}

func bytesOf(shape []row) int {
	n := 0
	for _, r := range shape {
		n += r.key + r.value
	}
	return n
}

// limit writes rows of the same number and sizes through the same group commit.
type limit struct {
	db    *bolt.DB
	shape []row
	value []byte
}

func (b *bench) openLimit(shape []row) (*limit, error) {
	db, err := bolt.Open(bolt.Options{Path: filepath.Join(b.work, "limit.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	most := 0
	for _, r := range shape {
		most = max(most, r.value)
	}
	return &limit{db: db, shape: shape, value: make([]byte, most)}, nil
}

func (l *limit) write(ctx context.Context) error {
	return l.db.Update(ctx, func(tx store.Tx) error {
		for _, r := range l.shape {
			key := make([]byte, max(r.key, id.Len))
			copy(key, id.New())
			if err := tx.Put(r.bucket, key, l.value[:r.value]); err != nil {
				return err
			}
		}
		return nil
	})
}
