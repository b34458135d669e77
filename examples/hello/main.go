// Command tradewind-provider-hello is the smallest useful plugin: a "cloud"
// that keeps notes in memory. Its argument "describe" shows what it offers.
package main

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"tradewind.example/sdk"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// Note is what a customer orders, and also what there is to see of it.
type Note struct {
	Text string `json:"text" title:"Text" doc:"What to remember." required:"true" min:"1" max:"280"`
}
type thing = provider.Thing[Note]

// Notes is the provider and the handler of its only kind. It serves all accounts
// at the same time, so it locks and keeps them apart.
type Notes struct {
	mu        sync.Mutex
	last      int
	byAccount map[string][]thing
}

// Describe says who we are; the SDK adds kinds and capabilities.
func (n *Notes) Describe(context.Context) (provider.Description, error) {
	return provider.Description{Name: "hello", Version: "1.0.0", Title: "Hello", Summary: "Keeps notes."}, nil
}

// Check accepts everyone: this cloud has no credentials.
func (n *Notes) Check(_ context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	return provider.CheckResponse{OK: true, Account: req.Call.Account.ID}, nil
}

// Kinds registers notes; what can be done with them is found by its methods.
func (n *Notes) Kinds() []*provider.Kind {
	return []*provider.Kind{provider.KindOf[Note, Note]("note", "Note", n)}
}

// Create writes a note, and only one for each token.
func (n *Notes) Create(_ context.Context, req provider.TypedCreate[Note]) (provider.Result[Note], error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	notes := n.byAccount[req.Call.Account.ID]
	if i := slices.IndexFunc(notes, func(t thing) bool { return t.Token == req.Token }); i >= 0 {
		return provider.Done(notes[i]), nil
	}
	n.last++
	t := thing{ID: "note-" + strconv.Itoa(n.last), Name: req.Name, Status: provider.StatusRunning, Token: req.Token, State: req.Spec}
	n.byAccount[req.Call.Account.ID] = append(notes, t)
	return provider.Done(t), nil
}

// List yields the account's notes, oldest first.
func (n *Notes) List(_ context.Context, req provider.ListRequest, yield func(thing) error) error {
	for _, t := range n.where(req.Call, func(thing) bool { return true }) {
		if err := yield(t); err != nil {
			return err
		}
	}
	return nil
}

// Get returns one note.
func (n *Notes) Get(_ context.Context, req provider.GetRequest) (thing, error) {
	if found := n.where(req.Call, func(t thing) bool { return t.ID == req.ID }); len(found) == 1 {
		return found[0], nil
	}
	return thing{}, fault.NotFound("note", req.ID)
}

// FindByToken tells what a change whose answer got lost has done.
func (n *Notes) FindByToken(_ context.Context, req provider.FindRequest) (provider.TypedFound[Note], error) {
	made := n.where(req.Call, func(t thing) bool { return t.Token == req.Token })
	left := n.where(req.Call, func(t thing) bool { return t.ID == req.ID })
	return provider.TypedFound[Note]{Things: made, Done: req.Change == provider.ChangeRelease && len(left) == 0, Settled: true}, nil
}

// Delete forgets a note; one that is gone already is fine.
func (n *Notes) Delete(_ context.Context, req provider.DeleteRequest) (provider.Started, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.byAccount[req.Call.Account.ID] = slices.DeleteFunc(n.byAccount[req.Call.Account.ID], func(t thing) bool { return t.ID == req.ID })
	return provider.Started{}, nil
}

// where returns a copy of those of the account's notes that match.
func (n *Notes) where(call provider.Call, match func(thing) bool) []thing {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(n.byAccount[call.Account.ID]), func(t thing) bool { return !match(t) })
}

func main() { sdk.Serve(&Notes{byAccount: map[string][]thing{}}) }
