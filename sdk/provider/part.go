package provider

import (
	"encoding/json"
	"fmt"
)

// MaxParts bounds how many parts one resource may tell. An answer with more is
// refused by the SDK: tell what counts most, or sell something smaller.
const MaxParts = 500

// Part is one thing that a resource consists of: a component of an app, an
// instance of an environment. It comes and goes with that resource or inside it,
// has no price and no order of its own, and is worked on by the actions of its
// own kind, with its own id.
type Part struct {
	ID        string // the cloud's id, unique within its kind and account
	Kind      string // one of the PartKinds of the resource's kind
	Name      string
	Region    string // "": the resource's
	Zone      string // "": the resource's
	Status    Status
	RawStatus string          // the cloud's own word
	State     json.RawMessage // by the part's kind's state schema
}

// Part returns the thing as a part of another one; kind is its own.
func (t Thing[State]) Part(kind string) (Part, error) {
	state, err := json.Marshal(t.State)
	if err != nil {
		return Part{}, fmt.Errorf("encoding the state of %s %q: %w", kind, t.ID, err)
	}
	return Part{
		ID: t.ID, Kind: kind, Name: t.Name, Region: t.Region, Zone: t.Zone, Status: t.Status, RawStatus: t.RawStatus, State: state,
	}, nil
}
