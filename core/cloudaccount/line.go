package cloudaccount

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/paging"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// Line is one line of the cloud's bill, kept under the cloud's id of it.
type Line struct {
	EnablementID string
	contract.BillLine
	ImportID string    // the import that told it as it is
	Imported time.Time // when that was
}

func newLines() *store.Collection[Line] {
	return store.NewCollection("account_bill_line", func(v *Line) string { return rowID(v.EnablementID, v.ID) },
		store.Index[Line]{Name: "start", Keys: func(v *Line) [][]byte {
			return [][]byte{store.Key(v.EnablementID, v.ChargePeriodStart)}
		}})
}

// rowID is where a thing of the cloud is kept: its ids are unique within an
// account only.
func rowID(enablementID, vendorID string) string { return enablementID + "/" + vendorID }

func (s *Service) putLine(tx store.Tx, w *importing, v contract.BillLine) (stored, error) {
	if err := goodLine(&v); err != nil {
		return unchanged, err
	}
	v.ChargePeriodStart, v.ChargePeriodEnd = v.ChargePeriodStart.UTC(), v.ChargePeriodEnd.UTC()
	row := Line{EnablementID: w.v.EnablementID, BillLine: v, ImportID: w.v.ID, Imported: s.cfg.Clock.Now()}
	return put(tx, s.lines, row, rowID(w.v.EnablementID, v.ID), func(d *Line) any { return d.BillLine })
}

// goodLine holds a line of the plugin to what a line must have.
func goodLine(v *contract.BillLine) error {
	if v.ID == "" || len(v.ID) > MaxID {
		return fault.Internal(nil, "the plugin tells a bill line whose id has not 1 to %d bytes", MaxID).From(fault.SourcePlugin)
	}
	for _, d := range []contract.Decimal{v.BilledCost, v.EffectiveCost, v.ListCost} {
		if err := exact(d); err != nil {
			return fmt.Errorf("reading bill line %q: %w", v.ID, err)
		}
	}
	return nil
}

// put stores a row of the cloud unless it is stored as it is.
func put[T any](tx store.Tx, c *store.Collection[T], row T, rowID string, said func(*T) any) (stored, error) {
	old, found, err := c.Find(tx, rowID)
	if err != nil {
		return unchanged, err
	}
	if !found {
		_, err := c.Insert(tx, row)
		return added, err
	}
	same, err := alike(said(&old.Value), said(&row))
	if err != nil || same {
		return unchanged, err
	}
	_, err = c.Update(tx, row, old.Rev)
	return changed, err
}

// alike compares two values as they are stored.
func alike(a, b any) (bool, error) {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return bytes.Equal(x, y), errors.Join(errX, errY)
}

// LinesInput chooses bill lines by the start of what they charge for.
type LinesInput struct {
	ListInput
	ResourceID   string // the cloud's
	SubAccountID string
	VendorOrder  string
}

func (in *LinesInput) admits(v *Line) bool {
	switch {
	case in.ResourceID != "" && v.ResourceID != in.ResourceID:
		return false
	case in.SubAccountID != "" && v.SubAccountID != in.SubAccountID:
		return false
	}
	return in.VendorOrder == "" || v.VendorOrder == in.VendorOrder
}

// Lines returns one page of the bill lines that were imported.
func (s *Service) Lines(ctx context.Context, c access.Caller, in LinesInput) (Page[Line], error) {
	return list(ctx, s, c, s.lines, in.ListInput, in.query("start"), in.admits)
}

// pageOf reads a page of documents that keep admits; nil admits all.
func pageOf[T any](r store.Reader, of *store.Collection[T], q store.Query, keep func(*T) bool) (Page[T], error) {
	if keep == nil {
		keep = func(*T) bool { return true }
	}
	page, err := paging.Where(r, of, q, keep)
	if err != nil {
		return Page[T]{}, err
	}
	out := Page[T]{Items: make([]T, 0, len(page.Items)), Next: page.Next}
	for _, d := range page.Items {
		out.Items = append(out.Items, d.Value)
	}
	return out, nil
}

// exportPage is how many lines one read transaction of an export covers, so
// that a slow reader never keeps the store's pages alive.
const exportPage = 1000

// Export returns a function that writes the chosen bill lines as CSV, oldest
// first, with columns named after FOCUS. Rights are checked now; memory does not
// grow with the number of lines.
func (s *Service) Export(ctx context.Context, c access.Caller, in LinesInput) (func(ctx context.Context, w io.Writer) error, error) {
	if _, err := s.own(ctx, c, access.AccountRead, in.EnablementID); err != nil {
		return nil, err
	}
	in.Cursor, in.Limit, in.OldestFirst = "", exportPage, true
	return func(ctx context.Context, w io.Writer) error {
		out := csv.NewWriter(w)
		if err := out.Write(columns()); err != nil {
			return err
		}
		if err := s.eachLine(ctx, in, func(v *Line) error { return out.Write(cells(v)) }); err != nil {
			return fmt.Errorf("exporting bill lines of enablement %q: %w", in.EnablementID, err)
		}
		out.Flush()
		return out.Error()
	}, nil
}

// eachLine reads the chosen lines in pages of their own transactions.
func (s *Service) eachLine(ctx context.Context, in LinesInput, fn func(*Line) error) error {
	for {
		var page Page[Line]
		err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
			page, err = pageOf(r, s.lines, in.query("start"), in.admits)
			return err
		})
		if err != nil {
			return err
		}
		for i := range page.Items {
			if err := fn(&page.Items[i]); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		in.Cursor = page.Next
	}
}

// columns are the names of FOCUS; what it has no column for begins with x_.
func columns() []string {
	return []string{
		"BillingAccountId", "SubAccountId", "ResourceId", "ResourceType", "ServiceName", "RegionId", "ChargeCategory", "ChargeDescription",
		"ChargePeriodStart", "ChargePeriodEnd", "BillingCurrency", "BilledCost", "EffectiveCost", "ListCost", "Tags", "x_LineId", "x_VendorOrder",
	}
}

func cells(v *Line) []string {
	tags := ""
	if raw, err := json.Marshal(v.Tags); err == nil && len(v.Tags) > 0 {
		tags = string(raw)
	}
	return []string{
		v.BillingAccountID, v.SubAccountID, v.ResourceID, v.ResourceType, v.ServiceName, v.RegionID, v.ChargeCategory, v.ChargeDescription,
		instant(v.ChargePeriodStart), instant(v.ChargePeriodEnd), v.BillingCurrency, string(v.BilledCost), string(v.EffectiveCost), string(v.ListCost),
		tags, v.ID, v.VendorOrder,
	}
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
