package main

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradewind.example/plugins/cpcc/internal/price"
	"tradewind.example/plugins/cpcc/internal/widget"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func (w *world) quote(change provider.ChangeKind, spec, id string, term provider.Term) (provider.Quote, error) {
	return w.Quote(w.t.Context(), provider.QuoteRequest{
		Call: w.call(), Change: change, Kind: "workload", Spec: json.RawMessage(spec), ResourceID: id, Term: term,
	})
}

func prepaid(p provider.Period, n int) provider.Term {
	return provider.Term{Billing: provider.BillingPrepaid, Period: p, Periods: n, Quantity: 1}
}

func TestQuotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	three := prepaid(provider.PeriodHour, 1)
	three.Quantity = 3
	for name, tc := range map[string]struct {
		spec   string
		term   provider.Term
		list   string
		reason string
	}{
		"an hour":        {basketSpec, prepaid(provider.PeriodHour, 1), "64.08", "the reference's vector"},
		"two days":       {basketSpec, prepaid(provider.PeriodDay, 2), "3075.84", "48 × 64.08"},
		"a month":        {smallSpec, month(1), "2923.20", "720 × (1.5 + 2.56)"},
		"three of them":  {basketSpec, three, "192.24", "quantity is included"},
		"three replicas": {`{"replicas":3,` + smallSpec[1:], prepaid(provider.PeriodHour, 1), "12.18", "3 × 4.06"},
	} {
		q, err := w.quote(provider.ChangeCreate, tc.spec, "", tc.term)
		if err != nil || string(q.List) != tc.list || q.Currency != "CNY" {
			t.Errorf("%s: %s %s, %v; want %s: %s", name, q.List, q.Currency, err, tc.list, tc.reason)
		}
	}
}

func TestAQuoteTellsWhatHasNoPrice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	q, err := w.quote(provider.ChangeCreate, basketSpec, "", prepaid(provider.PeriodHour, 1))
	if err != nil || string(q.List) != "52.08" {
		t.Fatalf("%s, %v; want the good lines' 52.08", q.List, err)
	}
	if got := q.Lines[3].Problem; got != "gpu RTX5090-32G 库存不足 (库存: 1, 请求: 2)" {
		t.Errorf("the short line says %q", got)
	}
	_, err = w.quote(provider.ChangeCreate, smallSpec, "", prepaid(provider.PeriodYear, 1))
	want(t, "a year", err, fault.ClassInvalid)
	_, err = w.quote(provider.ChangeRelease, "", "x", month(1))
	want(t, "a release", err, fault.ClassUnsupported)
}

// buy sells a workload and follows it to its end.
func (w *world) buy(token, spec string) (provider.Operation, error) {
	c, err := w.Create(w.t.Context(), provider.CreateRequest{
		Call: w.call(), Token: token, Kind: "workload", Name: "web", Spec: json.RawMessage(spec), Term: month(1),
	})
	if err != nil {
		return provider.Operation{}, err
	}
	return w.Operation(w.t.Context(), provider.OperationRequest{Call: w.call(), ID: c.Operation})
}

func (w *world) consumed(typ price.Type) string {
	return string(state[widget.Widget](w, "widget", w.widgets[typ]).Consumed)
}

func TestTheLastCardIsSoldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	one := `{"image":"docker.io/ubuntu:22.04","parts":[{"type":"cpu","amount":1},{"type":"memory","amount":512},{"type":"gpu","model":"RTX5090-32G","amount":1}]}`
	var sold, short atomic.Int64
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			op, err := w.buy(fmt.Sprint("buyer ", i), one)
			switch {
			case err == nil && op.State == provider.OperationSucceeded:
				sold.Add(1)
			case fault.Is(err, fault.ClassOutOfStock):
				short.Add(1)
			default:
				t.Errorf("buyer %d: %+v, %v", i, op, err)
			}
		})
	}
	all.Wait()
	if sold.Load() != 1 || short.Load() != 63 || w.consumed(price.GPU) != "1" || w.consumed(price.CPU) != "1" {
		t.Errorf("%d sold, %d short, %s cards and %s cores taken", sold.Load(), short.Load(), w.consumed(price.GPU), w.consumed(price.CPU))
	}
}

func TestASaleFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	op, err := w.buy("one", basketSpec)
	if err != nil || op.State != provider.OperationSucceeded {
		t.Fatal(op, err)
	}
	if w.consumed(price.GPU) != "2" || w.consumed(price.Memory) != "8192" || w.consumed(price.CPU) != "4" || w.consumed(price.Disk) != "512" {
		t.Errorf("taken: %s cards, %s Mi", w.consumed(price.GPU), w.consumed(price.Memory))
	}
	id := op.Resource.ID
	renewal, err := w.quote(provider.ChangeRenew, "", id, prepaid(provider.PeriodHour, 1))
	if err != nil || string(renewal.List) != "64.08" {
		t.Errorf("the renewal costs %s, %v", renewal.List, err)
	}
	before := state[workload.Workload](w, "workload", id).Expires
	for range 2 {
		if _, err := w.Renew(t.Context(), provider.RenewRequest{Call: w.call(), Token: "again", Kind: "workload", ID: id, Term: month(2)}); err != nil {
			t.Fatal(err)
		}
	}
	if got := state[workload.Workload](w, "workload", id).Expires; !got.Equal(before.AddDate(0, 2, 0)) {
		t.Errorf("renewed from %s to %s", before, got)
	}
	for range 2 {
		if _, err := w.Delete(t.Context(), provider.DeleteRequest{Call: w.call(), Token: "gone", Kind: "workload", ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if w.consumed(price.GPU) != "0" || len(w.cluster.has) != 0 {
		t.Errorf("%s cards are still taken, %d run", w.consumed(price.GPU), len(w.cluster.has))
	}
}

func TestOfferings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.make("bundle", w.call(), `{"name":"GPU box","spec_note":"two cards","workload":`+basketSpec+`}`)
	list := func() map[string]provider.Offering {
		out := map[string]provider.Offering{}
		err := w.Offerings(t.Context(), provider.OfferingsRequest{Call: w.anywhere()}, func(o provider.Offering) error {
			out[o.Type] = o
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	all := list()
	custom, box := all[typeCustomised], all[typeCombination]
	if !custom.Sellable || custom.Region != w.centre || custom.Zone != w.on || custom.Attrs["in_stock"] != "true" {
		t.Errorf("customised: %+v", custom)
	}
	if box.Name != "GPU box" || box.Attrs["in_stock"] != "false" || !box.Sellable {
		t.Errorf("combination: %+v", box)
	}
	if op, err := w.buy("as it is", string(custom.Spec)); err != nil || op.State != provider.OperationSucceeded {
		t.Errorf("what is offered cannot be bought as it is: %+v, %v", op, err)
	}
	w.clock.Advance(24 * time.Hour)
	if _, err := w.Update(t.Context(), provider.UpdateRequest{
		Call: w.anywhere(), Token: "u", Kind: "centre", ID: w.centre,
		Spec: json.RawMessage(`{"name":"One","contact_name":"n","contact_phone":"000","enable_date":"2026-01-01","expire_date":"2026-06-10"}`),
	}); err != nil {
		t.Fatal(err)
	}
	if list()[typeCustomised].Sellable {
		t.Error("a centre sells after its last day")
	}
	_, err := w.buy("too late", smallSpec)
	want(t, "buying of a centre after its last day", err, fault.ClassPrecondition)
}

func TestPlacement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	place := func(spec string) provider.Placement {
		out, err := w.Place(t.Context(), provider.PlaceRequest{Call: w.call(), Kind: "workload", Spec: json.RawMessage(spec), Term: month(1)})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := place(basketSpec); !got.OK {
		t.Errorf("two cards: %+v", got)
	}
	three := `{"image":"docker.io/ubuntu:22.04","parts":[{"type":"cpu","amount":1},{"type":"memory","amount":1},{"type":"gpu","model":"RTX5090-32G","amount":3}]}`
	if got := place(three); got.OK || got.Reason != "no node has 3 cards free" {
		t.Errorf("three cards on one node: %+v", got)
	}
	if got := place(`{"replicas":9,` + three[1:]); got.OK || got.Reason != "gpu RTX5090-32G 库存不足 (库存: 8, 请求: 27)" {
		t.Errorf("more than the stock: %+v", got)
	}
	input := `{"products":[{"product_id":"two","parts":[{"type":"gpu","model":"RTX5090-32G","amount":2}]},{"product_id":"three","parts":[{"type":"gpu","model":"RTX5090-32G","amount":3}]},{"product_id":"nine","parts":[{"type":"gpu","model":"RTX5090-32G","amount":9}]}]}`
	if got := w.read("cluster", w.on, "accommodate", input); got != `{"product_ids":["three","nine"],"reason":"dynamic"}` {
		t.Errorf("on live nodes: %s", got)
	}
	w.cluster.set(func() { w.cluster.noNodes = true })
	if got := w.read("cluster", w.on, "accommodate", input); got != `{"product_ids":["nine"],"reason":"static"}` {
		t.Errorf("by stock alone: %s", got)
	}
}

// read performs an action and returns its output.
func (w *world) read(kind, id, action, input string) string {
	w.t.Helper()
	c, err := w.Act(w.t.Context(), provider.ActionRequest{Call: w.anywhere(), Token: action + input, Kind: kind, ID: id, Action: action, Input: json.RawMessage(input)})
	if err != nil {
		w.t.Fatalf("%s of %s: %v", action, kind, err)
	}
	return string(c.Output)
}

func TestTheCentrePricesPartly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	got := w.read("centre", w.centre, "price", `{"parts":[{"type":"cpu","amount":4},{"type":"memory","amount":8192},{"type":"disk","amount":512},{"type":"gpu","model":"RTX1","amount":2}],"duration":1}`)
	const want = `{"total_price":"52.08","currency":"元","price_details":[` +
		`{"resource_name":"cpu STANDARD","resource_type":"cpu","amount":4,"resource_unit":"核","priced_unit":"核","unit_price":"1.5","duration":1,"duration_unit":"小时","subtotal":"6.00"},` +
		`{"resource_name":"memory STANDARD","resource_type":"memory","amount":8192,"resource_unit":"Mi","priced_unit":"Mi","unit_price":"0.005","duration":1,"duration_unit":"小时","subtotal":"40.96"},` +
		`{"resource_name":"disk DATA","resource_type":"disk","amount":512,"resource_unit":"Gi","priced_unit":"Gi","unit_price":"0.01","duration":1,"duration_unit":"小时","subtotal":"5.12"},` +
		`{"resource_type":"gpu","error":"无效的 gpu 部件型号: RTX1"}],"status":false,"message":"无效的 gpu 部件型号: RTX1","duration":1,"duration_unit":"小时"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := w.read("centre", w.centre, "cards", `{}`); got != `{"cards":{"RTX5090-32G":8}}` {
		t.Errorf("cards: %s", got)
	}
}

func TestActionsOfAWorkload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	op, err := w.buy("one", `{"replicas":2,"auth_user":"ops",`+smallSpec[1:])
	if err != nil {
		t.Fatal(err)
	}
	id := op.Resource.ID
	if got := w.read("workload", id, "logs", `{"tail_lines":7}`); got != `{"text":"web 7\n"}` {
		t.Errorf("logs: %s", got)
	}
	if got := w.read("workload", id, "exec", `{"command":["cat"],"stdin":"in"}`); got != `{"stdout":"catin","stderr":"","code":3}` {
		t.Errorf("exec: %s", got)
	}
	if got := w.read("workload", id, "events", `{}`); got != `{"events":[]}` {
		t.Errorf("events: %s", got)
	}
	var opens struct{ User, Password string }
	if err := json.Unmarshal([]byte(w.read("workload", id, "credentials", `{}`)), &opens); err != nil || opens.User != "ops" || len(opens.Password) < 16 {
		t.Errorf("credentials of %d characters for %q, %v", len(opens.Password), opens.User, err)
	}
	w.read("workload", id, "stop", `{}`)
	if got := w.cluster.has[id].Replicas; got != 0 {
		t.Errorf("%d replicas of a stopped workload", got)
	}
	w.read("workload", id, "scale", `{"replicas":2}`)
	if got := w.cluster.has[id].Replicas; got != 2 {
		t.Errorf("%d replicas", got)
	}
}
