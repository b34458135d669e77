package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/audit"
	"tradewind.example/core/billing"
	"tradewind.example/core/id"
	"tradewind.example/core/job"
	"tradewind.example/core/money"
	"tradewind.example/core/settledate"
	"tradewind.example/core/store"
	"tradewind.example/sdk/fault"
)

const lines store.Bucket = "statement/line" // Key(statement id, time, bill id) -> billing entry

func shelf(statementID string) billing.Shelf {
	return billing.Shelf{Bucket: lines, Prefix: store.Key(statementID)}
}

// Run opens every statement that is due at now and finishes what an earlier run
// left unfinished. It may be stopped or crash at any point and be run again:
// each bill ends in at most one statement that is not refused.
func (s *Service) Run(ctx context.Context, now time.Time) (Report, error) { return s.run(ctx, now, "") }

// RunNow is Run for one seller, by a person of its keeper.
func (s *Service) RunNow(ctx context.Context, c access.Caller, seller string) (Report, error) {
	if seller == "" {
		seller = c.OrgID
	}
	err := s.cfg.Store.View(ctx, func(r store.Reader) (err error) {
		keeper := seller
		if s.cfg.Keeper != nil {
			if keeper, err = s.cfg.Keeper(r, seller); err != nil {
				return err
			}
		}
		err = s.cfg.Authority.Check(r, c, access.StatementRun, access.Target{OrgID: keeper, Thing: "statement"})
		if keeper != seller && fault.Is(err, fault.ClassNotFound) {
			return fault.NotFound("org", seller) // without the keeper's id, like an org that is not there
		}
		return err
	})
	if err != nil {
		return Report{}, err
	}
	return s.run(ctx, s.cfg.Clock.Now(), seller)
}

func (s *Service) run(ctx context.Context, now time.Time, seller string) (Report, error) {
	var report Report
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return report, fault.Unavailable("another settlement run is at work: try again later").With(ctx.Err())
	}
	// What is wrong with one pair must not keep the others from being settled.
	stuck, failed, err := s.resume(ctx, seller, &report)
	if err != nil {
		return report, err
	}
	pairs, err := s.pairs(ctx, seller)
	if err != nil {
		return report, errors.Join(append(failed, fmt.Errorf("listing the pairs with bills: %w", err))...)
	}
	for _, p := range pairs {
		if stuck[p] { // its bills belong to the statement that could not be finished
			continue
		}
		if err := s.settlePair(ctx, p, now, &report); err != nil {
			failed = append(failed, fmt.Errorf("collecting the bills of seller %q and buyer %q: %w", p.Seller, p.Buyer, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return report, errors.Join(failed...)
}

// pairs returns the pairs that have unsettled bills, or bills that cannot be read.
func (s *Service) pairs(ctx context.Context, seller string) ([]billing.Pair, error) {
	var out []billing.Pair
	err := s.cfg.Store.View(ctx, func(r store.Reader) error {
		out = nil
		return billing.EachPair(r, seller, func(p billing.Pair) error {
			_, found, err := billing.Oldest(r, p)
			if found || err != nil { // settling it tells what is wrong
				out = append(out, p)
			}
			return nil
		})
	})
	return out, err
}

// resume goes on with the statements whose bills are on the move. It returns
// the pairs of those that it could not finish, and why.
func (s *Service) resume(ctx context.Context, seller string, report *Report) (stuck map[billing.Pair]bool, failed []error, err error) {
	var open []Statement
	err = s.cfg.Store.View(ctx, func(r store.Reader) error {
		open = nil
		return s.statements.Each(r, store.Query{Index: "work", Limit: store.NoLimit}, func(d store.Doc[Statement]) error {
			if seller == "" || d.Value.Seller == seller {
				open = append(open, d.Value)
			}
			return nil
		})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("looking for unfinished statements: %w", err)
	}
	stuck = map[billing.Pair]bool{}
	for _, v := range open {
		if err := s.finish(ctx, v, report); err != nil {
			stuck[v.pair()] = true
			failed = append(failed, err)
		}
	}
	return stuck, failed, nil
}

func (s *Service) finish(ctx context.Context, v Statement, report *Report) error {
	if v.Returning {
		return s.giveBack(ctx, v.ID, report)
	}
	return s.collect(ctx, v.ID, report)
}

// settlePair opens one statement for each due period that has bills.
func (s *Service) settlePair(ctx context.Context, p billing.Pair, now time.Time, report *Report) error {
	for {
		statementID, due, err := s.begin(ctx, p, now)
		if err != nil || !due {
			return err
		}
		s.reached("begun")
		if err := s.collect(ctx, statementID, report); err != nil {
			return err
		}
	}
}

// begin stores the statement of the earliest period that is due and has bills.
func (s *Service) begin(ctx context.Context, p billing.Pair, now time.Time) (statementID string, due bool, err error) {
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		statementID, due = "", false
		v, found, err := s.next(tx, p, now)
		if err != nil || !found {
			return err
		}
		if _, err := s.statements.Insert(tx, v); err != nil {
			return err
		}
		statementID, due = v.ID, true
		return nil
	})
	return statementID, due, err
}

// next works out the pair's earliest due period. What comes late for a period
// that is closed goes into the next one.
func (s *Service) next(r store.Reader, p billing.Pair, now time.Time) (Statement, bool, error) {
	oldest, found, err := billing.Oldest(r, p)
	if err != nil || !found {
		return Statement{}, false, err
	}
	closed, err := s.closedUntil(r, p)
	if err != nil {
		return Statement{}, false, err
	}
	from := oldest
	if closed.After(from) {
		from = closed
	}
	text, zoneName, err := s.cfg.Calendars.CalendarTx(r, p.Seller, p.Buyer, from)
	if err != nil {
		return Statement{}, false, fmt.Errorf("reading the calendar of seller %q: %w", p.Seller, err)
	}
	if text == "" {
		text = settledate.Default
	}
	template, err := settledate.Parse(text)
	if err != nil {
		return Statement{}, false, err
	}
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return Statement{}, false, fault.Precondition("time zone %q of org %q is not known", zoneName, p.Seller)
	}
	due := template.Next(from, zone)
	if due.Add(s.cfg.Grace).After(now) {
		return Statement{}, false, nil
	}
	at := s.cfg.Clock.Now()
	v := Statement{
		ID: id.New(), RootID: p.RootID, Seller: p.Seller, Buyer: p.Buyer, Currency: p.Currency,
		Template: template.String(), Zone: zone.String(), From: template.Previous(from, zone), Due: due, Created: at,
	}
	if closed.After(v.From) {
		v.From = closed
	}
	v.move(StateCollecting, at, "system", "")
	return v, true, nil
}

// closedUntil is the latest due instant of the pair's statements that stand.
func (s *Service) closedUntil(r store.Reader, p billing.Pair) (time.Time, error) {
	var closed time.Time
	q := store.Query{Index: "pair", Prefix: store.Key(p.Seller, p.Buyer, p.Currency), Reverse: true, Limit: 1}
	err := s.statements.Each(r, q, func(d store.Doc[Statement]) error {
		closed = d.Value.Due
		return nil
	})
	return closed, err
}

// collect moves the statement's bills, a chunk in each transaction, and opens
// the statement with the last one. The rows still to be moved are the cursor.
func (s *Service) collect(ctx context.Context, statementID string, report *Report) error {
	for {
		var moved int
		var open bool
		err := s.cfg.Store.Update(ctx, func(tx store.Tx) (err error) {
			moved, open, err = s.collectChunk(tx, statementID)
			return err
		})
		if err != nil {
			return fmt.Errorf("collecting statement %q: %w", statementID, err)
		}
		report.Bills += int64(moved)
		s.reached("chunk")
		if open {
			report.Opened = append(report.Opened, statementID)
			return nil
		}
	}
}

func (s *Service) collectChunk(tx store.Tx, statementID string) (moved int, open bool, err error) {
	d, err := s.statements.Get(tx, statementID)
	if err != nil {
		return 0, false, err
	}
	v := d.Value
	if v.State != StateCollecting {
		return 0, true, nil
	}
	moved, err = billing.CollectTx(tx, v.pair(), v.Due, s.cfg.Chunk, shelf(v.ID), v.Totals.add)
	if err != nil {
		return 0, false, err
	}
	v.Updated = s.cfg.Clock.Now()
	if open = moved < s.cfg.Chunk; open {
		v.move(StateOpen, v.Updated, "system", "")
		if err := s.record(tx, v, "system", "", access.StatementRun); err != nil {
			return 0, false, err
		}
	}
	_, err = s.statements.Update(tx, v, d.Rev)
	return moved, open, err
}

func (v *Statement) pair() billing.Pair {
	return billing.Pair{RootID: v.RootID, Seller: v.Seller, Buyer: v.Buyer, Currency: v.Currency}
}

// add counts one bill in.
func (t *Totals) add(e billing.Entry) error {
	amount, commission := &t.PeriodAmount, &t.PeriodCommission
	if e.Settle == "realtime" {
		amount, commission = &t.RealtimeAmount, &t.RealtimeCommission
	}
	t.Count++
	sums := []sum{{&t.Amount, e.Amount}, {&t.Commission, e.Commission}, {amount, e.Amount}, {commission, e.Commission}}
	if e.Operation == billing.OperationRefund {
		t.Refunds++
		sums = append(sums, sum{&t.RefundAmount, e.Amount})
	}
	for _, x := range sums {
		var err error
		if *x.to, err = x.to.Add(x.by); err != nil {
			return err
		}
	}
	return nil
}

type sum struct {
	to *money.Amount
	by money.Amount
}

// giveBack moves a refused statement's bills back, a chunk in each transaction.
func (s *Service) giveBack(ctx context.Context, statementID string, report *Report) error {
	for {
		done := false
		err := s.cfg.Store.Update(ctx, func(tx store.Tx) (err error) {
			done, err = s.giveBackChunk(tx, statementID)
			return err
		})
		if err != nil {
			return fmt.Errorf("giving the bills of statement %q back: %w", statementID, err)
		}
		s.reached("chunk")
		if done {
			report.Returned = append(report.Returned, statementID)
			return nil
		}
	}
}

func (s *Service) giveBackChunk(tx store.Tx, statementID string) (bool, error) {
	d, err := s.statements.Get(tx, statementID)
	if err != nil || !d.Value.Returning {
		return true, err
	}
	v := d.Value
	moved, err := billing.ReturnTx(tx, v.pair(), s.cfg.Chunk, shelf(v.ID))
	if err != nil || moved == s.cfg.Chunk {
		return false, err
	}
	v.Returning, v.Updated = false, s.cfg.Clock.Now()
	_, err = s.statements.Update(tx, v, d.Rev)
	return true, err
}

// ReturnJobKind is the kind of the jobs that give the bills of refused
// statements back; register [Service.ReturnJob] for it.
const ReturnJobKind = "settlement.return"

// ReturnJob is the handler of [ReturnJobKind] jobs.
func (s *Service) ReturnJob(ctx context.Context, j job.Job) error {
	return s.giveBack(ctx, j.Ref, &Report{})
}

// record writes down a change of state and tells of it.
func (s *Service) record(tx store.Tx, v Statement, actor, requestID string, right access.Right) error {
	after := map[string]string{
		"seller": v.Seller, "buyer": v.Buyer, "state": string(v.State), "due": v.Due.Format(time.RFC3339),
		"amount":     v.Totals.Amount.Format(v.Currency) + " " + string(v.Currency),
		"commission": v.Totals.Commission.Format(v.Currency), "count": fmt.Sprint(v.Totals.Count),
	}
	err := audit.Append(tx, audit.Record{
		Time: v.Updated, Actor: actor, Org: v.Seller, Root: v.RootID, Action: string(right),
		Thing: "statement", ID: v.ID, After: after, RequestID: requestID,
	})
	if err != nil || s.cfg.Events == nil {
		return err
	}
	return s.cfg.Events.Append(tx, v.State.topic(), v.ID, nil)
}
