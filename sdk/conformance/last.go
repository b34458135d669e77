package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

const (
	// callers is how many call at once.
	callers = 64
	// creators is how many of them also make a resource of each kind.
	creators = 8
	// bigRows is how many rows a big list has when the fixture does not say.
	bigRows = 100_000
	// Growth of memory while a big list is streamed, in bytes. A process's is
	// measured from outside, with what its collector has not given back.
	heapGrowth    = 24 << 20
	processGrowth = 64 << 20
)

// lastRules prove what shows only in a plugin that has worked, and then end it.
func lastRules() []Rule {
	return []Rule{
		{ID: "concurrency", Title: "64 callers at once are all served, and each create makes its own resource", with: []need{accountGiven}, run: concurrency},
		{ID: "leftovers", Title: "64 callers at once leave no goroutines behind", with: []need{accountGiven}, run: leftovers},
		{ID: "big-list", Title: "a list of 100,000 rows is streamed in bounded memory", with: []need{ownPlugin, bigGiven}, run: bigList},
		{ID: "secrets", Title: "no answer, error or log line shows a secret that the plugin was given", about: []need{secretsTaken}, with: []need{secretsGiven}, run: secrets},
		{ID: "output", Title: "the plugin prints nothing but its log", with: []need{binaryGiven}, run: output},
		{ID: "shutdown", Title: "the plugin ends within five seconds and leaves nothing running", with: []need{ownPlugin}, run: shutdown},
	}
}

func bigGiven(s *session) string {
	if s.fix.Big == nil {
		return "the fixture has no big list"
	}
	return ""
}

// secretsTaken tells whether the plugin is given any secret at all.
func secretsTaken(s *session) string {
	schemas := []json.RawMessage{s.d.Config}
	for _, k := range s.d.Kinds {
		schemas = append(schemas, k.Spec)
		for _, a := range k.Actions {
			schemas = append(schemas, a.Input)
		}
	}
	if slices.ContainsFunc(schemas, func(raw json.RawMessage) bool { return len(shapeOf(raw).secrets()) > 0 }) {
		return ""
	}
	return "the plugin is given no secrets"
}

func secretsGiven(s *session) string {
	if len(s.watch.known()) == 0 {
		return "the fixture gives no secret of at least 8 bytes"
	}
	return ""
}

// concurrency reads from many callers and creates from some.
func concurrency(ctx context.Context, s *session) error {
	errs := make([]error, callers)
	kinds := s.orderable(provider.VerbCreate)
	ids := make([][]string, callers)
	var orders [creators][]provider.CreateRequest
	for i := range creators {
		for _, k := range kinds {
			orders[i] = append(orders[i], s.order(k.Name, s.token(), s.fix.Kinds[k.Name]))
		}
	}
	together(callers, func(i int) {
		errs[i] = s.reads(ctx)
		if i >= creators {
			return
		}
		for _, req := range orders[i] {
			change, err := s.Create(ctx, req)
			errs[i] = errors.Join(errs[i], err)
			if change.Resource != nil {
				ids[i] = append(ids[i], req.Kind+"/"+change.Resource.ID)
			}
		}
	})
	seen := map[string]bool{}
	for _, some := range ids {
		for _, id := range some {
			kind, name, _ := strings.Cut(id, "/")
			s.note(s.call(), kind, name)
			if seen[id] {
				errs = append(errs, errors.New("two creates with different tokens answered with the same resource"))
			}
			seen[id] = true
		}
	}
	return first(errs)
}

// reads makes each reading call once.
func (s *session) reads(ctx context.Context) error {
	errs := []error{second(s.Check(ctx, provider.CheckRequest{Call: s.call()}))}
	for _, k := range s.described(provider.VerbList) {
		errs = append(errs, second(s.list(ctx, s.call(), k.Name)))
	}
	if s.has(provider.CapRegions) {
		errs = append(errs, second(s.Regions(ctx, provider.RegionsRequest{Call: s.call()})))
	}
	return errors.Join(errs...)
}

// first returns the first error and how many there are.
func first(errs []error) error {
	var out error
	n := 0
	for _, err := range errs {
		if err == nil {
			continue
		}
		if n++; n == 1 {
			out = err
		}
	}
	if n > 1 {
		return fmt.Errorf("%w; and %d more callers failed", out, n-1)
	}
	return out
}

// bigList streams the fixture's big list and watches the memory.
func bigList(ctx context.Context, s *session) error {
	want := s.fix.Big.Rows
	if want <= 0 {
		want = bigRows
	}
	// What the plugin makes on first use is not the list's.
	idle := s.active(ctx)
	err := s.stream(ctx, func() error { return errEnough })
	if err != nil && !errors.Is(err, errEnough) {
		return fmt.Errorf("listing the first row: %w", err)
	}
	if err := s.idle(ctx, "the list", idle); err != nil {
		return err
	}
	before, err := s.memory()
	if err != nil {
		return err
	}
	rows, grown := 0, int64(0)
	err = s.stream(ctx, func() error {
		if rows++; rows%(want/8+1) == 0 {
			now, err := s.memory()
			if err != nil {
				return err
			}
			grown = max(grown, now-before)
		}
		return nil
	})
	most := int64(heapGrowth)
	if s.process != nil {
		most = processGrowth
	}
	switch {
	case err != nil:
		return fmt.Errorf("listing: %w", err)
	case rows < want:
		return fmt.Errorf("the list has %d rows; the fixture promises %d", rows, want)
	case grown > most:
		return fmt.Errorf("memory grew by %d MiB while %d rows were streamed; it must stay below %d", grown>>20, rows, most>>20)
	}
	return nil
}

// stream reads the fixture's big list, one call of row for each row.
func (s *session) stream(ctx context.Context, row func() error) error {
	big := s.fix.Big
	call := s.callFor(big.Account)
	switch big.Stream {
	case StreamList:
		return s.List(ctx, provider.ListRequest{Call: call, Kind: big.Kind}, func(provider.Resource) error { return row() })
	case StreamImport:
		return s.Import(ctx, provider.ImportRequest{Call: call}, func(provider.Resource) error { return row() })
	case StreamOfferings:
		return s.Offerings(ctx, provider.OfferingsRequest{Call: call}, func(provider.Offering) error { return row() })
	case StreamBillLines:
		return s.BillLines(ctx, s.window(call), func(provider.BillLine) error { return row() })
	case StreamUsage:
		return s.Usage(ctx, s.window(call), func(provider.UsageRecord) error { return row() })
	case StreamVendorOrders:
		return s.VendorOrders(ctx, provider.VendorOrdersRequest{Call: call}, func(provider.VendorOrder) error { return row() })
	}
	return fmt.Errorf("the fixture's big list has the unknown stream %q", big.Stream)
}

// memory returns the bytes in use: of this process's heap, or of the plugin's process.
func (s *session) memory() (int64, error) {
	if s.process == nil {
		return heap(), nil
	}
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(s.process.command.Process.Pid) + "/status")
	if err != nil {
		return 0, skip("the memory of a process cannot be read on this system")
	}
	for line := range bytes.Lines(raw) {
		if text, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			kb, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, skip("the memory of a process cannot be read on this system")
}

// heap returns the bytes that this process holds on to. A simulator that shares
// it has a page at work now and then: what stays is in each of some readings.
func heap() int64 {
	least := int64(math.MaxInt64)
	for range heapReadings {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		least = min(least, int64(m.HeapAlloc)) //nolint:gosec // a heap is smaller than that
	}
	return least
}

const heapReadings = 3

// secrets provokes what may show one, and tells what was seen since the start.
func secrets(ctx context.Context, s *session) error {
	s.provoke(ctx)
	if s.fix.Cloud != nil {
		for _, class := range fault.Classes() {
			if s.fix.Cloud.Refuse(ctx, class) == nil {
				s.provoke(ctx)
			}
		}
		if s.fix.Cloud.LoseAnswers(ctx) == nil {
			s.provoke(ctx)
		}
	}
	var errs []error
	for _, found := range s.watch.findings() {
		errs = append(errs, errors.New(found))
	}
	return errors.Join(errs...)
}

// provoke makes good and bad calls; how they end does not matter here.
func (s *session) provoke(ctx context.Context) {
	for _, a := range []provider.Account{s.fix.Account, s.fix.Wrong} {
		call := s.callFor(a)
		_, _ = s.Check(ctx, provider.CheckRequest{Call: call})
		for _, d := range s.d.Kinds {
			k := s.fix.Kinds[d.Name]
			_ = s.List(ctx, provider.ListRequest{Call: call, Kind: d.Name}, ignore)
			req := s.order(d.Name, s.token(), k)
			req.Call = call
			change, err := s.Create(ctx, req)
			if err != nil || change.Resource == nil {
				if f, err := s.find(ctx, s.created(d.Name, req.Token)); err == nil && len(f.Resources) > 0 {
					s.note(call, d.Name, f.Resources[0].ID)
				}
				continue
			}
			id := change.Resource.ID
			s.note(call, d.Name, id)
			_, _ = s.Get(ctx, provider.GetRequest{Call: call, Kind: d.Name, ID: id})
			for _, action := range d.Actions {
				input := k.Actions[action.Name]
				_, _ = s.Act(ctx, provider.ActionRequest{Call: call, Token: s.token(), Kind: d.Name, ID: id, Action: action.Name, Input: input})
			}
			if k.Update != nil {
				_, _ = s.Update(ctx, provider.UpdateRequest{Call: call, Token: s.token(), Kind: d.Name, ID: id, Spec: k.Update})
			}
		}
	}
}

func output(ctx context.Context, s *session) error {
	s.provoke(ctx)
	select { // what is printed arrives beside the answers
	case <-time.After(patience):
	case <-ctx.Done():
	}
	if n := s.watch.strays(); n > 0 {
		return fmt.Errorf("%d lines were printed that no logger wrote: log through the SDK's logger", n)
	}
	return nil
}

// shutdown ends the plugin and looks for what it left.
func shutdown(ctx context.Context, s *session) error {
	_ = s.leave(ctx, nil)
	if s.process != nil {
		ctx, cancel := context.WithTimeout(ctx, killTime)
		defer cancel()
		err := s.Shutdown(ctx)
		return errors.Join(err, s.close())
	}
	if err := s.close(); err != nil {
		return err
	}
	end := time.After(promptly)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := s.standing(ctx)
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-end:
			return fmt.Errorf("goroutines are left after the shutdown: %s", strings.Join(slices.Sorted(maps.Keys(left)), ", "))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
