package plugintest_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// bare implements only what every plugin must.
type bare struct{}

func (bare) Describe(context.Context) (provider.Description, error) {
	return provider.Description{Name: "bare", Version: "0.1.0"}, nil
}

func (bare) Check(context.Context, provider.CheckRequest) (provider.CheckResponse, error) {
	return provider.CheckResponse{OK: true}, nil
}

// full implements everything and answers with what it was asked, so that a
// test can compare both ends.
type full struct {
	bare
	things things
	host   provider.HostServices
	log    *slog.Logger
	closed chan struct{}
}

func newFull() *full { return &full{closed: make(chan struct{})} }

func (f *full) UseHost(h provider.HostServices) { f.host = h }
func (f *full) UseLogger(l *slog.Logger)        { f.log = l }
func (f *full) Shutdown(context.Context) error  { close(f.closed); return nil }

func (f *full) Regions(_ context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	return []provider.Region{{ID: req.Call.Region, Zones: []provider.Zone{{ID: req.Call.Zone}}}}, nil
}

func (f *full) Offerings(_ context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	for _, k := range req.Kinds {
		if err := yield(provider.Offering{ID: k, Kind: k}); err != nil {
			return err
		}
	}
	return nil
}

func (f *full) Quote(_ context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	return provider.Quote{Currency: "EUR", List: "12.50", Lines: []provider.QuoteLine{{Name: req.Kind, List: "12.50"}}}, nil
}

func (f *full) Place(_ context.Context, req provider.PlaceRequest) (provider.Placement, error) {
	return provider.Placement{OK: true, Zones: []string{req.Call.Zone}}, nil
}

func (f *full) Operation(_ context.Context, req provider.OperationRequest) (provider.Operation, error) {
	return provider.Operation{ID: req.ID, State: provider.OperationFailed, Failure: fault.New(fault.ClassOutOfStock, "sold out")}, nil
}

func (f *full) Renew(_ context.Context, req provider.RenewRequest) (provider.Change, error) {
	return provider.Change{Operation: "renew-" + req.ID, Cost: "1.00", Currency: "EUR"}, nil
}

func (f *full) EnsureAccount(_ context.Context, req provider.EnsureAccountRequest) (provider.SubAccount, error) {
	return provider.SubAccount{ID: req.Name, Credentials: map[string]secret.Value{"k": secret.New("sub-secret")}}, nil
}

func (f *full) SignInLink(_ context.Context, req provider.SignInLinkRequest) (provider.SignInLink, error) {
	return provider.SignInLink{URL: secret.New("https://console.example/?t=" + req.Target)}, nil
}

func (f *full) VendorOrders(_ context.Context, req provider.VendorOrdersRequest, yield func(provider.VendorOrder) error) error {
	return yield(provider.VendorOrder{ID: "o-1", State: req.State})
}

func (f *full) PayVendorOrder(_ context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	return provider.VendorOrder{ID: req.ID, State: "paid"}, nil
}

func (f *full) CancelVendorOrder(_ context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	return provider.VendorOrder{ID: req.ID, State: "cancelled"}, nil
}

func (f *full) RefundVendorOrder(_ context.Context, req provider.VendorOrderChange) (provider.VendorOrder, error) {
	return provider.VendorOrder{ID: req.ID, State: "refunded"}, nil
}

func (f *full) BillLines(ctx context.Context, _ provider.PeriodRequest, yield func(provider.BillLine) error) error {
	for i := range 100_000 {
		if err := yield(provider.BillLine{ID: "line", ResourceID: "r", BilledCost: "0.01", Tags: map[string]string{"n": string(rune('a' + i%26))}}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (f *full) Usage(_ context.Context, req provider.PeriodRequest, yield func(provider.UsageRecord) error) error {
	return yield(provider.UsageRecord{ID: "u-1", Quantity: "1", Start: req.From, End: req.To})
}

func (f *full) Balance(context.Context, provider.BalanceRequest) (provider.Balance, error) {
	return provider.Balance{Currency: "EUR", Available: "100.00"}, nil
}

func (f *full) Import(_ context.Context, _ provider.ImportRequest, yield func(provider.Resource) error) error {
	return yield(provider.Resource{ID: "r-1", Kind: "thing"})
}

func (f *full) Events(ctx context.Context, req provider.EventsRequest, yield func(provider.Event) error) error {
	if err := yield(provider.Event{Cursor: req.Cursor + "+1", Type: "first"}); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func (f *full) Kinds() []*provider.Kind {
	stop := provider.ActionOf(provider.ActionDescription{Name: "stop", Changes: true},
		func(_ context.Context, req provider.TypedAction[stopInput]) (provider.ActionResult[stopOutput], error) {
			return provider.ActionResult[stopOutput]{Output: stopOutput{Stopped: req.ID, Force: req.Input.Force}}, nil
		})
	return []*provider.Kind{provider.KindOf[spec, state]("thing", "Thing", &f.things, stop)}
}

type stopInput struct {
	Force bool `json:"force" default:"true"`
}

type stopOutput struct {
	Stopped string `json:"stopped"`
	Force   bool   `json:"force"`
}

// spec's mode lets a test choose what the author's code does.
type spec struct {
	Mode     string       `json:"mode" enum:"ok,start,panic,panic-nil-map,error,fault,hang,early-start" default:"ok"`
	SizeGB   int          `json:"size_gb" min:"1" max:"100" required:"true"`
	Password secret.Value `json:"password"`
}

type state struct {
	SizeGB   int          `json:"size_gb"`
	Password secret.Value `json:"password"`
}

// things is the handler of the kind "thing".
type things struct {
	mu    sync.Mutex
	saw   string   // the password of the last create
	hung  int      // calls that hang or did
	ended []string // what became of them

	written map[string]int // never made: writing to it is the mistake of panic-nil-map
}

func (h *things) Create(ctx context.Context, req provider.TypedCreate[spec]) (provider.Result[state], error) {
	h.mu.Lock()
	h.saw = req.Spec.Password.Reveal()
	h.mu.Unlock()
	made := provider.Thing[state]{ID: "t-1", Name: req.Name, Status: provider.StatusRunning, Token: req.Token,
		State: state{SizeGB: req.Spec.SizeGB, Password: req.Spec.Password}}
	switch req.Spec.Mode {
	case "start":
		return provider.StartedAs("op-1", &made), nil
	case "panic":
		panic("author's mistake: password=" + marker)
	case "panic-nil-map":
		h.written["a"]++
	case "error":
		return provider.Result[state]{}, errors.New("dial: connection reset")
	case "fault":
		return provider.Result[state]{}, fault.New(fault.ClassOutOfStock, "none left").Cloud("8320", "req-1")
	case "hang":
		h.mu.Lock()
		h.hung++
		h.mu.Unlock()
		<-ctx.Done()
		h.mu.Lock()
		h.ended = append(h.ended, ctx.Err().Error())
		h.mu.Unlock()
		return provider.Result[state]{}, ctx.Err()
	}
	r := provider.Done(made)
	r.VendorOrder, r.Cost, r.Currency = "vo-1", "9.90", "EUR"
	return r, nil
}

func (h *things) Get(_ context.Context, req provider.GetRequest) (provider.Thing[state], error) {
	switch req.ID {
	case "missing":
		return provider.Thing[state]{}, fault.NotFound("thing", req.ID)
	case "panic":
		panic("read")
	}
	return provider.Thing[state]{ID: req.ID, Created: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)}, nil
}

func (h *things) List(_ context.Context, _ provider.ListRequest, yield func(provider.Thing[state]) error) error {
	for _, id := range []string{"t-1", "t-2"} {
		if err := yield(provider.Thing[state]{ID: id}); err != nil {
			return err
		}
	}
	panic("after two rows")
}

func (h *things) Update(_ context.Context, req provider.TypedUpdate[spec]) (provider.Result[state], error) {
	return provider.Done(provider.Thing[state]{ID: req.ID, State: state{SizeGB: req.Spec.SizeGB}}), nil
}

func (h *things) Delete(_ context.Context, req provider.DeleteRequest) (provider.Started, error) {
	return provider.Started{Operation: "delete-" + req.ID}, nil
}

func (h *things) FindByToken(_ context.Context, req provider.FindRequest) (provider.TypedFound[state], error) {
	return provider.TypedFound[state]{Things: []provider.Thing[state]{{ID: "t-1", Token: req.Token}}, Settled: true}, nil
}
