package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tradewind.example/core/access"
	"tradewind.example/core/billing"
	"tradewind.example/core/id"
	"tradewind.example/core/job"
	"tradewind.example/core/ledger"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/settlement"
	"tradewind.example/core/store"
	"tradewind.example/core/store/bolt"
	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
)

// settled is what the child process that settles tells.
type settled struct {
	Seconds    float64 `json:"seconds"`
	PeakMB     float64 `json:"peak_mb"`
	Bills      int64   `json:"bills"`
	Statements int     `json:"statements"`
}

// settlement settles a month of bills in a process of its own.
func (b *bench) settlement(ctx context.Context) error {
	b.say("settling %d bills of %d pairs", b.bills, pairsSettled)
	path, err := filepath.Abs(filepath.Join(b.work, "settle.db"))
	if err != nil {
		return err
	}
	var seconds, peak []float64
	for i := range min(b.rounds, 3) {
		out, err := b.settleRound(ctx, path+strconv.Itoa(i))
		if err != nil {
			return err
		}
		seconds, peak = append(seconds, out.Seconds), append(peak, out.PeakMB)
	}
	var fast *target
	if !b.quick { // the time is for a million
		t := atMost(15)
		fast = &t
	}
	small := atMost(400)
	f := b.report.add(figure{Name: "settlement", What: fmt.Sprintf("statements of %d bills of %d pairs", b.bills, pairsSettled), Unit: "s"}, seconds, nil, fast)
	b.report.add(figure{Name: "settlement memory", What: "most resident memory of that process, pages of the store included", Unit: "MB"}, peak, nil, &small)
	b.say("%g s", f.Value)
	return nil
}

func (b *bench) settleRound(ctx context.Context, path string) (out settled, err error) {
	if err := fillBills(ctx, path, b.bills); err != nil {
		return out, fmt.Errorf("writing the bills: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	self, err := os.Executable()
	if err != nil {
		return out, err
	}
	p, err := launch(path+".log", self, "settle", path)
	if err != nil {
		return out, err
	}
	line, err := p.await(ctx, "settled ")
	if err != nil {
		return out, err
	}
	if err := errors.Join(json.Unmarshal([]byte(line), &out), p.stop()); err != nil {
		return out, err
	}
	if out.Bills != int64(b.bills) || out.Statements != pairsSettled {
		return out, fmt.Errorf("settled %d bills in %d statements", out.Bills, out.Statements)
	}
	return out, nil
}

const (
	pairsSettled = 100
	operatorOrg  = "operator"
)

var march = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func pairNo(n int) billing.Pair {
	return billing.Pair{RootID: operatorOrg, Seller: operatorOrg, Buyer: fmt.Sprintf("buyer-%03d", n), Currency: money.CNY}
}

// fillBills stores the unsettled entries of bills, as charging writes them, in
// the order of time.
func fillBills(ctx context.Context, path string, bills int) (err error) {
	db, err := bolt.Open(bolt.Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	const chunk = 50_000
	for from := 0; from < bills; from += chunk {
		err := db.Update(ctx, func(tx store.Tx) error {
			for n := from; n < min(from+chunk, bills); n++ {
				e := billing.Entry{
					BillID: id.New(), Time: march.Add(time.Duration(n) * time.Second), Operation: billing.OperationBuy,
					Settle: pricing.SettlePeriod, Amount: 12_345, Commission: 10,
				}
				if err := billing.AddEntryTx(tx, pairNo(n%pairsSettled), e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settleCommand settles what lies in a store and tells how long it took and how
// much memory the process had at most.
func settleCommand() *cobra.Command {
	return &cobra.Command{
		Use: "settle STORE", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			debug.SetGCPercent(400) // as the broker does
			out, err := settle(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			text, err := json.Marshal(out)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "settled %s\n", text)
			return err
		},
	}
}

func settle(ctx context.Context, path string) (out settled, err error) {
	db, err := bolt.Open(bolt.Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	svc, err := settlementOn(db)
	if err != nil {
		return out, err
	}
	begin := time.Now()
	report, err := svc.Run(ctx, march.AddDate(0, 2, 0))
	if err != nil {
		return out, err
	}
	out = settled{Seconds: round3(time.Since(begin).Seconds()), Bills: report.Bills, Statements: len(report.Opened)}
	out.PeakMB, err = memoryMB(os.Getpid(), "VmHWM")
	return out, err
}

func settlementOn(db *bolt.DB) (*settlement.Service, error) {
	auth, err := access.New(access.Config{Directory: alone{}})
	if err != nil {
		return nil, err
	}
	books, err := ledger.New(ledger.Config{Clock: clock.Real{}})
	if err != nil {
		return nil, err
	}
	bills, err := billing.New(billing.Config{Store: db, Ledger: books, Authority: auth})
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	jobs, err := job.New(job.Config{Store: db, Clock: clock.Real{}, Logger: log})
	if err != nil {
		return nil, err
	}
	return settlement.New(settlement.Config{
		Store: db, Clock: clock.Real{}, Logger: log, Authority: auth, Calendars: alone{}, Ledger: books, Bills: bills, Jobs: jobs,
	})
}

// alone is a world of one operator that settles with everybody by the month.
type alone struct{}

func (alone) PathTx(_ store.Reader, org string) ([]string, error) {
	return nil, fault.NotFound("org", org)
}

func (alone) AssignedTx(store.Reader, string) ([]string, error) { return nil, nil }

func (alone) CalendarTx(store.Reader, string, string, time.Time) (template, zone string, err error) {
	return "monthly:1", "UTC", nil
}
