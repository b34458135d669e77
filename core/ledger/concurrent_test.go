package ledger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"go.uber.org/goleak"

	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestWalletNeverGoesUnder lets 64 writers hold, capture, release and refund
// on one wallet that is always short.
func TestWalletNeverGoesUnder(t *testing.T) {
	t.Parallel()
	b := open(t)
	k := walletOf("buyer", "seller")
	const paid = 10_000
	b.recharge(k, paid, "r")
	var spent atomic.Int64
	var refused atomic.Int64
	var writers sync.WaitGroup
	for w := range 64 {
		writers.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(w)))
			for i := range 12 {
				id := fmt.Sprintf("%d-%d", w, i)
				amount := money.Amount(1 + rng.IntN(900))
				err := hold(b, id, k, amount)
				if fault.Is(err, fault.ClassInsufficientBalance) {
					refused.Add(1)
					continue
				}
				taken := money.Amount(rng.Int64N(int64(amount) + 1))
				if rng.IntN(3) == 0 {
					err = errors.Join(err, b.update(func(tx store.Tx) error { return b.ReleaseTx(tx, id) }))
				} else {
					err = errors.Join(err, capture(b, id, k, taken))
					spent.Add(int64(taken))
				}
				if got := b.wallet(k); err != nil || got.Available < 0 || got.Held < 0 || got.Posted < 0 {
					t.Errorf("%s: %v, wallet %+v", id, err, got)
				}
			}
		})
	}
	writers.Wait()
	if got, want := b.wallet(k), money.Amount(paid-spent.Load()); got.Posted != want || got.Held != 0 {
		t.Errorf("the wallet is %+v, want %d posted and nothing held", got, want)
	}
	if refused.Load() == 0 {
		t.Error("no hold was refused: the test does not reach the limit")
	}
}

func hold(b books, id string, k ledger.WalletKey, amount money.Amount) error {
	return b.update(func(tx store.Tx) error {
		return b.HoldTx(tx, ledger.Hold{ID: id, Ref: id, Legs: []ledger.HoldLeg{{Buyer: k.Buyer, Seller: k.Seller, Currency: k.Currency, Amount: amount}}})
	})
}

func capture(b books, id string, k ledger.WalletKey, amount money.Amount) error {
	leg := pricing.Leg{Terms: pricing.Terms{Seller: k.Seller, Buyer: k.Buyer, Settle: pricing.SettleRealtime}, Amount: amount}
	return b.update(func(tx store.Tx) error {
		_, err := b.CaptureTx(tx, id, []money.Amount{amount}, ledger.Transaction{
			Kind: "charge", Ref: id, Key: "charge:" + id, Postings: ledger.ChargePostings(leg, k.Currency),
		})
		return err
	})
}

const (
	clients = 8
	history = 2000 // operations in all
)

// recorder keeps a history in logical time.
type recorder struct {
	clock atomic.Int64
	mu    sync.Mutex
	ops   []porcupine.Operation
}

func (r *recorder) do(client int, input any, fn func() any) any {
	call := r.clock.Add(1)
	output := fn()
	back := r.clock.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, porcupine.Operation{ClientId: client, Input: input, Call: call, Output: output, Return: back})
	return output
}

// run has every client do its share of the history.
func (r *recorder) run(do func(client int, rng *rand.Rand)) {
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(client)))
			for range history / clients {
				do(client, rng)
			}
		})
	}
	all.Wait()
}

func (r *recorder) check(t *testing.T, m porcupine.Model) {
	t.Helper()
	if len(r.ops) < history {
		t.Fatalf("the history has %d operations, want %d", len(r.ops), history)
	}
	if got := porcupine.CheckOperationsTimeout(m, r.ops, time.Minute); got != porcupine.Ok {
		t.Errorf("the history is %s, want linearizable", got)
	}
}

type walletOp struct {
	kind         string // recharge hold capture release read
	amount, held money.Amount
}

type walletAnswer struct {
	ok     bool
	wallet ledger.Wallet // of a read
}

// walletModel is what a wallet means, one operation after another.
func walletModel() porcupine.Model {
	type state struct{ posted, held money.Amount }
	return porcupine.Model{
		Init: func() any { return state{} },
		Step: func(s, input, output any) (bool, any) {
			st, in, out := s.(state), input.(walletOp), output.(walletAnswer)
			switch in.kind {
			case "recharge":
				return out.ok, state{st.posted + in.amount, st.held}
			case "hold":
				if st.posted-st.held < in.amount {
					return !out.ok, st
				}
				return out.ok, state{st.posted, st.held + in.amount}
			case "capture":
				return out.ok, state{st.posted - in.amount, st.held - in.held}
			case "release":
				return out.ok, state{st.posted, st.held - in.held}
			}
			return out.wallet.Posted == st.posted && out.wallet.Held == st.held && out.wallet.Available == st.posted-st.held, st
		},
	}
}

func TestWalletIsLinearizable(t *testing.T) {
	t.Parallel()
	b := open(t)
	k := walletOf("buyer", "seller")
	var rec recorder
	var ids atomic.Int64
	type open struct {
		id     string
		amount money.Amount
	}
	held := make([][]open, clients)
	rec.run(func(client int, rng *rand.Rand) {
		amount := money.Amount(1 + rng.IntN(50))
		id := fmt.Sprint("id-", ids.Add(1))
		var err error
		end := func(kind string, end func(o open, taken money.Amount) error) {
			o := held[client][0]
			held[client] = held[client][1:]
			taken := money.Amount(rng.Int64N(int64(o.amount) + 1))
			rec.do(client, walletOp{kind: kind, amount: taken, held: o.amount}, func() any {
				err = end(o, taken)
				return walletAnswer{ok: err == nil}
			})
		}
		switch n := rng.IntN(10); {
		case n == 0:
			rec.do(client, walletOp{kind: "recharge", amount: amount}, func() any {
				err = b.update(func(tx store.Tx) error {
					_, err := b.PostTx(tx, ledger.Transaction{Kind: "recharge", Key: id, Postings: ledger.RechargePostings(k, amount)})
					return err
				})
				return walletAnswer{ok: err == nil}
			})
		case n < 4:
			rec.do(client, walletOp{kind: "read"}, func() any { return walletAnswer{ok: true, wallet: b.wallet(k)} })
		case n < 6 && len(held[client]) > 0:
			end("capture", func(o open, taken money.Amount) error { return capture(b, o.id, k, taken) })
		case n < 7 && len(held[client]) > 0:
			end("release", func(o open, _ money.Amount) error {
				return b.update(func(tx store.Tx) error { return b.ReleaseTx(tx, o.id) })
			})
		default:
			got := rec.do(client, walletOp{kind: "hold", amount: amount}, func() any {
				err = hold(b, id, k, amount)
				return walletAnswer{ok: err == nil}
			})
			if got.(walletAnswer).ok {
				held[client] = append(held[client], open{id, amount})
			}
		}
		if err != nil && !fault.Is(err, fault.ClassInsufficientBalance) {
			t.Error(err)
		}
	})
	rec.check(t, walletModel())
}

type keyOp struct {
	key     string
	content money.Amount
}

// keyModel: the first write under a key decides its content and its
// transaction; later ones get that transaction or a conflict.
func keyModel() porcupine.Model {
	type state struct {
		content money.Amount
		id      string
	}
	return porcupine.Model{
		Partition: func(ops []porcupine.Operation) [][]porcupine.Operation {
			byKey := map[string][]porcupine.Operation{}
			for _, op := range ops {
				key := op.Input.(keyOp).key
				byKey[key] = append(byKey[key], op)
			}
			var out [][]porcupine.Operation
			for _, part := range byKey {
				out = append(out, part)
			}
			return out
		},
		Init: func() any { return state{} },
		Step: func(s, input, output any) (bool, any) {
			st, in, id := s.(state), input.(keyOp), output.(string)
			switch {
			case st.id == "":
				return id != "conflict", state{in.content, id}
			case st.content == in.content:
				return id == st.id, st
			}
			return id == "conflict", st
		},
	}
}

func TestIdempotencyKeysAreLinearizable(t *testing.T) {
	t.Parallel()
	b := open(t)
	var rec recorder
	rec.run(func(client int, rng *rand.Rand) {
		op := keyOp{key: fmt.Sprint("key-", rng.IntN(100)), content: money.Amount(1 + rng.IntN(2))}
		rec.do(client, op, func() any {
			var stored ledger.Transaction
			err := b.update(func(tx store.Tx) (err error) {
				stored, err = b.PostTx(tx, ledger.Transaction{
					Kind: "recharge", Key: op.key, Postings: ledger.RechargePostings(walletOf("buyer", "seller"), op.content),
				})
				return err
			})
			if fault.Is(err, fault.ClassConflict) {
				return "conflict"
			}
			if err != nil {
				t.Error(err)
			}
			return stored.ID
		})
	})
	rec.check(t, keyModel())
}
