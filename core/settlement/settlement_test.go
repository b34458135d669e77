package settlement_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"tradewind.example/core/access"
	"tradewind.example/core/billing"
	"tradewind.example/core/id"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/settlement"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

func TestRunOpensWhatIsDueOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	for range 7 {
		w.charge(pricing.SettlePeriod, 1000, 100)
	}
	if r := w.run(); len(r.Opened) != 0 {
		t.Errorf("opened %v before it is due", r.Opened)
	}
	w.clock.Advance(24 * time.Hour)
	w.charge(pricing.SettlePeriod, 5, 0) // of the next period
	report := w.run()
	if report.Bills != 7+7 { // the other pair's seven, too
		t.Errorf("moved %d bills, want 14", report.Bills)
	}
	open := w.statements(settlement.StateOpen)
	if len(open) != 1 {
		t.Fatalf("%d statements are open, want 1", len(open))
	}
	want := settlement.Totals{Count: 7, Amount: 7000, Commission: 700, PeriodAmount: 7000, PeriodCommission: 700}
	if diff := cmp.Diff(want, open[0].Totals); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	if again := w.run(); again.Bills != 0 || len(again.Opened) != 0 {
		t.Errorf("running twice did %+v", again)
	}
	if n := w.unsettled(); n != 1 {
		t.Errorf("%d bills are unsettled, want 1", n)
	}
}

func TestOneBrokenPairDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	w.charge(pricing.SettlePeriod, 1000, 100)
	w.broken = seller
	w.clock.Advance(24 * time.Hour)
	report, err := w.svc.Run(w.ctx, w.clock.Now())
	if !fault.Is(err, fault.ClassInvalid) || len(report.Opened) != 1 {
		t.Errorf("opened %v with %v, want the other pair's statement and the error", report.Opened, err)
	}
}

func TestOneStuckStatementDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.charge(pricing.SettlePeriod, 1000, 100)
	// A row that cannot be read comes after the one from which the period is known.
	damage := store.Key(seller, buyer, string(cny), w.clock.Now().Add(time.Minute), "bill")
	change := func(do func(tx store.Tx) error) {
		t.Helper()
		if err := w.store.Update(w.ctx, do); err != nil {
			t.Fatal(err)
		}
	}
	change(func(tx store.Tx) error { return tx.Put("bill/unsettled", damage, []byte("damaged")) })
	for day := range 2 {
		w.clock.Advance(24 * time.Hour)
		report, err := w.svc.Run(w.ctx, w.clock.Now())
		if err == nil || len(report.Opened) != 1 {
			t.Errorf("day %d: opened %v, error %v, want the other pair's statement and the reason of the first's", day, report.Opened, err)
		}
		w.charge(pricing.SettlePeriod, 1000, 100)
	}
	if got := w.statements(settlement.StateCollecting); len(got) != 1 {
		t.Errorf("the stuck pair has %d statements at work, want the first only", len(got))
	}
	change(func(tx store.Tx) error { return tx.Delete("bill/unsettled", damage) })
	w.clock.Advance(24 * time.Hour)
	w.run()
	if n := w.unsettled(); n != 0 {
		t.Errorf("%d bills are unsettled after the repair", n)
	}
}

func TestEachPeriodHasItsStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	for range 5 {
		w.charge(pricing.SettlePeriod, 100, 0)
		w.clock.Advance(24 * time.Hour)
	}
	w.run()
	open := w.statements(settlement.StateOpen)
	if len(open) != 5 {
		t.Fatalf("%d statements for five days", len(open))
	}
	for i := 1; i < len(open); i++ { // newest first
		if !open[i].Due.Equal(open[i-1].From) {
			t.Errorf("the period ending %s is followed by one from %s", open[i].Due, open[i-1].From)
		}
	}
}

func TestLateBillGoesIntoTheNextStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	w.charge(pricing.SettlePeriod, 100, 0)
	w.clock.Advance(24 * time.Hour)
	w.run()
	late := billing.Pair{RootID: seller, Seller: seller, Buyer: buyer, Currency: cny}
	addEntry(t, w, late, start.Add(time.Minute), 7)
	w.run()
	if n := len(w.statements(settlement.StateOpen)); n != 1 {
		t.Errorf("a late bill opened the closed period again: %d statements", n)
	}
	w.clock.Advance(24 * time.Hour)
	w.run()
	open := w.statements(settlement.StateOpen)
	if len(open) != 2 || open[0].Totals.Amount != 7 {
		t.Errorf("statements %+v, want the late bill in the second", open)
	}
}

// addEntry puts a bill's entry back in time by returning it from a shelf.
func addEntry(t testing.TB, w *world, p billing.Pair, at time.Time, amount money.Amount) {
	t.Helper()
	err := w.store.Update(w.ctx, func(tx store.Tx) error {
		return billing.AddEntryTx(tx, p, billing.Entry{
			BillID: id.New(), Time: at, Operation: billing.OperationBuy, Settle: pricing.SettlePeriod, Amount: amount,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCrashAnywhereWhileCollecting(t *testing.T) {
	t.Parallel()
	for nth := 1; nth <= 8; nth++ {
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 2)
			for range 7 {
				w.charge(pricing.SettlePeriod, 1000, 0)
			}
			w.clock.Advance(24 * time.Hour)
			if died := w.runDying(nth); !died && nth < 5 {
				t.Error("the run did not reach the point: the test tests nothing")
			}
			// A dead process holds no turn.
			w = w.restart()
			w.run()
			open := w.statements(settlement.StateOpen)
			if len(open) != 1 || open[0].Totals.Count != 7 || open[0].Totals.Amount != 7000 || w.unsettled() != 0 {
				t.Errorf("statements %+v and %d unsettled", open, w.unsettled())
			}
		})
	}
}

func TestAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	w.charge(pricing.SettlePeriod, 10000, 800)
	w.charge(pricing.SettleRealtime, 5000, 400)
	w.clock.Advance(24 * time.Hour)
	w.run()
	v := w.statements(settlement.StateOpen)[0]
	settled := must(w.svc.Agree(w.ctx, w.finance, settlement.Decision{StatementID: v.ID, Note: "fine"}))
	if settled.State != settlement.StateSettled || settled.TransactionID == "" {
		t.Errorf("statement %+v", settled)
	}
	var states []settlement.State
	for _, tr := range settled.Transitions {
		states = append(states, tr.To)
	}
	want := []settlement.State{settlement.StateCollecting, settlement.StateOpen, settlement.StateAgreed, settlement.StateSettled}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
	if got := w.balance(buyer, seller, ledger.KindPayable); got != -9200 {
		t.Errorf("payable is %d, want -9200", got)
	}
	if got := w.balance(buyer, seller, ledger.KindWallet); got != 400 {
		t.Errorf("wallet is %d, want the commission of 400", got)
	}
	if got := w.balance(seller, buyer, ledger.KindAccruedReceivable); got != 0 {
		t.Errorf("accrued receivable is %d", got)
	}
	again := must(w.svc.Agree(w.ctx, w.finance, settlement.Decision{StatementID: v.ID, Note: "again"}))
	if again.TransactionID != settled.TransactionID || w.balance(buyer, seller, ledger.KindPayable) != -9200 {
		t.Error("agreeing twice moved money")
	}
	if _, err := w.svc.Refuse(w.ctx, w.finance, settlement.Decision{StatementID: v.ID}); !fault.Is(err, fault.ClassPrecondition) {
		t.Errorf("refusing a settled statement: %v", err)
	}
}

func TestRefuseAndCollectAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	for range 5 {
		w.charge(pricing.SettlePeriod, 1000, 0)
	}
	w.clock.Advance(24 * time.Hour)
	w.run()
	v := w.statements(settlement.StateOpen)[0]
	refused := must(w.svc.Refuse(w.ctx, w.finance, settlement.Decision{StatementID: v.ID, Note: "wrong"}))
	if refused.State != settlement.StateRefused || !refused.Returning {
		t.Errorf("statement %+v", refused)
	}
	w.runJobs()
	w.runJobs()
	if n := w.unsettled(); n != 5 {
		t.Errorf("%d bills are unsettled, want 5", n)
	}
	w.run()
	open := w.statements(settlement.StateOpen)
	if len(open) != 1 || open[0].Totals.Count != 5 || open[0].ID == v.ID || !open[0].Due.Equal(v.Due) {
		t.Errorf("collected again: %+v", open)
	}
	if got := w.balance(buyer, seller, ledger.KindPayable); got != 0 {
		t.Errorf("a refused statement posted %d", got)
	}
}

func TestRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	w.charge(pricing.SettlePeriod, 1000, 0)
	w.clock.Advance(24 * time.Hour)
	w.run()
	v := w.statements(settlement.StateOpen)[0]
	stranger := access.Caller{UserID: "x", OrgID: "org-other", RootID: seller, Path: []string{seller, "org-other"}, Roles: []access.Role{access.RoleCustomerAdmin}}
	calls := map[string]func() error{
		"get": func() error { _, err := w.svc.Get(w.ctx, stranger, v.ID); return err },
		"agree": func() error {
			_, err := w.svc.Agree(w.ctx, stranger, settlement.Decision{StatementID: v.ID})
			return err
		},
		"refuse": func() error {
			_, err := w.svc.Refuse(w.ctx, stranger, settlement.Decision{StatementID: v.ID})
			return err
		},
		"lines": func() error {
			_, err := w.svc.Lines(w.ctx, stranger, settlement.LinesQuery{StatementID: v.ID, Limit: 10})
			return err
		},
		"export": func() error { return w.svc.Export(w.ctx, stranger, v.ID, io.Discard) },
	}
	for name, call := range calls {
		if err := call(); !fault.Is(err, fault.ClassNotFound) {
			t.Errorf("%s by a stranger: %v, want not_found", name, err)
		}
	}
}

func TestLinesAndExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	var want []money.Amount
	for i := range 2500 {
		amount := money.Amount(i + 1)
		w.charge(pricing.SettlePeriod, amount, 0)
		want = append(want, amount)
	}
	w.clock.Advance(24 * time.Hour)
	w.run()
	v := w.statements(settlement.StateOpen)[0]
	var got []money.Amount
	for cursor := ""; ; {
		page := must(w.svc.Lines(w.ctx, w.finance, settlement.LinesQuery{StatementID: v.ID, Cursor: cursor, Limit: 700}))
		for _, line := range page.Items {
			got = append(got, line.Amount)
			if line.OrderID == "" || line.ProductName != "Server" {
				t.Fatalf("line %+v", line)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	var back []money.Amount
	for cursor := ""; ; {
		page := must(w.svc.Lines(w.ctx, w.finance, settlement.LinesQuery{StatementID: v.ID, Cursor: cursor, Limit: 999, Reverse: true}))
		for _, line := range page.Items {
			back = append(back, line.Amount)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	slices.Reverse(back)
	if diff := cmp.Diff(want, back); diff != "" {
		t.Errorf("lines from the end, turned round (-want +got):\n%s", diff)
	}
	if _, err := w.svc.Lines(w.ctx, w.finance, settlement.LinesQuery{StatementID: v.ID, Cursor: "!", Limit: 10}); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a wrong cursor: %v", err)
	}
	var out bytes.Buffer
	if err := w.svc.Export(w.ctx, w.finance, v.ID, &out); err != nil {
		t.Fatal(err)
	}
	book := must(excelize.OpenReader(&out))
	rows := must(book.GetRows("Lines"))
	if len(rows) != 2502 {
		t.Fatalf("%d rows, want a head, 2500 lines and a total", len(rows))
	}
	if diff := cmp.Diff([]string{"2026-03-01 16:00:00", "order-00001", "BUY", "Server", "period", "0.01", "0.00"}, rows[1][:7]); diff != "" {
		t.Errorf("first line (-want +got):\n%s", diff)
	}
	if total := rows[2501]; total[0] != "Total" || total[5] != "31262.50" {
		t.Errorf("totals row %v", total)
	}
	summary := must(book.GetRows("Summary"))
	if got := summary[10][1]; got != "31262.50" {
		t.Errorf("summary amount %q", got)
	}
}

func TestStatementOfBill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100)
	w.charge(pricing.SettlePeriod, 1000, 0)
	page := must(w.bills.List(w.ctx, w.finance, billing.Query{Side: billing.SideSeller, Limit: 10}))
	find := func() (found bool) {
		err := w.store.View(w.ctx, func(r store.Reader) (err error) {
			_, found, err = w.svc.StatementOfTx(r, page.Items[0])
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if find() {
		t.Error("an unsettled bill is in a statement")
	}
	w.clock.Advance(24 * time.Hour)
	w.run()
	if !find() {
		t.Error("a collected bill is in no statement")
	}
}

// TestBillsAreNeverLost plays random charges, days, runs, decisions and deaths:
// every bill is either unsettled or in exactly one statement that stands, and
// the sums agree.
func TestBillsAreNeverLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rapid.IntRange(1, 4).Draw(rt, "chunk"))
		w.template = rapid.SampledFrom([]string{"daily", "weekly:3"}).Draw(rt, "template")
		var total money.Amount
		count := 0
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0, 1, 2:
				amount := money.Amount(rapid.IntRange(1, 100000).Draw(rt, "amount"))
				w.charge(pricing.SettlePeriod, amount, 0)
				total += amount
				count++
			case 3:
				w.clock.Advance(time.Duration(rapid.IntRange(1, 80).Draw(rt, "hours")) * time.Hour)
			case 4:
				if w.runDying(rapid.IntRange(1, 6).Draw(rt, "death")) {
					w = w.restart()
				}
			case 5:
				for _, v := range w.statements(settlement.StateOpen) {
					must(w.svc.Refuse(w.ctx, w.finance, settlement.Decision{StatementID: v.ID}))
				}
			case 6:
				for _, v := range w.statements(settlement.StateOpen) {
					must(w.svc.Agree(w.ctx, w.finance, settlement.Decision{StatementID: v.ID}))
				}
			}
		}
		w.clock.Advance(14 * 24 * time.Hour)
		w.run()
		var sum money.Amount
		bills := 0
		for _, v := range w.statements("") {
			if v.State == settlement.StateRefused {
				continue
			}
			sum += v.Totals.Amount
			bills += int(v.Totals.Count)
		}
		if sum != total || bills != count || w.unsettled() != 0 {
			rt.Fatalf("%d bills of %d in statements, %d charged with %d, %d unsettled", bills, sum, count, total, w.unsettled())
		}
	})
}

// restart is the world of the next process over the same store.
func (w *world) restart() *world {
	next := *w
	next.fail = nil
	auth := must(access.New(access.Config{Directory: orgs{}}))
	next.svc = must(settlement.New(settlement.Config{
		Store: w.store, Clock: w.clock, Logger: discard(), Authority: auth, Calendars: &next, Ledger: w.ledger,
		Bills: w.bills, Jobs: jobs{}, Chunk: 3,
		Failpoint: func(name string) {
			if next.fail != nil {
				next.fail(name)
			}
		},
	}))
	return &next
}

// BenchmarkRun settles 100,000 bills of one pair.
func BenchmarkRun(b *testing.B) {
	const bills = 100_000
	for range b.N {
		b.StopTimer()
		w := newWorld(b, 5000)
		p := billing.Pair{RootID: seller, Seller: seller, Buyer: buyer, Currency: cny}
		for from := 0; from < bills; from += 10000 {
			err := w.store.Update(w.ctx, func(tx store.Tx) error {
				for i := range 10000 {
					e := billing.Entry{
						BillID: id.New(), Time: start.Add(time.Duration(from+i) * time.Millisecond),
						Operation: billing.OperationBuy, Settle: pricing.SettlePeriod, Amount: 1000, Commission: 10,
					}
					if err := billing.AddEntryTx(tx, p, e); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		w.clock.Advance(24 * time.Hour)
		b.StartTimer()
		if r := w.run(); r.Bills != bills {
			b.Fatalf("settled %d bills", r.Bills)
		}
	}
}
