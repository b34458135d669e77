// Command keeper is a plugin that keeps its resources in the host's storage, so
// that the host's services are proved across versions too. It uses only what the
// first SDK has: keep it so.
package main

import (
	"context"
	"encoding/json"

	"tradewind.example/sdk"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

func main() {
	k := &keeper{}
	k.kinds = []*provider.Kind{provider.KindOf[entry, entry]("entry", "Entry", entries{k})}
	sdk.Serve(k)
}

// keeper is the provider.
type keeper struct {
	host  provider.HostServices
	kinds []*provider.Kind
}

type entry struct {
	Text string `json:"text" required:"true"`
}

// entries handles the kind; an entry's id is the token that made it.
type entries struct{ *keeper }

// UseHost keeps the host's services.
func (k *keeper) UseHost(h provider.HostServices) { k.host = h }

// Kinds returns the one kind.
func (k *keeper) Kinds() []*provider.Kind { return k.kinds }

// Describe says who it is.
func (*keeper) Describe(context.Context) (provider.Description, error) {
	return provider.Description{Name: "keeper", Version: "1.0.0", Title: "Keeper"}, nil
}

// Check needs the host's clock and event sink to answer.
func (k *keeper) Check(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	now, err := k.host.Now(ctx)
	if err != nil || now.IsZero() {
		return provider.CheckResponse{Problem: "the host has no time"}, err
	}
	err = k.host.Emit(ctx, scope(req.Call), provider.Event{Cursor: "check-1", Type: "checked", Time: now})
	return provider.CheckResponse{OK: err == nil}, err
}

func scope(c provider.Call) provider.Scope { return provider.Scope{RootOrg: c.RootOrg} }

// Create writes an entry once: a second time the expectation does not hold.
func (e entries) Create(ctx context.Context, req provider.TypedCreate[entry]) (provider.Result[entry], error) {
	raw, err := json.Marshal(req.Spec)
	if err != nil {
		return provider.Result[entry]{}, err
	}
	err = e.host.Apply(ctx, scope(req.Call), provider.Transaction{
		Expect: []provider.Expectation{{Key: "entry/" + req.Token}},
		Writes: []provider.Write{{Key: "entry/" + req.Token, Value: raw}},
	})
	if err != nil && !fault.Is(err, fault.ClassConflict) {
		return provider.Result[entry]{}, err
	}
	return provider.Done(thing(req.Token, req.Spec)), nil
}

func thing(id string, e entry) provider.Thing[entry] {
	return provider.Thing[entry]{ID: id, Name: "entry", Status: provider.StatusRunning, Token: id, State: e}
}

// Get reads an entry.
func (e entries) Get(ctx context.Context, req provider.GetRequest) (provider.Thing[entry], error) {
	raw, _, err := e.host.Get(ctx, scope(req.Call), "entry/"+req.ID)
	if err != nil {
		return provider.Thing[entry]{}, err
	}
	var v entry
	err = json.Unmarshal(raw, &v)
	return thing(req.ID, v), err
}

// List scans the entries.
func (e entries) List(ctx context.Context, req provider.ListRequest, yield func(provider.Thing[entry]) error) error {
	return e.host.Scan(ctx, scope(req.Call), provider.KeyRange{From: "entry/", To: "entry0"}, func(kv provider.KeyValue) error {
		var v entry
		if err := json.Unmarshal(kv.Value, &v); err != nil {
			return err
		}
		return yield(thing(kv.Key[len("entry/"):], v))
	})
}

// Delete deletes an entry.
func (e entries) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	return provider.Started{}, e.host.Apply(ctx, scope(req.Call), provider.Transaction{
		Token: req.Token, Writes: []provider.Write{{Key: "entry/" + req.ID, Delete: true}},
	})
}

// FindByToken reads the entry with the token's id.
func (e entries) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[entry], error) {
	t, err := e.Get(ctx, provider.GetRequest{Call: req.Call, ID: req.Token})
	if fault.Is(err, fault.ClassNotFound) {
		return provider.TypedFound[entry]{Settled: true}, nil
	}
	return provider.TypedFound[entry]{Things: []provider.Thing[entry]{t}, Settled: true}, err
}
