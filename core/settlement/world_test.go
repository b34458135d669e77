package settlement_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/billing"
	"tradewind.example/core/id"
	"tradewind.example/core/job"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/settlement"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

const (
	seller, buyer = "org-seller", "org-buyer"
	cny           = money.CNY
)

var errBoom = errors.New("boom")

type world struct {
	t        testing.TB
	ctx      context.Context
	store    store.Store
	clock    *clock.Fake
	ledger   *ledger.Ledger
	bills    *billing.Service
	svc      *settlement.Service
	template string
	broken   string // a seller whose template cannot be read
	fail     func(string)
	finance  access.Caller
	charged  int
}

func newWorld(t testing.TB, chunk int) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), store: storetest.Open(t), clock: clock.NewFake(start), template: "daily"}
	storetest.Check(t, w.store, ledger.Verify)
	storetest.Check(t, w.store, audit.Verify)
	auth := must(access.New(access.Config{Directory: orgs{}}))
	w.ledger = must(ledger.New(ledger.Config{Clock: w.clock}))
	w.bills = must(billing.New(billing.Config{Store: w.store, Ledger: w.ledger, Authority: auth}))
	w.svc = must(settlement.New(settlement.Config{
		Store: w.store, Clock: w.clock, Logger: discard(), Authority: auth, Calendars: w,
		Ledger: w.ledger, Bills: w.bills, Jobs: jobs{}, Chunk: chunk,
		Failpoint: func(name string) {
			if w.fail != nil {
				w.fail(name)
			}
		},
	}))
	w.finance = access.Caller{
		UserID: "finance", OrgID: seller, RootID: seller, Path: []string{seller}, Roles: []access.Role{access.RoleSuperadmin},
	}
	return w
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (w *world) CalendarTx(_ store.Reader, seller, _ string, _ time.Time) (string, string, error) {
	if seller == w.broken {
		return "never", "UTC", nil
	}
	return w.template, "Asia/Shanghai", nil
}

type orgs struct{}

func (orgs) PathTx(_ store.Reader, org string) ([]string, error) {
	switch org {
	case seller:
		return []string{seller}, nil
	case buyer, "org-other":
		return []string{seller, org}, nil
	}
	return nil, fault.NotFound("org", org)
}

func (orgs) AssignedTx(store.Reader, string) ([]string, error) { return nil, nil }

type jobs struct{}

const jobBucket store.Bucket = "test/job"

func (jobs) Enqueue(tx store.Tx, j job.Job) (job.Job, error) {
	j.ID = id.New()
	raw, err := json.Marshal(j)
	if err != nil {
		return j, err
	}
	return j, tx.Put(jobBucket, store.Key(j.ID), raw)
}

func (w *world) runJobs() {
	w.t.Helper()
	var open []job.Job
	err := w.store.View(w.ctx, func(r store.Reader) error {
		return r.Scan(jobBucket, store.Prefix().All(), func(_, raw []byte) error {
			var j job.Job
			err := json.Unmarshal(raw, &j)
			open = append(open, j)
			return err
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, j := range open {
		if err := w.svc.ReturnJob(w.ctx, j); err != nil {
			w.t.Fatal(err)
		}
	}
}

// charge bills one leg now.
func (w *world) charge(mode pricing.SettleMode, amount, commission money.Amount) {
	w.t.Helper()
	w.charged++
	leg := pricing.Leg{
		Terms:  pricing.Terms{Seller: seller, Buyer: buyer, Mode: pricing.ModeList, Settle: mode},
		Amount: amount, Commission: commission,
	}
	result := pricing.Result{
		Currency: cny, Quantity: 1, Periods: 1, Legs: []pricing.Leg{leg},
		ProviderNet: amount - commission, CustomerPrice: amount,
	}
	if commission != 0 {
		// A commission needs a leg below it in a real chain; the books are the same.
		result.Legs = append(result.Legs, pricing.Leg{
			Terms:  pricing.Terms{Seller: buyer, Buyer: "org-other", Mode: pricing.ModeList, Settle: pricing.SettlePeriod},
			Amount: amount,
		})
		result.Margins = []pricing.Margin{{Org: buyer, Amount: commission}}
	}
	err := w.store.Update(w.ctx, func(tx store.Tx) error {
		if mode == pricing.SettleRealtime {
			k := ledger.WalletKey{Buyer: buyer, Seller: seller, Currency: cny}
			key := fmt.Sprint("fund/", w.charged)
			if _, err := w.ledger.PostTx(tx, ledger.Transaction{Kind: "recharge", Key: key, Postings: ledger.RechargePostings(k, amount)}); err != nil {
				return err
			}
		}
		_, err := w.bills.ChargeTx(tx, billing.Charge{
			Facts: billing.Facts{
				RootID: seller, OrderID: fmt.Sprintf("order-%05d", w.charged), ProductID: "product", ProductName: "Server",
				Key: fmt.Sprint("charge/", w.charged),
			},
			Operation: billing.OperationBuy, Held: result, Result: result,
		})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) statements(state settlement.State) []settlement.Statement {
	w.t.Helper()
	page, err := w.svc.List(w.ctx, w.finance, settlement.Query{Side: "seller", State: state, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Items
}

func (w *world) run() settlement.Report {
	w.t.Helper()
	report, err := w.svc.Run(w.ctx, w.clock.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// runDying runs until the process dies at the nth point, or to the end.
func (w *world) runDying(nth int) (died bool) {
	defer func() {
		if v := recover(); v != nil {
			if v != any(errBoom) {
				panic(v)
			}
			died = true
		}
		w.fail = nil
	}()
	w.fail = func(string) {
		if nth--; nth == 0 {
			panic(errBoom)
		}
	}
	w.run()
	return false
}

func (w *world) balance(book, party string, kind ledger.Kind) money.Amount {
	w.t.Helper()
	var out money.Amount
	err := w.store.View(w.ctx, func(r store.Reader) (err error) {
		out, err = w.ledger.Balance(r, ledger.Account{Book: book, Party: party, Kind: kind, Currency: cny}, time.Time{})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) unsettled() int {
	w.t.Helper()
	n := 0
	err := w.store.View(w.ctx, func(r store.Reader) error {
		p := billing.Pair{Seller: seller, Buyer: buyer, Currency: cny}
		return billing.Unsettled(r, p, w.clock.Now().Add(time.Hour), store.NoLimit, func(billing.Entry) error { n++; return nil })
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
