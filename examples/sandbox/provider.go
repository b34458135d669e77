package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Settings is the account's config. The switches turn the sandbox into a cloud
// with a bad day.
type Settings struct {
	APIKey          secret.Value `json:"api_key" required:"true" title:"API key" doc:"Any text; \"wrong\" is refused, to try that out"`
	CreateMillis    int          `json:"create_millis" min:"0" max:"3600000" title:"Create time" doc:"Milliseconds until a new instance runs; 0: at once"`
	BreakMillis     int          `json:"break_millis" min:"0" max:"3600000" title:"Break time" doc:"Milliseconds that an instance runs until it stops by itself; 0: never"`
	AskAfterMillis  int          `json:"ask_after_millis" min:"0" max:"3600000" title:"Asked after" doc:"Milliseconds after which to ask for a create again, as the sandbox says; 0: when it is done"`
	Silent          bool         `json:"silent" title:"Silent" doc:"Tells of no events, to see what they are worth"`
	LatencyMillis   int          `json:"latency_millis" min:"0" max:"60000" title:"Latency" doc:"Milliseconds before every change is answered"`
	Stock           int          `json:"stock" min:"0" title:"Stock" doc:"How many instances there are; 0: no end"`
	ThrottleEvery   int          `json:"throttle_every" min:"0" title:"Throttle every n-th create" doc:"Answers throttled; 0: never"`
	RefuseEvery     int          `json:"refuse_every" min:"0" title:"Refuse every n-th create" doc:"Answers out_of_stock; 0: never"`
	LoseAnswerEvery int          `json:"lose_answer_every" min:"0" title:"Lose every n-th answer" doc:"The create happens, its answer is unknown; 0: never"`
	MoreOfferings   int          `json:"more_offerings" min:"0" max:"1000000" title:"More offerings" doc:"How many are listed beside the flavours, to see how a large catalogue is read"`
}

// wrong tells whether the cloud refuses the key.
func (s Settings) wrong() bool { return s.APIKey.Equal(secret.New("wrong")) }

type sandbox struct {
	clock  clock.Clock
	clouds *clouds
	kinds  []*provider.Kind
}

func newProvider() *sandbox { return newSandbox(clock.Real{}) }

func newSandbox(c clock.Clock) *sandbox {
	s := &sandbox{clock: c, clouds: &clouds{clock: c, byID: map[string]*cloud{}}}
	s.kinds = []*provider.Kind{instanceKind(s), dataDiskKind(s), rackKind(s)}
	return s
}

// Describe returns the sandbox's self-portrait.
func (s *sandbox) Describe(context.Context) (provider.Description, error) {
	config, err := provider.ConfigSchema[Settings]()
	if err != nil {
		return provider.Description{}, err
	}
	return provider.Description{
		Name: name(), Version: "1.0.0", Title: "Sandbox", Currency: "CNY",
		Summary: "A cloud in memory, for trying the broker",
		Config:  config,
		Regions: provider.RegionsModel{HasRegions: true},
		Limits:  provider.Limits{MaxPageSize: 1000, TokenWindow: 24 * time.Hour, CreateDeadline: time.Hour},
	}, nil
}

// name is "sandbox", or what the catalogue entry's environment says, so that
// several sandboxes can stand side by side.
func name() string {
	if n := os.Getenv("SANDBOX_NAME"); n != "" {
		return n
	}
	return "sandbox"
}

// Check accepts every key but "wrong".
func (s *sandbox) Check(_ context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	set, err := provider.DecodeAccount[Settings](req.Call)
	if err != nil {
		return provider.CheckResponse{}, err
	}
	if set.wrong() {
		return provider.CheckResponse{Problem: "the API key is wrong: any other text is right"}, nil
	}
	return provider.CheckResponse{OK: true, Account: "sandbox"}, nil
}

// Regions returns the two regions.
func (s *sandbox) Regions(context.Context, provider.RegionsRequest) ([]provider.Region, error) {
	return places(), nil
}

func places() []provider.Region {
	return []provider.Region{{ID: "east", Name: "East"}, {ID: "west", Name: "West"}}
}

// Offerings streams each flavour in each region, and then as many more as the
// account's settings want.
func (s *sandbox) Offerings(ctx context.Context, req provider.OfferingsRequest, yield func(provider.Offering) error) error {
	set, err := provider.DecodeAccount[Settings](req.Call)
	if err != nil {
		return err
	}
	regions, err := s.Regions(ctx, provider.RegionsRequest{Call: req.Call})
	if err != nil {
		return err
	}
	for _, r := range regions {
		for _, f := range flavours {
			o, err := offering(r, f)
			if err != nil {
				return err
			}
			if err := yield(o); err != nil {
				return err
			}
		}
	}
	o, err := offering(regions[0], flavours[0])
	if err != nil {
		return err
	}
	id, title := o.ID, o.Name
	for i := range set.MoreOfferings {
		o.ID, o.Name = fmt.Sprintf("%s-%07d", id, i), fmt.Sprintf("%s %07d", title, i)
		if err := yield(o); err != nil {
			return err
		}
	}
	return nil
}

// offering is a flavour on sale in a region.
func offering(r provider.Region, f flavour) (provider.Offering, error) {
	spec, err := json.Marshal(Spec{Flavour: f.id, Disk: 20})
	if err != nil {
		return provider.Offering{}, fault.Internal(err, "encoding a spec")
	}
	price, err := listPrice(Spec{Flavour: f.id, Disk: 20}, provider.Term{Period: provider.PeriodMonth})
	if err != nil {
		return provider.Offering{}, err
	}
	return provider.Offering{
		ID: r.ID + "/" + f.id, Kind: "instance", Type: "flavour", Name: strings.ToUpper(f.id[:1]) + f.id[1:] + " " + r.Name,
		Class: f.class, Region: r.ID, Sellable: true, Billing: []provider.BillingMethod{provider.BillingPrepaid},
		Periods:  []provider.Period{provider.PeriodMonth, provider.PeriodYear, provider.PeriodDay, provider.PeriodHour},
		Currency: "CNY", ListPrice: yuan(price), Spec: spec,
	}, nil
}

// Quote prices creates, renewals and other sizes by the list.
func (s *sandbox) Quote(_ context.Context, req provider.QuoteRequest) (provider.Quote, error) {
	if req.Kind != "instance" {
		return provider.Quote{}, fault.Unsupported("racks have no price")
	}
	var spec Spec
	switch req.Change {
	case provider.ChangeCreate:
		if err := json.Unmarshal(req.Spec, &spec); err != nil {
			return provider.Quote{}, fault.Invalid("spec", "is not an instance spec")
		}
	case provider.ChangeRenew:
		c, err := s.open(req.Call)
		if err != nil {
			return provider.Quote{}, err
		}
		sv, err := c.get(req.ResourceID)
		if err != nil {
			return provider.Quote{}, err
		}
		spec = sv.spec
	case provider.ChangeResize:
		return s.quoteResize(req)
	default:
		return provider.Quote{}, fault.Unsupported("the sandbox prices no %s", req.Change)
	}
	fen, err := listPrice(spec, req.Term)
	if err != nil {
		return provider.Quote{}, err
	}
	return provider.Quote{Currency: "CNY", List: yuan(fen)}, nil
}

// Kinds returns the registered kinds.
func (s *sandbox) Kinds() []*provider.Kind { return s.kinds }

// Operation tells whether a create is done, or an inspection of a rack; its id is
// that of the server or of the rack.
func (s *sandbox) Operation(_ context.Context, req provider.OperationRequest) (provider.Operation, error) {
	c, err := s.open(req.Call)
	if err != nil {
		return provider.Operation{}, err
	}
	if k, ok := c.rack(req.ID); ok {
		return k.inspection()
	}
	sv, err := c.get(req.ID)
	if err != nil {
		return provider.Operation{}, err
	}
	r, err := resource(sv)
	if err != nil {
		return provider.Operation{}, err
	}
	op := provider.Operation{ID: req.ID, State: provider.OperationRunning, Resource: r}
	if sv.status != provider.StatusPending {
		op.State, op.Progress = provider.OperationSucceeded, 100
		return op, nil
	}
	set, err := provider.DecodeAccount[Settings](req.Call)
	op.CheckAfter = max(sv.ready.Sub(s.clock.Now()), time.Millisecond)
	if set.AskAfterMillis > 0 {
		op.CheckAfter = time.Duration(set.AskAfterMillis) * time.Millisecond
	}
	return op, err
}

// Renew prolongs an instance, once per token.
func (s *sandbox) Renew(ctx context.Context, req provider.RenewRequest) (provider.Change, error) {
	c, err := s.change(ctx, req.Call)
	if err != nil {
		return provider.Change{}, err
	}
	sv, err := c.renew(req)
	if err != nil {
		return provider.Change{}, err
	}
	r, err := resource(sv)
	return provider.Change{Resource: r}, err
}

// Import streams everything the account owns.
func (s *sandbox) Import(_ context.Context, req provider.ImportRequest, yield func(provider.Resource) error) error {
	c, err := s.open(req.Call)
	if err != nil {
		return err
	}
	for _, sv := range c.list("") {
		r, err := resource(sv)
		if err != nil {
			return err
		}
		if err := offer(req, r, yield); err != nil {
			return err
		}
	}
	for _, k := range c.rackRows("") {
		r, err := k.resource()
		if err != nil {
			return err
		}
		if err := offer(req, r, yield); err != nil {
			return err
		}
	}
	return nil
}

// offer yields a resource whose kind an import asks for.
func offer(req provider.ImportRequest, r *provider.Resource, yield func(provider.Resource) error) error {
	if len(req.Kinds) > 0 && !slices.Contains(req.Kinds, r.Kind) {
		return nil
	}
	return yield(*r)
}

// open returns the account's cloud, when the key is right and the region one
// of ours; a call without a region is about all of them.
func (s *sandbox) open(call provider.Call) (*cloud, error) {
	set, err := provider.DecodeAccount[Settings](call)
	if err != nil {
		return nil, err
	}
	if set.wrong() {
		return nil, fault.Unauthenticated("the API key is wrong: any other text is right").Cloud("SandboxWrongKey", "")
	}
	if call.Region != "" && !slices.ContainsFunc(places(), func(r provider.Region) bool { return r.ID == call.Region }) {
		return nil, fault.Invalid("call.region", "%q is not a region: take east or west", call.Region)
	}
	return s.clouds.of(call), nil
}

// change is open for a change, which takes as long as the account's settings say.
func (s *sandbox) change(ctx context.Context, call provider.Call) (*cloud, error) {
	c, err := s.open(call)
	if err != nil {
		return nil, err
	}
	set, err := provider.DecodeAccount[Settings](call)
	if err != nil || set.LatencyMillis == 0 {
		return c, err
	}
	select {
	case <-s.clock.After(time.Duration(set.LatencyMillis) * time.Millisecond):
		return c, nil
	case <-ctx.Done():
		return nil, fault.Unavailable("the sandbox was too slow").With(ctx.Err())
	}
}
