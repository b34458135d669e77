package order_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/billing"
	"tradewind.example/core/catalog"
	"tradewind.example/core/id"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/job"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/order"
	"tradewind.example/core/pricing"
	"tradewind.example/core/provider"
	"tradewind.example/core/quote"
	"tradewind.example/core/resource"
	"tradewind.example/core/store"
	"tradewind.example/core/store/storetest"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

const (
	providerOrg, operator, reseller, customer = "org-provider", "org-operator", "org-reseller", "org-customer"
	cny                                       = money.CNY
)

var errBoom = errors.New("boom")

// world is a chain provider → operator → reseller → customer with a fake cloud
// and real books.
type world struct {
	t         testing.TB
	ctx       context.Context
	store     store.Store
	clock     *clock.Fake
	ledger    *ledger.Ledger
	bills     *billing.Service
	resources *resource.Service
	orders    *order.Service
	jobs      *jobs
	cloud     *cloud
	market    *market
	auth      *access.Authority
	idem      *idempotency.Keys
	fail      func(name string)
	buyer     access.Caller
	staff     access.Caller
	keys      int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), store: storetest.Open(t), clock: clock.NewFake(start)}
	storetest.Check(t, w.store, ledger.Verify)
	storetest.Check(t, w.store, audit.Verify)
	w.cloud = &cloud{clock: w.clock, made: map[string]*contract.Resource{}, done: map[string]bool{}, settled: true, canFind: true}
	w.market = &market{clock: w.clock, terms: chain(), enabled: true}
	w.jobs = &jobs{store: w.store}
	w.ledger = must(ledger.New(ledger.Config{Clock: w.clock}))
	auth := must(access.New(access.Config{Directory: orgs{}}))
	keys := must(idempotency.New(idempotency.Config{Clock: w.clock}))
	w.bills = must(billing.New(billing.Config{Store: w.store, Ledger: w.ledger, Authority: auth}))
	log := slog.New(slog.DiscardHandler)
	w.resources = must(resource.New(resource.Config{
		Store: w.store, Clock: w.clock, Logger: log, Authority: auth, Accounts: w.market, Keys: keys,
		Sealer: plain{}, Jobs: w.jobs, Plugins: resourcePlugins{w.cloud},
	}))
	w.auth, w.idem = auth, keys
	w.orders = w.service(nil)
	w.buyer = caller(customer, access.RoleCustomerAdmin)
	w.staff = caller(operator, access.RoleSuperadmin)
	t.Cleanup(func() { w.checkBooks() })
	return w
}

// service makes an order service over the world's parts.
func (w *world) service(edit func(*order.Config)) *order.Service {
	cfg := order.Config{
		Store: w.store, Clock: w.clock, Logger: slog.New(slog.DiscardHandler), Authority: w.auth, Directory: orgs{},
		Keys: w.idem, Catalog: w.market, Accounts: w.market, Pricer: w.market, Holder: w.ledger, Biller: w.bills,
		Resources: w.resources, Jobs: w.jobs, Plugins: plugins{w.cloud},
		Failpoint: func(name string) {
			if w.fail != nil {
				w.fail(name)
			}
		},
	}
	if edit != nil {
		edit(&cfg)
	}
	return must(order.New(cfg))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func caller(org string, roles ...access.Role) access.Caller {
	path, _ := orgs{}.PathTx(nil, org)
	return access.Caller{UserID: "user-of-" + org, OrgID: org, RootID: operator, Path: path, Roles: roles, RequestID: "req"}
}

// fund gives every org of the chain money with its seller.
func (w *world) fund(amount money.Amount) {
	w.t.Helper()
	for i, k := range []ledger.WalletKey{
		{Buyer: operator, Seller: providerOrg, Currency: cny}, {Buyer: reseller, Seller: operator, Currency: cny},
		{Buyer: customer, Seller: reseller, Currency: cny},
	} {
		w.recharge(k, amount, fmt.Sprint("fund/", i, "/", id.New()))
	}
}

func (w *world) recharge(k ledger.WalletKey, amount money.Amount, key string) {
	w.t.Helper()
	err := w.store.Update(w.ctx, func(tx store.Tx) error {
		_, err := w.ledger.PostTx(tx, ledger.Transaction{Kind: "recharge", Key: key, Postings: ledger.RechargePostings(k, amount)})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wallet(buyer, seller string) ledger.Wallet {
	w.t.Helper()
	var b ledger.Wallet
	err := w.store.View(w.ctx, func(r store.Reader) (err error) {
		b, err = w.ledger.Wallet(r, ledger.WalletKey{Buyer: buyer, Seller: seller, Currency: cny})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) key() string {
	w.keys++
	return fmt.Sprintf("key-%d", w.keys)
}

func (w *world) input(quantity int) order.BuyInput {
	in := inputWith(w.key())
	in.Term.Quantity = quantity
	return in
}

func inputWith(key string) order.BuyInput {
	return order.BuyInput{
		ProductID: "product", Name: "web", IdempotencyKey: key,
		Term: contract.Term{Billing: contract.BillingPrepaid, Period: contract.PeriodMonth, Periods: 1, Quantity: 1},
	}
}

func (w *world) buy(quantity int) order.View {
	w.t.Helper()
	v, err := w.orders.Buy(w.ctx, w.buyer, w.input(quantity))
	if err != nil {
		w.t.Fatalf("buying: %v", err)
	}
	return v
}

// revision is how often the order was stored.
func (w *world) revision(orderID string) int {
	w.t.Helper()
	var d store.Doc[order.Order]
	err := w.store.View(w.ctx, func(r store.Reader) (err error) {
		d, err = store.NewCollection("order", func(o *order.Order) string { return o.ID }).Get(r, orderID)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return int(d.Rev)
}

func (w *world) get(orderID string) order.View {
	w.t.Helper()
	v, err := w.orders.Get(w.ctx, w.staff, orderID)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// drain runs all jobs until none is ready, moving the clock on between rounds.
func (w *world) drain() {
	w.t.Helper()
	w.drainFor(200)
}

// drainFor is drain for so many rounds at most.
func (w *world) drainFor(rounds int) {
	w.t.Helper()
	for round := range rounds {
		open := w.jobs.ready(w)
		if len(open) == 0 {
			return
		}
		for _, j := range open {
			w.runJob(j)
		}
		if round > 0 {
			w.clock.Advance(31 * time.Second)
		}
	}
}

// runJob is one attempt; a panic is the death of the process.
func (w *world) runJob(j job.Job) {
	defer func() {
		if v := recover(); v != nil && v != any(errBoom) {
			panic(v)
		}
	}()
	handler := w.orders.Work
	if j.Kind == resource.ActionJobKind {
		handler = w.resources.Work
	}
	w.jobs.count(w, j)
	if err := handler(w.ctx, j); err == nil {
		w.jobs.done(w, j)
	}
}

// checkBooks compares bills with postings, cloud with broker, and holds with
// open orders.
func (w *world) checkBooks() {
	w.t.Helper()
	ctx := context.WithoutCancel(w.ctx)
	err := w.store.View(ctx, func(r store.Reader) error {
		pairs := map[[2]string][2]money.Amount{}
		for _, k := range [][2]string{{providerOrg, operator}, {operator, reseller}, {reseller, customer}} {
			revenue, err := w.balance(r, k, ledger.KindRevenue)
			if err != nil {
				return err
			}
			expense, err := w.balance(r, k, ledger.KindCommissionExpense)
			if err != nil {
				return err
			}
			pairs[k] = [2]money.Amount{-revenue, expense}
		}
		for k, want := range pairs {
			var got [2]money.Amount
			p := billing.Pair{Seller: k[0], Buyer: k[1], Currency: cny}
			err := billing.Unsettled(r, p, w.clock.Now().Add(time.Hour), store.NoLimit, func(e billing.Entry) error {
				got[0] += e.Amount
				got[1] += e.Commission
				return nil
			})
			if err != nil {
				return err
			}
			if got != want {
				w.t.Errorf("bills of %v say %v, the postings %v", k, got, want)
			}
		}
		return nil
	})
	if err != nil {
		w.t.Error(err)
	}
	w.cloud.check(w.t)
}

func (w *world) balance(r store.Reader, pair [2]string, kind ledger.Kind) (money.Amount, error) {
	a := ledger.Account{Book: pair[0], Party: pair[1], Kind: kind, Currency: cny}
	return w.ledger.Balance(r, a, time.Time{})
}

func (w *world) currentBalance(pair [2]string, kind ledger.Kind) money.Amount {
	w.t.Helper()
	var out money.Amount
	err := w.store.View(w.ctx, func(r store.Reader) (err error) {
		out, err = w.balance(r, pair, kind)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// sameAtCloud wants the broker's live resources to be exactly the cloud's.
func (w *world) sameAtCloud() {
	w.t.Helper()
	page, err := w.resources.List(w.ctx, w.staff, resource.Query{Which: resource.BoughtOnly, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	here := map[string]bool{}
	for _, r := range page.Items {
		here[r.VendorID] = true
	}
	there := w.cloud.alive()
	if len(here) != len(there) {
		w.t.Errorf("%d resources here, %d at the cloud", len(here), len(there))
	}
	for vendorID := range there {
		if !here[vendorID] {
			w.t.Errorf("the cloud's %q is not in the broker", vendorID)
		}
	}
}

// orgs is the fixed tree operator > reseller > customer, with a stranger beside.
type orgs struct{}

func (orgs) PathTx(_ store.Reader, org string) ([]string, error) {
	switch org {
	case operator:
		return []string{operator}, nil
	case reseller:
		return []string{operator, reseller}, nil
	case customer:
		return []string{operator, reseller, customer}, nil
	case "org-stranger":
		return []string{operator, "org-stranger"}, nil
	case providerOrg:
		return []string{operator, providerOrg}, nil
	}
	return nil, fault.NotFound("org", org)
}

func (orgs) AssignedTx(store.Reader, string) ([]string, error) { return nil, nil }

// market is catalogue, accounts and prices in one.
type market struct {
	clock   *clock.Fake
	mu      sync.Mutex
	terms   []pricing.Terms
	list    string
	enabled bool
	// warnOnly sells below cost.
	warnOnly bool
	quotes   map[string]quote.Quote
	asked    int
	resize   string // what the cloud quotes for another size; "" = it does not
	owner    string // the product's reseller
	priced   []quote.PriceInput
	listed   []quote.ListInput
}

func chain() []pricing.Terms {
	leg := func(seller, buyer, rate string) pricing.Terms {
		return pricing.Terms{
			Seller: seller, Buyer: buyer, Mode: pricing.ModeDiscount, Rate: must(money.ParseDecimal(rate)),
			Found: pricing.FoundDefault, Settle: pricing.SettleRealtime,
		}
	}
	return []pricing.Terms{leg(providerOrg, operator, "0.6"), leg(operator, reseller, "0.75"), leg(reseller, customer, "0.9")}
}

func (m *market) ProductTx(_ store.Reader, productID string) (catalog.Product, error) {
	if productID != "product" {
		return catalog.Product{}, fault.NotFound("product", productID)
	}
	return catalog.Product{
		ID: "product", RootID: operator, ProviderID: "provider", Kind: "instance", Name: "Server", Region: "north",
		Spec: json.RawMessage(`{"cpu":2}`), Currency: cny, State: catalog.StateActive, From: start.AddDate(-1, 0, 0), OwnerOrg: m.owner,
		Billing: []contract.BillingMethod{contract.BillingPrepaid}, Periods: []contract.Period{contract.PeriodMonth},
	}, nil
}

func (m *market) RouteTx(_ store.Reader, _, providerID string, p provider.Purpose) (provider.Route, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.enabled && p == provider.PurposeOrder {
		return provider.Route{}, fault.Precondition("provider %q is not enabled: enable it first", providerID)
	}
	return provider.Route{Plugin: "fake", EnablementID: "enablement", AccountID: "enablement"}, nil
}

func (m *market) RouteViaTx(r store.Reader, org, enablementID string, p provider.Purpose) (provider.Route, error) {
	if enablementID != "enablement" {
		return provider.Route{}, fault.NotFound("enablement", enablementID)
	}
	return m.RouteTx(r, org, "provider", p)
}

func (m *market) CallVia(_ context.Context, r store.Reader, org, enablementID string, p provider.Purpose) (provider.Access, error) {
	route, err := m.RouteViaTx(r, org, enablementID, p)
	call := contract.Call{Org: org, RootOrg: operator, Account: contract.Account{ID: "account"}}
	return provider.Access{Call: call, Plugin: route.Plugin, ProviderID: "provider", EnablementID: route.EnablementID}, err
}

func (m *market) ListAmount(_ context.Context, in quote.ListInput) (quote.Listed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	m.listed = append(m.listed, in)
	if in.Change == contract.ChangeResize {
		if m.resize == "" {
			return quote.Listed{}, fault.Unsupported("the cloud does not quote sizes")
		}
		return quote.Listed{Amount: must(money.ParseDecimal(m.resize)), Currency: cny, Source: quote.SourcePlugin}, nil
	}
	unit := "1000"
	if strings.Contains(string(in.Spec), `"cores":8`) {
		unit = "1600"
	}
	if m.list != "" {
		unit = m.list
	}
	n := int64(in.Term.Quantity) * int64(in.Term.Periods)
	amount, err := must(money.ParseDecimal(unit)).MulInt(n)
	return quote.Listed{Amount: amount, Currency: cny, Source: quote.SourcePlugin}, err
}

func (m *market) PriceTx(_ store.Reader, in quote.PriceInput) (pricing.Result, []quote.Warning, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.priced = append(m.priced, in)
	result, err := pricing.Price(pricing.Input{Currency: cny, List: in.List, Quantity: in.Quantity, Periods: in.Periods, Difference: in.Difference, Legs: m.terms})
	if err != nil {
		return result, nil, err
	}
	breaches := pricing.Guard(result, func(string) pricing.Policy { return pricing.PolicyBlock })
	if len(breaches) > 0 && !m.warnOnly {
		return result, nil, fault.Precondition("not for sale at this price; ask your seller")
	}
	return result, nil, nil
}

func (m *market) FindTx(_ store.Reader, quoteID string) (quote.Quote, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	q, found := m.quotes[quoteID]
	return q, found, nil
}

// jobs keeps jobs in the store under test, so that they share the fate of the
// transactions they are part of.
type jobs struct {
	store store.Store
	fails int // so many results are refused
	begin bool

	busy     string   // the job that is at work
	hastened []string // jobs that were made due
}

const jobBucket store.Bucket = "test/job"

func (q *jobs) Enqueue(tx store.Tx, j job.Job) (job.Job, error) {
	if j.ID == "" {
		j.ID = id.New()
	}
	raw, err := json.Marshal(j)
	if err != nil {
		return j, err
	}
	return j, tx.Put(jobBucket, store.Key(j.ID), raw)
}

// Begin claims the job when begin says so, as a queue with a free worker does.
func (q *jobs) Begin(tx store.Tx, j job.Job) (job.Job, error) {
	if q.begin {
		j.State, j.Attempt = job.StateRunning, 1
	}
	return q.Enqueue(tx, j)
}

func (q *jobs) Complete(tx store.Tx, j job.Job) error {
	if q.fails > 0 {
		q.fails--
		return errBoom
	}
	return tx.Delete(jobBucket, store.Key(j.ID))
}

// HastenTx makes a stored job due; only the busy one is at work.
func (q *jobs) HastenTx(tx store.Tx, id string) (bool, error) {
	raw, err := tx.Get(jobBucket, store.Key(id))
	if err != nil || raw == nil || id == q.busy {
		return id == q.busy, err
	}
	q.hastened = append(q.hastened, id)
	return false, nil
}

// count stores that the attempt has begun: the next one has another number.
func (q *jobs) count(w *world, j job.Job) {
	j.Attempt++
	err := q.store.Update(w.ctx, func(tx store.Tx) error {
		raw, err := json.Marshal(j)
		if err != nil {
			return err
		}
		return tx.Put(jobBucket, store.Key(j.ID), raw)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (q *jobs) done(w *world, j job.Job) {
	if err := q.store.Update(w.ctx, func(tx store.Tx) error { return q.Complete(tx, j) }); err != nil {
		w.t.Fatal(err)
	}
}

func (q *jobs) ready(w *world) []job.Job {
	var out []job.Job
	err := q.store.View(w.ctx, func(r store.Reader) error {
		out = nil
		return r.Scan(jobBucket, store.Prefix().All(), func(_, raw []byte) error {
			var j job.Job
			err := json.Unmarshal(raw, &j)
			out = append(out, j)
			return err
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

type plain struct{}

func (plain) Seal(p, _ []byte) ([]byte, error) { return append([]byte("sealed:"), p...), nil }
func (plain) Open(s, _ []byte) ([]byte, error) { return s[len("sealed:"):], nil }
func (plain) Reseal(s, _ []byte) ([]byte, bool, error) {
	return s, false, nil
}

type plugins struct{ cloud *cloud }

func (p plugins) Plugin(string) (order.Cloud, error) {
	if p.cloud.down {
		return nil, fault.Unavailable("the plugin is down")
	}
	return p.cloud, nil
}

func (p plugins) Describe(context.Context, string) (contract.Description, error) {
	return p.cloud.describe(), nil
}

type resourcePlugins struct{ cloud *cloud }

func (p resourcePlugins) Plugin(string) (resource.Cloud, error) { return p.cloud, nil }
func (p resourcePlugins) Describe(context.Context, string) (contract.Description, error) {
	return p.cloud.describe(), nil
}
