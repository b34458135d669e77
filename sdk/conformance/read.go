package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

var (
	// exact is a decimal in plain notation.
	exact    = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	currency = regexp.MustCompile(`^[A-Z]{3}$`)
)

// readRules prove what a plugin tells of its cloud without changing anything,
// but for the resources that are there to be read.
func readRules() []Rule {
	createList := []provider.Verb{provider.VerbCreate, provider.VerbList}
	createGet := []provider.Verb{provider.VerbCreate, provider.VerbGet}
	given := []need{accountGiven}
	return []Rule{
		{ID: "regions", Title: "regions are not empty, have unique ids and keep their order", Needs: caps(provider.CapRegions), with: given, run: regions},
		{ID: "offerings", Title: "offerings have unique ids, keep their order, name declared kinds and exact prices", Needs: caps(provider.CapOfferings), with: given, run: offerings},
		{ID: "quote", Title: "a quote is an exact decimal with a currency, and the same twice", Needs: caps(provider.CapQuote), with: []need{orders()}, run: quote},
		{ID: "placement", Title: "a placement answers yes, or no with a reason", Needs: caps(provider.CapPlacement), with: []need{orders()}, run: placement},
		{ID: "balance", Title: "the balance is exact decimals with a currency", Needs: caps(provider.CapBalance), with: given, run: balance},
		{ID: "bill-lines", Title: "bill lines have unique ids, keep their order, and lie in their window with exact costs", Needs: caps(provider.CapBillLines), with: given, run: billLines},
		{ID: "usage", Title: "usage records have unique ids, keep their order, and lie in their window with exact amounts", Needs: caps(provider.CapUsage), with: given, run: usage},
		{ID: "vendor-orders", Title: "vendor orders have unique ids and keep their order", Needs: caps(provider.CapVendorOrders), with: given, run: vendorOrders},
		{ID: "sign-in", Title: "a sign-in link is an https URL that has not expired", Needs: caps(provider.CapSignIn), with: given, run: signIn},
		{ID: "list-complete", Title: "a list of several pages is complete, without duplicates, and in the same order twice", Verbs: createList, with: []need{orders(createList...)}, run: listComplete},
		{
			ID: "import-complete", Title: "the import shows every resource once, in the same order twice", Needs: caps(provider.CapImport),
			Verbs: []provider.Verb{provider.VerbCreate}, with: []need{orders(provider.VerbCreate)}, run: importComplete,
		},
		{ID: "get-missing", Title: "reading a missing resource is not_found", Verbs: []provider.Verb{provider.VerbGet}, with: given, run: getMissing},
		{ID: "get-same", Title: "create, get and list tell the same of a resource", Verbs: createGet, with: []need{orders(createGet...)}, run: getSame},
		{ID: "state-fits", Title: "the state of a resource fits its schema", Verbs: createGet, with: []need{orders(createGet...)}, run: stateFits},
		{ID: "times-utc", Title: "times are right and in UTC: a new resource was made just now and ends later", Verbs: createGet, with: []need{orders(createGet...)}, run: timesUTC},
	}
}

func caps(all ...provider.Capability) []provider.Capability { return all }

// twice reads a list two times and compares the ids, which must be unique. It
// returns the rows of the first time.
func twice[Row any](what string, id func(Row) string, read func(yield func(Row) error) error) ([]Row, error) {
	var rows []Row
	var ids [2][]string
	for i := range ids {
		err := read(func(r Row) error {
			if len(ids[i]) == mostListed {
				return errEnough
			}
			ids[i] = append(ids[i], id(r))
			if i == 0 {
				rows = append(rows, r)
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, fmt.Errorf("listing %s: %w", what, err)
		}
	}
	seen := map[string]bool{}
	for _, id := range ids[0] {
		if id == "" || seen[id] {
			return nil, fmt.Errorf("the list of %s has the id %q empty or twice", what, id)
		}
		seen[id] = true
	}
	if !slices.Equal(ids[0], ids[1]) {
		return nil, fmt.Errorf("the list of %s has another order or other rows the second time", what)
	}
	return rows, nil
}

// errEnough ends a list that is long enough to judge it.
var errEnough = errors.New("enough rows")

// decimal checks an amount; "" is allowed when it may be left out.
func decimal(what string, d provider.Decimal, optional bool) error {
	if (optional && d == "") || exact.MatchString(string(d)) {
		return nil
	}
	return fmt.Errorf("%s is %q, which is not an exact decimal like 12.50", what, d)
}

func (s *session) currency(what, code string) error {
	if !currency.MatchString(code) {
		return fmt.Errorf("the currency of %s is %q, which is not a code like CNY", what, code)
	}
	if s.d.Currency != "" && code != s.d.Currency {
		return fmt.Errorf("the currency of %s is %s, and the description says %s", what, code, s.d.Currency)
	}
	return nil
}

func regions(ctx context.Context, s *session) error {
	rows, err := twice("regions", func(r provider.Region) string { return r.ID }, func(yield func(provider.Region) error) error {
		all, err := s.Regions(ctx, provider.RegionsRequest{Call: s.call()})
		for i := 0; i < len(all) && err == nil; i++ {
			err = yield(all[i])
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case len(rows) == 0:
		return errors.New("there is no region")
	case s.fix.Region != "" && !slices.ContainsFunc(rows, func(r provider.Region) bool { return r.ID == s.fix.Region }):
		return fmt.Errorf("the fixture's region %q is not among the regions", s.fix.Region)
	}
	return nil
}

func offerings(ctx context.Context, s *session) error {
	rows, err := twice("offerings", func(o provider.Offering) string { return o.ID }, func(yield func(provider.Offering) error) error {
		return s.Offerings(ctx, provider.OfferingsRequest{Call: s.call()}, yield)
	})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("there is no offering")
	}
	for _, o := range rows {
		if !slices.ContainsFunc(s.d.Kinds, func(k provider.KindDescription) bool { return k.Name == o.Kind }) {
			return fmt.Errorf("the offering %q is of the kind %q, which is not described", o.ID, o.Kind)
		}
		if err := decimal("the list price of "+o.ID, o.ListPrice, true); err != nil {
			return err
		}
		if o.ListPrice != "" {
			if err := s.currency("the offering "+o.ID, o.Currency); err != nil {
				return err
			}
		}
	}
	return nil
}

// quote prices a create of each kind, twice.
func quote(ctx context.Context, s *session) error {
	return s.eachKind(ctx, nil, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		var quotes [2]provider.Quote
		for i := range quotes {
			q, err := s.Quote(ctx, provider.QuoteRequest{Call: s.call(), Change: provider.ChangeCreate, Kind: d.Name, Spec: k.Spec, Term: k.Term})
			if fault.Is(err, fault.ClassUnsupported) {
				return nil // not every kind has a price
			}
			if err != nil {
				return fmt.Errorf("quoting: %w", err)
			}
			quotes[i] = q
		}
		if quotes[0].List != quotes[1].List || quotes[0].Net != quotes[1].Net || quotes[0].Currency != quotes[1].Currency {
			return fmt.Errorf("the quote changes from %s to %s", quotes[0].List, quotes[1].List)
		}
		errs := []error{
			decimal("the list price", quotes[0].List, false), decimal("the net price", quotes[0].Net, true),
			s.currency("the quote", quotes[0].Currency),
		}
		for _, line := range quotes[0].Lines {
			errs = append(errs, decimal("the line "+line.Name, line.List, line.Problem != ""))
		}
		return errors.Join(errs...)
	})
}

func placement(ctx context.Context, s *session) error {
	return s.eachKind(ctx, nil, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		p, err := s.Place(ctx, provider.PlaceRequest{Call: s.call(), Kind: d.Name, Spec: k.Spec, Term: k.Term})
		if err != nil {
			return fmt.Errorf("placing: %w", err)
		}
		if !p.OK && p.Reason == "" {
			return errors.New("the answer is no, and no reason is given")
		}
		return nil
	})
}

func balance(ctx context.Context, s *session) error {
	b, err := s.Balance(ctx, provider.BalanceRequest{Call: s.call()})
	if err != nil {
		return fmt.Errorf("asking for the balance: %w", err)
	}
	return errors.Join(
		s.currency("the balance", b.Currency), decimal("available", b.Available, false), decimal("cash", b.Cash, true),
		decimal("credit", b.Credit, true), decimal("frozen", b.Frozen, true),
	)
}

// window is the fixture's window, or the last day.
func (s *session) window(call provider.Call) provider.PeriodRequest {
	w := s.fix.Window
	if w.To.IsZero() {
		w.To = s.now().UTC()
		w.From = w.To.AddDate(0, 0, -1)
	}
	return provider.PeriodRequest{Call: call, From: w.From, To: w.To}
}

// overlaps checks that a span has to do with a window.
func overlaps(what string, from, to time.Time, w provider.PeriodRequest) error {
	if to.Before(from) || to.Before(w.From) || !from.Before(w.To) {
		return fmt.Errorf("%s is of %s to %s, outside of the window", what, from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	return nil
}

func billLines(ctx context.Context, s *session) error {
	w := s.window(s.call())
	rows, err := twice("bill lines", func(l provider.BillLine) string { return l.ID }, func(yield func(provider.BillLine) error) error {
		return s.BillLines(ctx, w, yield)
	})
	errs := []error{err}
	for _, l := range rows {
		errs = append(errs, overlaps("line "+l.ID, l.ChargePeriodStart, l.ChargePeriodEnd, w), decimal("the cost of "+l.ID, l.BilledCost, false),
			decimal("the effective cost of "+l.ID, l.EffectiveCost, true), decimal("the list cost of "+l.ID, l.ListCost, true), s.currency("line "+l.ID, l.BillingCurrency))
	}
	return errors.Join(errs...)
}

func usage(ctx context.Context, s *session) error {
	w := s.window(s.call())
	rows, err := twice("usage records", func(u provider.UsageRecord) string { return u.ID }, func(yield func(provider.UsageRecord) error) error {
		return s.Usage(ctx, w, yield)
	})
	errs := []error{err}
	for _, u := range rows {
		errs = append(errs, overlaps("record "+u.ID, u.Start, u.End, w), decimal("the quantity of "+u.ID, u.Quantity, false))
	}
	return errors.Join(errs...)
}

func vendorOrders(ctx context.Context, s *session) error {
	w := s.window(s.call())
	_, err := twice("vendor orders", func(o provider.VendorOrder) string { return o.ID }, func(yield func(provider.VendorOrder) error) error {
		return s.VendorOrders(ctx, provider.VendorOrdersRequest{Call: s.call(), From: w.From, To: w.To}, yield)
	})
	return err
}

func signIn(ctx context.Context, s *session) error {
	link, err := s.SignInLink(ctx, provider.SignInLinkRequest{Call: s.call()})
	if err != nil {
		return fmt.Errorf("asking for a link: %w", err)
	}
	if u, err := url.Parse(link.URL.Reveal()); err != nil || u.Scheme != "https" || u.Host == "" {
		return errors.New("the link is not an https URL")
	}
	if !link.Expires.IsZero() && !link.Expires.After(s.now()) {
		return errors.New("the link has expired already")
	}
	return nil
}

// listComplete makes several resources of each kind and lists them.
func listComplete(ctx context.Context, s *session) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate, provider.VerbList}, func(ctx context.Context, d provider.KindDescription, k Kind) error {
		ids, err := s.several(ctx, d.Name, k)
		if err != nil {
			return err
		}
		rows, err := twice(d.Name, func(r provider.Resource) string { return r.ID }, func(yield func(provider.Resource) error) error {
			return s.List(ctx, provider.ListRequest{Call: s.call(), Kind: d.Name}, yield)
		})
		if err != nil {
			return err
		}
		return complete(ids, rows, d.Name)
	})
}

// several makes as many resources as the fixture says.
func (s *session) several(ctx context.Context, kind string, k Kind) ([]string, error) {
	most := k.Many
	if most <= 0 {
		most = 3
	}
	var ids []string
	for range most {
		r, err := s.create(ctx, kind, s.token())
		if err != nil {
			return nil, err
		}
		ids = append(ids, r.ID)
	}
	return ids, nil
}

// complete checks that rows hold all ids, each of the kind.
func complete(ids []string, rows []provider.Resource, kind string) error {
	have := map[string]string{}
	for _, r := range rows {
		have[r.ID] = r.Kind
	}
	missing := 0
	for _, id := range ids {
		if have[id] != kind {
			missing++
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d resources of the kind %s are missing", missing, len(ids), kind)
	}
	return nil
}

// importComplete makes a resource of each kind and imports everything.
func importComplete(ctx context.Context, s *session) error {
	made := map[string]string{}
	err := s.eachKind(ctx, []provider.Verb{provider.VerbCreate}, func(ctx context.Context, d provider.KindDescription, _ Kind) error {
		r, err := s.create(ctx, d.Name, s.token())
		made[d.Name] = r.ID
		return err
	})
	if err != nil {
		return err
	}
	rows, err := twice("the import", func(r provider.Resource) string { return r.Kind + "/" + r.ID }, func(yield func(provider.Resource) error) error {
		return s.Import(ctx, provider.ImportRequest{Call: s.call()}, yield)
	})
	errs := []error{err}
	for kind, id := range made {
		errs = append(errs, complete([]string{id}, rows, kind))
	}
	return errors.Join(errs...)
}

func getMissing(ctx context.Context, s *session) error {
	var errs []error
	for _, k := range s.described(provider.VerbGet) {
		_, err := s.Get(ctx, provider.GetRequest{Call: s.call(), Kind: k.Name, ID: "cf-none-" + s.id})
		errs = append(errs, classed(err, "reading a missing "+k.Name, fault.ClassNotFound))
	}
	return errors.Join(errs...)
}

// getSame compares what create, get and list tell of one resource.
func getSame(ctx context.Context, s *session) error {
	return s.read(ctx, func(ctx context.Context, d provider.KindDescription, made, got provider.Resource) error {
		errs := []error{alike("get", made, got)}
		if slices.Contains(d.Verbs, provider.VerbList) {
			rows, err := s.list(ctx, s.call(), d.Name)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if r.ID == made.ID {
					errs = append(errs, alike("list", got, r))
				}
			}
		}
		return errors.Join(errs...)
	})
}

// alike compares what does not change by itself.
func alike(what string, a, b provider.Resource) error {
	if a.ID != b.ID || a.Kind != b.Kind || a.Name != b.Name || a.Region != b.Region || a.Token != b.Token || !a.Created.Equal(b.Created) {
		return fmt.Errorf("%s tells id %q, kind %q, name %q, region %q, token %q, and before it was %q, %q, %q, %q, %q",
			what, b.ID, b.Kind, b.Name, b.Region, b.Token, a.ID, a.Kind, a.Name, a.Region, a.Token)
	}
	return nil
}

func stateFits(ctx context.Context, s *session) error {
	return s.read(ctx, func(_ context.Context, d provider.KindDescription, _, r provider.Resource) error {
		if r.Status == "" {
			return errors.New("the resource has no status")
		}
		return fits("state", d.State, r.State)
	})
}

// judgement compares a resource as it was read with what it was when it was made.
type judgement func(ctx context.Context, d provider.KindDescription, made, got provider.Resource) error

// read makes a resource of each kind, reads it, and judges it.
func (s *session) read(ctx context.Context, judge judgement) error {
	return s.eachKind(ctx, []provider.Verb{provider.VerbCreate, provider.VerbGet}, func(ctx context.Context, d provider.KindDescription, _ Kind) error {
		made, err := s.create(ctx, d.Name, s.token())
		if err != nil {
			return err
		}
		got, err := s.Get(ctx, provider.GetRequest{Call: s.call(), Kind: d.Name, ID: made.ID})
		if err != nil {
			return fmt.Errorf("reading what was made: %w", err)
		}
		return judge(ctx, d, made, got)
	})
}

// clockSkew is how far the cloud's clock may be off; a wrong zone is an hour at least.
const clockSkew = 45 * time.Minute

func timesUTC(ctx context.Context, s *session) error {
	return s.read(ctx, func(_ context.Context, _ provider.KindDescription, _, r provider.Resource) error {
		if off := r.Created.Sub(s.now()); !r.Created.IsZero() && (off > clockSkew || off < -clockSkew) {
			return fmt.Errorf("a resource made now is said to be made at %s, %s off", r.Created.Format(time.RFC3339), off.Round(time.Minute))
		}
		if !r.Expires.IsZero() && !r.Expires.After(r.Created) {
			return errors.New("the resource ends before it begins")
		}
		return texts(r.State)
	})
}

// texts finds times in a state that are not in UTC.
func texts(state json.RawMessage) error {
	dec := json.NewDecoder(bytes.NewReader(state))
	for {
		token, err := dec.Token()
		if err != nil {
			return nil //nolint:nilerr // the end; whether it is JSON is another rule's affair
		}
		text, ok := token.(string)
		if !ok {
			continue
		}
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			if _, offset := t.Zone(); offset != 0 {
				return fmt.Errorf("the state holds the time %q, which is not in UTC", text)
			}
		}
	}
}
