package order_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// cloud is a fake cloud. Each change takes the next word of its script:
//
//	""             it is made and answered
//	"lost"         it is made and the answer is lost
//	"vanished"     it is not made and the answer is lost
//	"started"      it is under way; the operation ends after two questions
//	"started-lost" it is under way and the answer is lost
//	"stillborn"    it is under way and fails
//	"unsent"       the host says that it sent nothing
//	class name     it is refused with that class
type cloud struct {
	clock    *clock.Fake
	mu       sync.Mutex
	script   []string
	forgets  int                           // questions for an operation that get no answer: it is not known
	made     map[string]*contract.Resource // by token
	dup      []string                      // tokens that made more than one thing
	done     map[string]bool               // tokens of renewals and releases that happened
	running  map[string]int                // operation -> questions left
	fate     map[string]string             // operation -> token, "" when it will fail
	deleted  map[string]bool               // vendor ids
	settled  bool                          // whether absence is final
	canFind  bool
	down     bool
	quotes   string // what a release gives back; "" = not quoted
	window   time.Duration
	calls    int
	lookups  int
	expires  time.Time
	lookFail string // class that look-ups fail with
	acts     []string
	hidden   int           // look-ups that do not see what was made yet
	shows    time.Duration // after which a purchase is seen, and its absence final
	parts    []string      // what each purchase consists of
}

func (c *cloud) describe() contract.Description {
	verbs := []contract.Verb{contract.VerbCreate, contract.VerbGet, contract.VerbDelete, contract.VerbList}
	if c.canFind {
		verbs = append(verbs, contract.VerbFindByToken)
	}
	d := contract.Description{
		Name: "fake", Currency: "CNY", Capabilities: []contract.Capability{contract.CapImport},
		Kinds: []contract.KindDescription{{Name: "instance", Verbs: verbs,
			Spec: json.RawMessage(`{"type":"object","properties":{"cores":{"type":"integer","maximum":64}}}`), Actions: []contract.ActionDescription{
				{Name: "reboot", Changes: true}, {Name: "console"},
				{Name: "resize", Changes: true, Input: json.RawMessage(`{"type":"object","properties":{"cores":{"type":"integer","minimum":1}},"required":["cores"],"additionalProperties":false}`)},
			}, PartKinds: []string{"component"}}, {Name: "component", Managed: true, Actions: []contract.ActionDescription{{Name: "reboot", Changes: true}}}},
		Limits: contract.Limits{TokenWindow: c.window},
	}
	if c.quotes != "" {
		d.Capabilities = append(d.Capabilities, contract.CapQuote)
	}
	return d
}

func (c *cloud) next() string {
	c.calls++
	if len(c.script) == 0 {
		return ""
	}
	word := c.script[0]
	c.script = c.script[1:]
	return word
}

func classed(word string) error {
	if word == "unsent" {
		return fault.Unavailable("the plugin takes no calls now").From(fault.SourceHost)
	}
	if word == "throttled_for_a_day" {
		return fault.Throttled(24*time.Hour, "the cloud says tomorrow")
	}
	for _, class := range fault.Classes() {
		if class.String() == word {
			return fault.New(class, "the cloud says %s", word).Cloud("Code."+word, "vendor-request")
		}
	}
	panic("unknown word " + word)
}

func (c *cloud) Create(_ context.Context, req contract.CreateRequest) (contract.Change, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	word := c.next()
	switch word {
	case "vanished":
		return contract.Change{}, fault.Unknown(nil, "no answer")
	case "stillborn":
		return c.start(""), nil
	case "", "lost", "started", "started-lost":
	default:
		return contract.Change{}, classed(word)
	}
	if c.made[req.Token] != nil {
		c.dup = append(c.dup, req.Token)
	}
	r := &contract.Resource{
		ID: fmt.Sprintf("vm-%03d", len(c.made)+1), Kind: req.Kind, Name: req.Name, Region: req.Call.Region,
		Status: contract.StatusRunning, Token: req.Token, Created: c.clock.Now(), State: json.RawMessage(`{"cores":2}`),
	}
	for _, name := range c.parts {
		r.Parts = append(r.Parts, contract.Part{ID: r.ID + "/" + name, Kind: "component", Name: name, Status: contract.StatusRunning})
	}
	c.made[req.Token] = r
	return c.answer(word, req.Token, r)
}

func (c *cloud) answer(word, token string, r *contract.Resource) (contract.Change, error) {
	switch word {
	case "lost":
		return contract.Change{}, fault.Unknown(nil, "no answer")
	case "started":
		return c.start(token), nil
	case "started-lost":
		c.start(token)
		return contract.Change{}, fault.Unknown(nil, "no answer")
	}
	return contract.Change{Resource: r, Cost: "600", Currency: "CNY", VendorOrder: "vendor-order"}, nil
}

func (c *cloud) start(token string) contract.Change {
	if c.running == nil {
		c.running, c.fate = map[string]int{}, map[string]string{}
	}
	op := fmt.Sprintf("op-%d", len(c.running)+1)
	c.running[op], c.fate[op] = 2, token
	return contract.Change{Operation: op}
}

func (c *cloud) change(id, token string, effect func()) (contract.Change, error) {
	word := c.next()
	switch word {
	case "vanished":
		return contract.Change{}, fault.Unknown(nil, "no answer")
	case "stillborn":
		return c.start(""), nil
	case "", "lost", "started", "started-lost":
	default:
		return contract.Change{}, classed(word)
	}
	if c.done[token] {
		c.dup = append(c.dup, token)
	}
	c.done[token] = true
	effect()
	return c.answer(word, token, c.byID(id))
}

func (c *cloud) Renew(_ context.Context, req contract.RenewRequest) (contract.Change, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.change(req.ID, req.Token, func() {
		if r := c.byID(req.ID); r != nil {
			r.Expires = c.expires
		}
	})
}

func (c *cloud) Delete(_ context.Context, req contract.DeleteRequest) (contract.Change, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.change(req.ID, req.Token, func() {
		if c.deleted == nil {
			c.deleted = map[string]bool{}
		}
		c.deleted[req.ID] = true
	})
}

func (c *cloud) byID(id string) *contract.Resource {
	for _, r := range c.made {
		if r.ID == id && !c.deleted[id] {
			return r
		}
	}
	return nil
}

func (c *cloud) FindByToken(_ context.Context, req contract.FindRequest) (contract.Found, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lookups++
	if c.lookFail != "" {
		return contract.Found{}, classed(c.lookFail)
	}
	if c.hidden > 0 {
		c.hidden--
		return contract.Found{}, nil
	}
	f := contract.Found{Settled: c.settled && c.clock.Now().Sub(req.Since) >= c.shows}
	for op, token := range c.fate {
		if token == req.Token && c.running[op] > 0 {
			f.Operation = op
			return f, nil
		}
	}
	f.Done = c.done[req.Token]
	if r := c.made[req.Token]; r != nil && req.Change == contract.ChangeCreate && c.clock.Now().Sub(r.Created) >= c.shows {
		f.Resources = []contract.Resource{*r}
	}
	return f, nil
}

func (c *cloud) Operation(_ context.Context, req contract.OperationRequest) (contract.Operation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left, known := c.running[req.ID]
	if c.forgets > 0 {
		c.forgets--
		known = false
	}
	if !known {
		return contract.Operation{}, fault.NotFound("operation", req.ID)
	}
	if left > 0 {
		c.running[req.ID]--
		return contract.Operation{ID: req.ID, State: contract.OperationRunning}, nil
	}
	token := c.fate[req.ID]
	if token == "" {
		return contract.Operation{ID: req.ID, State: contract.OperationFailed, Failure: fault.New(fault.ClassOutOfStock, "none left")}, nil
	}
	return contract.Operation{ID: req.ID, State: contract.OperationSucceeded, Resource: c.made[token]}, nil
}

func (c *cloud) Get(_ context.Context, req contract.GetRequest) (contract.Resource, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.byID(req.ID); r != nil {
		return *r, nil
	}
	return contract.Resource{}, fault.NotFound("instance", req.ID)
}

func (c *cloud) Quote(context.Context, contract.QuoteRequest) (contract.Quote, error) {
	if c.quotes == "gone" {
		return contract.Quote{}, fault.NotFound("instance", "it")
	}
	return contract.Quote{Currency: "CNY", List: contract.Decimal(c.quotes)}, nil
}

func (c *cloud) Act(_ context.Context, req contract.ActionRequest) (contract.Change, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acts = append(c.acts, req.Action)
	if req.Action == "resize" {
		if !req.Call.Ordered {
			return contract.Change{}, fault.Precondition("nobody is billed for it")
		}
		return c.change(req.ID, req.Token, func() {
			if r := c.byID(req.ID); r != nil {
				r.State = req.Input
			}
		})
	}
	return contract.Change{}, nil
}

func (c *cloud) Import(_ context.Context, _ contract.ImportRequest, yield func(contract.Resource) error) error {
	for _, r := range c.made {
		if err := yield(*r); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) List(context.Context, contract.ListRequest, func(contract.Resource) error) error {
	return fault.Unsupported("import is offered")
}

func (c *cloud) Regions(context.Context, contract.RegionsRequest) ([]contract.Region, error) {
	return nil, fault.Unsupported("no regions")
}

func (c *cloud) alive() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]bool{}
	for _, r := range c.made {
		if !c.deleted[r.ID] {
			out[r.ID] = true
		}
	}
	return out
}

func (c *cloud) check(t testing.TB) {
	t.Helper()
	if len(c.dup) > 0 {
		t.Errorf("the cloud was asked twice for tokens %v", c.dup)
	}
}
