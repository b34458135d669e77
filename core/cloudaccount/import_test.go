package cloudaccount_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/core/cloudaccount"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

func day(m time.Month, d int) time.Time { return time.Date(2026, m, d, 0, 0, 0, 0, time.UTC) }

// lines are n lines from the first of January on, one a day.
func lines(n int) []contract.BillLine {
	out := make([]contract.BillLine, n)
	for i := range out {
		at := day(time.January, 1).AddDate(0, 0, i)
		out[i] = contract.BillLine{
			ID: fmt.Sprintf("l%04d", i), ChargePeriodStart: at, ChargePeriodEnd: at.AddDate(0, 0, 1), BillingCurrency: "CNY",
			BilledCost: "1.25", ResourceID: fmt.Sprintf("r%d", i%3), ChargeDescription: "a \"server\", by the day",
		}
	}
	return out
}

func imports(key string) cloudaccount.ImportInput {
	return cloudaccount.ImportInput{
		EnablementID: "e", Subject: cloudaccount.SubjectBillLines, From: day(time.January, 1), To: day(time.March, 15), IdempotencyKey: key,
	}
}

// all reads every imported line through the pages of the list.
func (w *world) all(t *testing.T) []cloudaccount.Line {
	t.Helper()
	var out []cloudaccount.Line
	in := cloudaccount.LinesInput{ListInput: cloudaccount.ListInput{EnablementID: "e", OldestFirst: true, Limit: 7}}
	for {
		p, err := w.Lines(t.Context(), boss, in)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p.Items...)
		if p.Next == "" {
			return out
		}
		in.Cursor = p.Next
	}
}

func TestAnImportReadsMonthByMonthAndNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cloud.lines = lines(70)
	im, err := w.Import(t.Context(), boss, imports("k1"))
	if err != nil || im.State != cloudaccount.ImportWaiting {
		t.Fatal(im, err)
	}
	again, err := w.Import(t.Context(), boss, imports("k1"))
	if err != nil || again.ID != im.ID || len(w.jobs) != 1 {
		t.Errorf("the same request: %v %v, %d jobs", again, err, len(w.jobs))
	}
	w.run(t, im.JobID)
	got, err := w.GetImport(t.Context(), boss, "e", im.ID)
	if err != nil || got.State != cloudaccount.ImportDone || got.Seen != 70 || got.Added != 70 || got.Changed != 0 || !got.Reached.Equal(im.To) {
		t.Errorf("the import ended as %+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"0101-0201", "0201-0301", "0301-0315"}, w.cloud.read); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
	w.cloud.lines[3].BilledCost = "1.26"
	second, err := w.Import(t.Context(), boss, imports("k2"))
	if err != nil {
		t.Fatal(err)
	}
	w.run(t, second.JobID)
	if got, _ := w.GetImport(t.Context(), boss, "e", second.ID); got.Added != 0 || got.Changed != 1 || got.Seen != 70 {
		t.Errorf("reading the time again: %+v", got)
	}
	if all := w.all(t); len(all) != 70 || all[3].BilledCost != "1.26" || all[3].ImportID != second.ID || all[4].ImportID != im.ID {
		t.Errorf("%d lines, the fourth %+v", len(all), all[3])
	}
}

func TestAnImportGoesOnAfterTheProcessDied(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"after_batch", "after_window"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.cloud.lines = lines(70)
			im, err := w.Import(t.Context(), boss, imports("k"))
			if err != nil {
				t.Fatal(err)
			}
			w.crash = point
			if !w.run(t, im.JobID) {
				t.Fatal("the process did not die")
			}
			w.run(t, im.JobID)
			got, err := w.GetImport(t.Context(), boss, "e", im.ID)
			if err != nil || got.State != cloudaccount.ImportDone || got.Added != 70 || got.Seen != 70 || len(w.all(t)) != 70 {
				t.Errorf("after the crash: %+v, %v, %d lines", got, err, len(w.all(t)))
			}
		})
	}
}

func TestAnImportThatCannotReadSaysWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cloud.lines = lines(3)
	w.cloud.fail = func(string) error { return fault.Throttled(time.Second, "too fast") }
	im, err := w.Import(t.Context(), boss, imports("k1"))
	if err != nil {
		t.Fatal(err)
	}
	w.run(t, im.JobID)
	got, _ := w.GetImport(t.Context(), boss, "e", im.ID)
	if got.State != cloudaccount.ImportRunning || got.Class != "throttled" || got.Tries != 1 {
		t.Errorf("what may pass: %+v", got)
	}
	w.cloud.fail = nil
	w.run(t, im.JobID)
	if got, _ = w.GetImport(t.Context(), boss, "e", im.ID); got.State != cloudaccount.ImportDone || got.Problem != "" || got.Added != 3 {
		t.Errorf("when it has passed: %+v", got)
	}
	w.cloud.lines[1].BilledCost = "1.2x"
	bad, err := w.Import(t.Context(), boss, imports("k2"))
	if err != nil {
		t.Fatal(err)
	}
	w.run(t, bad.JobID)
	if got, _ = w.GetImport(t.Context(), boss, "e", bad.ID); got.State != cloudaccount.ImportFailed || got.Class != "internal" || !w.ended[bad.JobID] {
		t.Errorf("a line that is no amount: %+v", got)
	}
}

func TestImportsAreOfTheAccountsOwnOrg(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	im, err := w.Import(t.Context(), boss, imports("k"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Import(t.Context(), stranger, imports("s")); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("another root: %v", err)
	}
	if _, err := w.Lines(t.Context(), operator, cloudaccount.LinesInput{ListInput: cloudaccount.ListInput{EnablementID: "e", Limit: 1}}); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("an org above reads the account's bill: %v", err)
	}
	if _, err := w.GetImport(t.Context(), boss, "e2", im.ID); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("by another enablement: %v", err)
	}
	w.shared = true
	if _, err := w.Import(t.Context(), boss, imports("k3")); !fault.Is(err, fault.ClassForbidden) {
		t.Errorf("with the seller's account: %v", err)
	}
	w.shared, w.without = false, contract.CapBillLines
	if _, err := w.Import(t.Context(), boss, imports("k4")); !fault.Is(err, fault.ClassUnsupported) {
		t.Errorf("a plugin without bills: %v", err)
	}
	for reason, in := range map[string]cloudaccount.ImportInput{
		"no time":       {EnablementID: "e", Subject: cloudaccount.SubjectBillLines, IdempotencyKey: "k"},
		"turned round":  {EnablementID: "e", Subject: cloudaccount.SubjectBillLines, From: day(3, 1), To: day(2, 1), IdempotencyKey: "k"},
		"too long":      {EnablementID: "e", Subject: cloudaccount.SubjectBillLines, From: day(1, 1), To: day(1, 1).AddDate(2, 0, 0), IdempotencyKey: "k"},
		"other subject": {EnablementID: "e", Subject: "usage", From: day(1, 1), To: day(2, 1), IdempotencyKey: "k"},
		"no key":        {EnablementID: "e", Subject: cloudaccount.SubjectBillLines, From: day(1, 1), To: day(2, 1)},
	} {
		if _, err := w.Import(t.Context(), boss, in); !fault.Is(err, fault.ClassInvalid) {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

func TestLinesAreChosenAndExported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cloud.lines = lines(1300)
	in := imports("k")
	in.To = day(time.January, 1).AddDate(0, 0, 400)
	im, err := w.Import(t.Context(), boss, in)
	if err != nil {
		t.Fatal(err)
	}
	w.run(t, im.JobID)
	q := cloudaccount.LinesInput{ListInput: cloudaccount.ListInput{EnablementID: "e", Limit: 100, From: day(2, 1), To: day(2, 10)}, ResourceID: "r1"}
	p, err := w.Lines(t.Context(), boss, q)
	if err != nil || len(p.Items) != 3 || slices.ContainsFunc(p.Items, func(l cloudaccount.Line) bool { return l.ResourceID != "r1" }) {
		t.Errorf("%d lines of one resource in nine days, %v", len(p.Items), err)
	}
	write, err := w.Export(t.Context(), boss, cloudaccount.LinesInput{ListInput: cloudaccount.ListInput{EnablementID: "e"}})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := write(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(table) != 401 || table[0][0] != "BillingAccountId" || table[1][11] != "1.25" || table[1][7] != "a \"server\", by the day" || table[400][15] != "l0399" {
		t.Errorf("%d rows, %v: %q", len(table), err, table[min(1, len(table)-1)])
	}
	if _, err := w.Export(t.Context(), stranger, cloudaccount.LinesInput{ListInput: cloudaccount.ListInput{EnablementID: "e"}}); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("exported by a stranger: %v", err)
	}
}
