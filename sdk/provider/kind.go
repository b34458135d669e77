package provider

import (
	"context"
	"io"
	"time"
)

// The typed side of a kind: an author writes a handler with any of these
// methods and registers it with [KindOf]; the schema comes from Spec and State.

// Creator makes resources.
type Creator[Spec, State any] interface {
	Create(ctx context.Context, req TypedCreate[Spec]) (Result[State], error)
}

// Getter reads one resource; missing is a not_found fault.
type Getter[State any] interface {
	Get(ctx context.Context, req GetRequest) (Thing[State], error)
}

// Lister streams all resources in the call's region.
type Lister[State any] interface {
	List(ctx context.Context, req ListRequest, yield func(Thing[State]) error) error
}

// Updater changes the spec of a resource.
type Updater[Spec, State any] interface {
	Update(ctx context.Context, req TypedUpdate[Spec]) (Result[State], error)
}

// Deleter releases a resource; one already gone is a success.
type Deleter interface {
	Delete(ctx context.Context, req DeleteRequest) (Started, error)
}

// TokenFinder finds what a token made. Every kind with a Creator should have it.
type TokenFinder[State any] interface {
	FindByToken(ctx context.Context, req FindRequest) (TypedFound[State], error)
}

// TypedCreate is [CreateRequest] with the spec decoded.
type TypedCreate[Spec any] struct {
	Call  Call
	Token string
	Name  string
	Spec  Spec
	Term  Term
}

// TypedUpdate is [UpdateRequest] with the spec decoded.
type TypedUpdate[Spec any] struct {
	Call  Call
	Token string
	ID    string
	Spec  Spec
}

// Thing is [Resource] with the state typed.
type Thing[State any] struct {
	ID        string
	Name      string
	Region    string
	Zone      string
	Status    Status
	RawStatus string
	Token     string
	Billing   BillingMethod
	Created   time.Time
	Expires   time.Time
	State     State
	// Parts is all that it consists of, at most [MaxParts], for kinds that say so
	// with [Kind.Of]; nil: not told. Lists need not tell it.
	Parts []Part
}

// Result is the answer to a typed change: Done or Started made it.
type Result[State any] struct {
	thing       *Thing[State]
	operation   string
	VendorOrder string
	Cost        Decimal
	Currency    string
}

// Done answers that the change has happened and this is the resource now.
func Done[State any](t Thing[State]) Result[State] { return Result[State]{thing: &t} }

// StartedAs answers that the change is under way; poll it with this operation id.
// t may carry what is known already (at least the id), or be nil.
func StartedAs[State any](operation string, t *Thing[State]) Result[State] {
	return Result[State]{operation: operation, thing: t}
}

// Started is the answer to a change without a typed state. The zero value is done.
type Started struct{ Operation string }

// TypedFound is [Found] with the state typed.
type TypedFound[State any] struct {
	Things    []Thing[State]
	Operation string
	Done      bool
	Settled   bool
}

// Kind is a registered kind: its description and its untyped entry points. A
// nil entry point means that the verb is not offered.
type Kind struct {
	Description KindDescription

	Create      func(ctx context.Context, req CreateRequest) (Change, error)
	Get         func(ctx context.Context, req GetRequest) (Resource, error)
	List        func(ctx context.Context, req ListRequest, yield func(Resource) error) error
	Update      func(ctx context.Context, req UpdateRequest) (Change, error)
	Delete      func(ctx context.Context, req DeleteRequest) (Change, error)
	FindByToken func(ctx context.Context, req FindRequest) (Found, error)
	Logs        func(ctx context.Context, req LogsRequest, out io.Writer) error
	Console     func(ctx context.Context, req ConsoleRequest, t Terminal) (code int, err error)
	Actions     map[string]func(ctx context.Context, req ActionRequest) (Change, error)

	problem error
}

// Manage marks the kind as [KindDescription.Managed] and returns it.
func (k *Kind) Manage() *Kind {
	k.Description.Managed = true
	return k
}

// Of names the kinds of the parts of which resources of the kind consist, and
// returns it.
func (k *Kind) Of(parts ...string) *Kind {
	k.Description.PartKinds = parts
	return k
}

// Err tells what is wrong with the registration, nil when nothing is. Serving
// a plugin with a wrong kind fails with it.
func (k *Kind) Err() error { return k.problem }

// TypedAction is [ActionRequest] with the input decoded.
type TypedAction[Input any] struct {
	Call  Call
	Token string
	ID    string
	Input Input
}

// ActionResult is what a typed action answers.
type ActionResult[Output any] struct {
	Operation string // not empty: started
	Output    Output
}

// Action is one registered action of a kind, made by [ActionOf].
type Action struct {
	Description ActionDescription
	Do          func(ctx context.Context, req ActionRequest) (Change, error)

	problem error
}
