package plugintest

import (
	"encoding/json"
	"slices"
	"testing"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// Finish asks for an operation until it has ended, at most so many times, and
// calls step after each question that found it running, so that a simulated
// cloud's clock goes on. An operation that does not end by then, or does not
// say when to ask again, fails the test.
func Finish(t testing.TB, c *client.Client, call provider.Call, id string, times int, step func()) provider.Operation {
	t.Helper()
	for range times {
		op, err := c.Operation(t.Context(), provider.OperationRequest{Call: call, ID: id})
		if err != nil {
			t.Fatalf("operation %q: %v", id, err)
		}
		if op.State != provider.OperationRunning {
			return op
		}
		if op.CheckAfter <= 0 {
			t.Errorf("operation %q does not say when to ask again", id)
		}
		step()
	}
	t.Fatalf("operation %q does not end", id)
	return provider.Operation{}
}

// Read returns a resource that must be there.
func Read(t testing.TB, c *client.Client, call provider.Call, kind, id string) provider.Resource {
	t.Helper()
	r, err := c.Get(t.Context(), provider.GetRequest{Call: call, Kind: kind, ID: id})
	if err != nil {
		t.Fatalf("reading %s %q: %v", kind, id, err)
	}
	return r
}

// ReadAll returns all resources of a kind, in the plugin's order; never nil.
func ReadAll(t testing.TB, c *client.Client, call provider.Call, kind string) []provider.Resource {
	t.Helper()
	out := []provider.Resource{}
	err := c.List(t.Context(), provider.ListRequest{Call: call, Kind: kind}, func(r provider.Resource) error {
		out = append(out, r)
		return nil
	})
	if err != nil {
		t.Fatalf("listing %s: %v", kind, err)
	}
	return out
}

// Create makes a resource, waits for it with ended when that takes an operation,
// and returns it. One that is not made ends the test.
func Create(t testing.TB, c *client.Client, req provider.CreateRequest, ended func(operation string) provider.Operation) provider.Resource {
	t.Helper()
	change, err := c.Create(t.Context(), req)
	if err != nil {
		t.Fatalf("creating %s %q: %v", req.Kind, req.Token, err)
	}
	if change.Operation == "" {
		return *change.Resource
	}
	op := ended(change.Operation)
	if op.State != provider.OperationSucceeded {
		t.Fatalf("creating %s %q: %+v", req.Kind, req.Token, op)
	}
	return *op.Resource
}

// Delete deletes a resource and waits until it is gone, as [Create] does. One
// that stays ends the test.
func Delete(t testing.TB, c *client.Client, req provider.DeleteRequest, ended func(operation string) provider.Operation) {
	t.Helper()
	change, err := c.Delete(t.Context(), req)
	if err != nil {
		t.Fatalf("deleting %s %q: %v", req.Kind, req.ID, err)
	}
	if change.Operation == "" {
		return
	}
	if op := ended(change.Operation); op.State != provider.OperationSucceeded {
		t.Fatalf("deleting %s %q: %+v", req.Kind, req.ID, op)
	}
}

// Act performs an action and waits for it, as [Create] does. The error is that
// of the call, or of the operation.
func Act(t testing.TB, c *client.Client, req provider.ActionRequest, ended func(operation string) provider.Operation) (provider.Change, error) {
	t.Helper()
	change, err := c.Act(t.Context(), req)
	if err != nil || change.Operation == "" {
		return change, err
	}
	if op := ended(change.Operation); op.State != provider.OperationSucceeded {
		return change, op.Failure
	}
	return change, nil
}

// State reads the state of a resource, which must have one of the shape asked for.
func State[S any](t testing.TB, r provider.Resource) S {
	t.Helper()
	var out S
	if err := json.Unmarshal(r.State, &out); err != nil {
		t.Fatalf("the state of %q: %v", r.ID, err)
	}
	return out
}

// IDs returns the ids of resources in their alphabetical order; never nil.
func IDs(all []provider.Resource) []string {
	out := []string{}
	for _, r := range all {
		out = append(out, r.ID)
	}
	slices.Sort(out)
	return out
}

// Find returns what a plugin finds by a token; a search that fails ends the test.
func Find(t testing.TB, c *client.Client, req provider.FindRequest) provider.Found {
	t.Helper()
	f, err := c.FindByToken(t.Context(), req)
	if err != nil {
		t.Fatalf("finding %q: %v", req.Token, err)
	}
	return f
}

// Want holds that an error is of a class with an outcome; no error has the
// class of none, and no outcome.
func Want(t testing.TB, reason string, err error, class fault.Class, outcome fault.Outcome) {
	t.Helper()
	if fault.ClassOf(err) != class || (err != nil && fault.OutcomeOf(err) != outcome) {
		t.Errorf("%s: got %v, want class %v, outcome %v", reason, err, class, outcome)
	}
}
