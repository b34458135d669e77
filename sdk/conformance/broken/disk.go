package broken

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Spec is what a customer chooses of a disk.
type Spec struct {
	SizeGB   int          `json:"size_gb" required:"true" min:"1" max:"1000" title:"Size"`
	Password secret.Value `json:"password" title:"Password"`
}

// State is what a disk is.
type State struct {
	SizeGB int       `json:"size_gb" title:"Size"`
	Since  time.Time `json:"since" title:"Size since"`
}

type rename struct {
	Name string `json:"name" required:"true" min:"1" max:"40"`
}

type renamed struct {
	Name string `json:"name"`
}

// opPrefix begins the id of an operation; the disk's id follows.
const opPrefix = "op-"

// disks is the handler of the kind that is sold.
type disks struct{ p *Plugin }

func (p *Plugin) diskKind() *provider.Kind {
	h := disks{p}
	k := provider.KindOf[Spec, State]("disk", "Disk", h,
		provider.ActionOf(provider.ActionDescription{Name: "rename", Title: "Rename", Changes: true}, h.rename))
	k.Of(partition)
	switch p.flaw {
	case "parts/itself":
		k.Of(partition, "disk")
	case "describe-schemas":
		k.Description.Actions[0].Output = json.RawMessage(`{"type":"nothing"}`)
	case "describe-fixture":
		k.Description.Actions[0].Input = json.RawMessage(strings.Replace(string(k.Description.Actions[0].Input), "40", "1", 1))
	case "common-kinds":
		k.Description.State = json.RawMessage(strings.Replace(string(k.Description.State), `"integer"`, `"number"`, 1))
	case "common-kinds/needs":
		k.Description.Spec = json.RawMessage(strings.Replace(string(k.Description.Spec), `"required":[`, `"required":["password",`, 1))
	case "state-fits":
		get := k.Get
		k.Get = func(ctx context.Context, req provider.GetRequest) (provider.Resource, error) {
			r, err := get(ctx, req)
			r.State = json.RawMessage(`{"size_gb":"many","colour":"red"}`)
			return r, err
		}
	}
	return k
}

// Create makes a disk, and answers with an operation that ends when asked.
func (h disks) Create(ctx context.Context, req provider.TypedCreate[Spec]) (provider.Result[State], error) {
	p := h.p
	if err := p.open(ctx, req.Call); err != nil {
		return provider.Result[State]{}, err
	}
	once := !p.has("create-idempotent")
	if p.has("create-concurrent") && p.fresh(req) {
		p.meet()
		once = false
	}
	d, err := p.cloud.create(req, once)
	if err != nil {
		return provider.Result[State]{}, p.spoil(err)
	}
	t := h.shown(d)
	return provider.StartedAs(opPrefix+t.ID, &t), nil
}

// fresh reports whether the token has made nothing yet.
func (p *Plugin) fresh(req provider.TypedCreate[Spec]) bool {
	for _, d := range p.cloud.all(req.Call.Account.ID, "") {
		if d.Token == req.Token {
			return false
		}
	}
	return true
}

// meet waits a moment for a second caller, so that both have looked before
// either has written.
func (p *Plugin) meet() {
	p.waiting.Lock()
	p.arrived++
	if p.arrived%2 == 0 {
		close(p.together)
		p.together = make(chan struct{})
	}
	met := p.together
	p.waiting.Unlock()
	select {
	case <-met:
	case <-time.After(10 * time.Millisecond):
	}
}

// spoil reports a refusal as the flaw would have it.
func (p *Plugin) spoil(err error) error {
	e := *fault.As(err)
	switch {
	case p.has("lost-answer"):
		e.Outcome = fault.OutcomeNotDone
	case p.has("refusal-class") && e.Class == fault.ClassOutOfStock:
		e.Class = fault.ClassQuota
	case p.has("refusal-class/outcome"):
		e.Outcome = fault.OutcomeUnknown
	case p.has("refusal-origin"):
		e.Source, e.CloudCode, e.RequestID = fault.SourcePlugin, "", ""
	case p.has("throttled-wait"):
		e.RetryAfter = 0
	}
	return &e
}

// shown is a disk as the plugin tells of it.
func (h disks) shown(d disk) provider.Thing[State] {
	if h.p.has("times-utc") {
		d.Created = d.Created.Add(8 * time.Hour)
	}
	if h.p.has("times-utc/state") {
		d.State.Since = d.State.Since.In(time.FixedZone("CST", 8*60*60))
	}
	d.Parts = h.p.parts(d)
	return d.Thing
}

// Get reads one disk.
func (h disks) Get(ctx context.Context, req provider.GetRequest) (provider.Thing[State], error) {
	p := h.p
	if err := p.open(ctx, req.Call); err != nil {
		return provider.Thing[State]{}, err
	}
	owner := req.Call.Account.ID
	if p.has("accounts-apart") {
		owner = p.cloud.owner(req.ID)
	}
	d, err := p.cloud.change(owner, req.ID, func(*disk) {})
	if err != nil {
		if p.has("get-missing") && strings.HasPrefix(req.ID, "cf-none") {
			err = fault.Unavailable("no disk, no answer")
		}
		return provider.Thing[State]{}, err
	}
	t := h.shown(d)
	if p.has("get-same") {
		t.Name = strings.ToUpper(t.Name)
	}
	return t, nil
}

// List streams the account's disks in the region.
func (h disks) List(ctx context.Context, req provider.ListRequest, yield func(provider.Thing[State]) error) error {
	p := h.p
	if err := p.open(ctx, req.Call); err != nil {
		return err
	}
	all := p.cloud.all(req.Call.Account.ID, req.Call.Region)
	if p.has("list-complete") && len(all) > 2 {
		all = all[:2]
	}
	if p.has("list-complete/twice") && len(all) > 0 {
		all = append(all, all[0])
	}
	if p.odd("list-complete/order") {
		slices.Reverse(all)
	}
	for _, d := range all {
		t := h.shown(d)
		if p.has("secrets/list") {
			t.RawStatus = req.Call.Account.Credentials["api_key"].Reveal()
		}
		if err := yield(t); err != nil {
			return err
		}
	}
	return nil
}

// Update changes the size.
func (h disks) Update(ctx context.Context, req provider.TypedUpdate[Spec]) (provider.Result[State], error) {
	if err := h.p.open(ctx, req.Call); err != nil {
		return provider.Result[State]{}, err
	}
	d, err := h.p.cloud.change(req.Call.Account.ID, req.ID, func(d *disk) { d.State.SizeGB = req.Spec.SizeGB })
	if err != nil {
		return provider.Result[State]{}, err
	}
	return provider.Done(h.shown(d)), nil
}

// Delete removes a disk; one already gone is a success.
func (h disks) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	p := h.p
	if err := p.open(ctx, req.Call); err != nil {
		return provider.Started{}, err
	}
	if p.has("delete-missing") && strings.HasPrefix(req.ID, "cf-none") {
		return provider.Started{}, fault.NotFound("disk", req.ID)
	}
	if !p.has("delete-gone") {
		p.cloud.remove(req.Call.Account.ID, req.ID)
	}
	return provider.Started{}, nil
}

// FindByToken tells what a token made.
func (h disks) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[State], error) {
	p := h.p
	if err := p.open(ctx, req.Call); err != nil {
		return provider.TypedFound[State]{}, err
	}
	out := provider.TypedFound[State]{Settled: !p.has("find-unused/never")}
	if req.Change == provider.ChangeRelease {
		_, err := p.cloud.change(req.Call.Account.ID, req.ID, func(*disk) {})
		out.Done = fault.Is(err, fault.ClassNotFound) && !p.has("delete-gone/token")
		return out, nil
	}
	for _, d := range p.cloud.all(req.Call.Account.ID, "") {
		if d.Token == req.Token && !p.has("find-made") {
			out.Things, out.Done = append(out.Things, h.shown(d)), true
		}
	}
	if p.has("find-unused") {
		out.Done = true
	}
	return out, nil
}

func (h disks) rename(ctx context.Context, req provider.TypedAction[rename]) (provider.ActionResult[renamed], error) {
	if err := h.p.open(ctx, req.Call); err != nil {
		return provider.ActionResult[renamed]{}, err
	}
	d, err := h.p.cloud.change(req.Call.Account.ID, req.ID, func(d *disk) { d.Name = req.Input.Name })
	return provider.ActionResult[renamed]{Output: renamed{Name: d.Name}}, err
}
