package e2e

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// nextMonth moves the broker's clock past the due instant of every bill.
const nextMonth = 32 * 24 * time.Hour

type statementRow struct {
	ID, Seller, State string
	Count             int64
	reader            *client // one of its two parties
}

// settlement kills brokers between the transactions of a settlement run and of
// the return of a refused statement's bills. In the end each bill is in one
// statement and the books still hold.
func (k *killer) settlement(t *testing.T) {
	w := k.w
	w.faults()
	w.offset = nextMonth
	before, killed := time.Now(), k.brokers
	for _, point := range []string{"begun:1", "chunk:1", "begun:2", "chunk:2", "begun:1", "chunk:1", "chunk:3"} {
		k.settleUntilDead(t, point)
	}
	w.startSignedIn(t)
	bills := w.billIDs(t)
	w.runSettlement(t)
	first := w.statements(t)
	w.eachBillOnce(t, bills, first)

	refused := first[slices.IndexFunc(first, func(s statementRow) bool { return s.Seller == w.sub.org })]
	w.decide(t, refused, "refuse")
	w.broker.kill()
	k.settleUntilDead(t, "chunk:1")
	w.startSignedIn(t)
	w.runSettlement(t)
	again := w.statements(t)
	if slices.ContainsFunc(again, func(s statementRow) bool { return s.ID == refused.ID }) {
		t.Errorf("the refused statement %q still stands", refused.ID)
	}
	w.eachBillOnce(t, bills, again)
	for _, s := range again {
		w.decide(t, s, "agree")
	}
	w.settled = true
	if err := w.check(t.Context(), k.shop); err != nil {
		t.Fatalf("after the settlement: %v", err)
	}
	w.broker.kill()
	if err := w.verifyStopped(0); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d brokers killed in the middle of a settlement in %v: %d bills in %d statements", k.brokers-killed, time.Since(before).Round(time.Second), len(bills), len(again))
}

// settleUntilDead starts a broker that dies at a step of a settlement, and asks
// for a settlement in case the schedule has not.
func (k *killer) settleUntilDead(t *testing.T, point string) {
	t.Helper()
	p := k.w.launch(point)
	err := k.w.serving(p)
	if err == nil {
		err = k.w.signIn(t)
	}
	if err == nil {
		_, err = k.w.settle(t)
	}
	// The refusal's job, or the schedule, may still be on its way to the step.
	died := p.over(2 * time.Second)
	if err != nil && !errors.Is(err, errEnded) && statusOf(err) != 0 {
		t.Fatal(err)
	}
	if died && !p.killed() {
		t.Fatalf("the broker ended by itself, failpoint %q: %v", point, p.ended)
	}
	p.kill()
	k.brokers++
	if died {
		k.hits[point]++
	}
}

func (w *world) sellers() []*client { return []*client{w.operator, w.reseller, w.sub} }

// signIn signs everybody in again: their sessions ended with the month.
func (w *world) signIn(t *testing.T) error {
	t.Helper()
	for _, who := range w.everybody() {
		if err := who.signIn(t.Context()); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) startSignedIn(t *testing.T) {
	t.Helper()
	w.start()
	w.must(w.signIn(t))
}

// runSettlement settles twice: the second time changes nothing.
func (w *world) runSettlement(t *testing.T) {
	t.Helper()
	for i := range 2 {
		opened, err := w.settle(t)
		w.must(err)
		if i > 0 && len(opened) > 0 {
			t.Errorf("a second run opened %v", opened)
		}
	}
}

// settle asks for the statements of every seller; the provider, who has nobody
// to ask, is left to the schedule.
func (w *world) settle(t *testing.T) (opened []string, err error) {
	t.Helper()
	for _, seller := range w.sellers() {
		var report struct{ Opened []string }
		if err := seller.post(t.Context(), "/v1/statements/run", "", map[string]string{}, &report); err != nil {
			return opened, err
		}
		opened = append(opened, report.Opened...)
	}
	return opened, nil
}

// statements waits for the schedule and returns those that stand, of all pairs.
func (w *world) statements(t *testing.T) []statementRow {
	t.Helper()
	var out []statementRow
	w.must(wait(30*time.Second, func() (bool, error) {
		out = w.standing(t)
		return slices.ContainsFunc(out, func(s statementRow) bool { return s.Seller == w.providerOrg && s.State == "open" }), nil
	}))
	return out
}

func (w *world) standing(t *testing.T) []statementRow {
	t.Helper()
	var out []statementRow
	for _, who := range w.sellers() {
		rows, err := list[statementRow](t.Context(), who, "/v1/statements")
		w.must(err)
		for _, s := range rows {
			known := slices.ContainsFunc(out, func(o statementRow) bool { return o.ID == s.ID })
			s.reader = who
			if !known && s.State != "refused" {
				out = append(out, s)
			}
		}
	}
	return out
}

// billIDs returns the bills of all pairs.
func (w *world) billIDs(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, who := range append(w.sellers(), w.viewer) {
		rows, err := list[billRow](t.Context(), who, "/v1/bills?side=seller")
		w.must(err)
		for _, b := range rows {
			out[b.ID] = true
		}
	}
	return out
}

// eachBillOnce compares the lines of the statements with the bills.
func (w *world) eachBillOnce(t *testing.T, bills map[string]bool, statements []statementRow) {
	t.Helper()
	in := map[string]string{}
	for _, s := range statements {
		if s.State != "open" {
			t.Errorf("statement %q is %s, want it open", s.ID, s.State)
		}
		lines, err := list[struct {
			BillID string `json:"bill_id"`
		}](t.Context(), s.reader, "/v1/statements/"+s.ID+"/lines")
		w.must(err)
		for _, l := range lines {
			if other, twice := in[l.BillID]; twice {
				t.Errorf("bill %q is in statements %q and %q", l.BillID, other, s.ID)
			}
			in[l.BillID] = s.ID
		}
		if int64(len(lines)) != s.Count {
			t.Errorf("statement %q has %d lines and says %d", s.ID, len(lines), s.Count)
		}
	}
	for id := range bills {
		if in[id] == "" {
			t.Errorf("bill %q is in no statement", id)
		}
	}
	if len(in) != len(bills) {
		t.Errorf("%d bills exist, %d are in statements", len(bills), len(in))
	}
}

// decide agrees to a statement or refuses it, as whoever may.
func (w *world) decide(t *testing.T, s statementRow, word string) {
	t.Helper()
	var err error
	for _, who := range append(w.sellers(), w.viewer) {
		err = who.post(t.Context(), "/v1/statements/"+s.ID+"/"+word, word+"-"+s.ID, map[string]string{"note": "checked"}, nil)
		if err == nil {
			return
		}
	}
	t.Fatalf("nobody may %s statement %q of seller %q: %v", word, s.ID, s.Seller, err)
}
