package settlement

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
)

// A sheet of the file format has at most 1,048,576 rows; what does not fit goes
// on in another sheet.
const maxSheetRows = 1_000_000

// exportPage is how many lines one read transaction of an export covers, so
// that a slow reader of the file never keeps the store's pages alive.
const exportPage = 1000

// Export writes a statement as an XLSX workbook: a summary sheet and its lines
// with a row of totals. Amounts are exact decimal texts. Memory does not grow
// with the number of lines; rows beyond some megabytes go through a temporary
// file. Only a statement whose bills do not move can be exported.
func (s *Service) Export(ctx context.Context, c access.Caller, statementID string, w io.Writer) error {
	d, err := s.checked(ctx, c, access.StatementExport, statementID)
	if err != nil {
		return err
	}
	v := d.Value
	if v.State != StateOpen && v.State != StateSettled {
		return wrongState(&v, "exported")
	}
	f := excelize.NewFile()
	err = errors.Join(s.fill(ctx, f, v, w), f.Close())
	if err != nil {
		return fmt.Errorf("exporting statement %q: %w", statementID, err)
	}
	return nil
}

func (s *Service) fill(ctx context.Context, f *excelize.File, v Statement, w io.Writer) error {
	if err := f.SetSheetName("Sheet1", "Summary"); err != nil {
		return err
	}
	zone, err := time.LoadLocation(v.Zone)
	if err != nil {
		zone = time.UTC
	}
	if err := summarise(f, v, zone); err != nil {
		return err
	}
	book := &linesBook{file: f, statement: v, zone: zone}
	if err := s.eachLine(ctx, v.ID, book.add); err != nil {
		return err
	}
	if err := book.close(); err != nil {
		return err
	}
	return f.Write(w)
}

// eachLine reads all lines in pages of their own transactions. The lines of a
// statement that is open or settled do not change under it.
func (s *Service) eachLine(ctx context.Context, statementID string, fn func(DetailedLine) error) error {
	cursor, prefix := "", len(store.Key(statementID))
	for {
		var page Page[DetailedLine]
		err := s.cfg.Store.View(ctx, func(r store.Reader) error {
			span, err := LinesQuery{StatementID: statementID, Cursor: cursor}.span()
			if err != nil {
				return err
			}
			page, err = s.linePage(r, span, prefix, exportPage)
			return err
		})
		if err != nil {
			return err
		}
		for _, line := range page.Items {
			if err := fn(line); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		cursor = page.Next
	}
}

func summarise(f *excelize.File, v Statement, zone *time.Location) error {
	sheet, err := f.NewStreamWriter("Summary")
	if err != nil {
		return err
	}
	net, err := v.Totals.Net()
	if err != nil {
		return err
	}
	rows := [][2]any{
		{"Statement", v.ID}, {"Seller", v.Seller}, {"Buyer", v.Buyer}, {"Currency", string(v.Currency)},
		{"Template", v.Template}, {"Time zone", v.Zone}, {"From", v.From.In(zone).Format(time.RFC3339)},
		{"Due", v.Due.In(zone).Format(time.RFC3339)}, {"State", string(v.State)}, {"Bills", v.Totals.Count},
		{"Amount", v.Totals.Amount.Format(v.Currency)}, {"Commission", v.Totals.Commission.Format(v.Currency)},
		{"Paid when charged", v.Totals.RealtimeAmount.Format(v.Currency)},
		{"Refunds", v.Totals.RefundAmount.Format(v.Currency)}, {"Net to pay", net.Format(v.Currency)},
	}
	for i, r := range rows {
		if err := sheet.SetRow(fmt.Sprintf("A%d", i+1), []any{r[0], r[1]}); err != nil {
			return err
		}
	}
	return sheet.Flush()
}

// linesBook writes lines into as many sheets as they need.
type linesBook struct {
	file      *excelize.File
	statement Statement
	zone      *time.Location
	sheet     *excelize.StreamWriter
	sheets    int
	row       int
	cells     [8]any
}

func (b *linesBook) add(line DetailedLine) error {
	if b.sheet == nil || b.row > maxSheetRows {
		if err := b.open(); err != nil {
			return err
		}
	}
	c := b.statement.Currency
	return b.write(
		line.Time.In(b.zone).Format(time.DateTime), line.OrderID, line.Operation, line.ProductName, line.Settle,
		line.Amount.Format(c), line.Commission.Format(c), line.BillID,
	)
}

func (b *linesBook) open() error {
	if b.sheet != nil {
		if err := b.sheet.Flush(); err != nil {
			return err
		}
	}
	b.sheets++
	name := "Lines"
	if b.sheets > 1 {
		name = fmt.Sprintf("Lines %d", b.sheets)
	}
	if _, err := b.file.NewSheet(name); err != nil {
		return err
	}
	var err error
	if b.sheet, err = b.file.NewStreamWriter(name); err != nil {
		return err
	}
	b.row = 1
	return b.write("Date", "Order", "Operation", "Product", "Settled", "Amount", "Commission", "Bill")
}

func (b *linesBook) write(cells ...any) error {
	copy(b.cells[:], cells)
	if err := b.sheet.SetRow(fmt.Sprintf("A%d", b.row), b.cells[:len(cells)]); err != nil {
		return err
	}
	b.row++
	return nil
}

// close adds the totals below the last line.
func (b *linesBook) close() error {
	if b.sheet == nil {
		if err := b.open(); err != nil {
			return err
		}
	}
	t, c := b.statement.Totals, b.statement.Currency
	if err := b.write("Total", "", "", "", "", t.Amount.Format(c), t.Commission.Format(c), ""); err != nil {
		return err
	}
	return b.sheet.Flush()
}
