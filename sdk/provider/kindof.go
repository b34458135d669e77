package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/schema"
)

// kindName is how kinds and actions are named: the words travel and are stored.
var kindName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// KindOf registers a kind. Its schemas come from Spec and State (see package
// schema for the tags), its verbs from the interfaces that handler implements:
// [Creator], [Getter], [Lister], [Updater], [Deleter], [TokenFinder],
// [LogStreamer], [Consoler]. What is wrong with the registration is told by
// [Kind.Err] and when serving starts.
func KindOf[Spec, State any](name, title string, handler any, actions ...Action) *Kind {
	k := &Kind{Description: KindDescription{Name: name, Title: title}}
	var problems []error
	check := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	if !kindName.MatchString(name) {
		check(fmt.Errorf("name %q: use lower case words joined by _", name))
	}
	var err error
	k.Description.Spec, err = schema.For[Spec]()
	check(err)
	k.Description.State, err = schema.For[State]()
	check(err)
	bindChanges[Spec, State](k, handler)
	bindReads[State](k, handler)
	bindStreams(k, handler)
	check(lookalikes(k, handler))
	check(k.bindActions(actions))
	if len(k.Description.Verbs) == 0 && len(actions) == 0 {
		check(fmt.Errorf("handler %T offers no verb: implement Getter, Lister, Creator, Updater, Deleter, TokenFinder, LogStreamer or Consoler for its types", handler))
	}
	if len(problems) > 0 {
		k.problem = fmt.Errorf("kind %q: %w", name, errors.Join(problems...))
	}
	return k
}

// bindChanges finds the changing verbs of handler.
func bindChanges[Spec, State any](k *Kind, handler any) {
	name := k.Description.Name
	if h, ok := handler.(Creator[Spec, State]); ok {
		k.offer(VerbCreate)
		k.Create = func(ctx context.Context, req CreateRequest) (Change, error) {
			spec, err := decode[Spec](req.Spec, "spec")
			if err != nil {
				return Change{}, err
			}
			r, err := h.Create(ctx, TypedCreate[Spec]{Call: req.Call, Token: req.Token, Name: req.Name, Spec: spec, Term: req.Term})
			return changed(name, r, err)
		}
	}
	if h, ok := handler.(Updater[Spec, State]); ok {
		k.offer(VerbUpdate)
		k.Update = func(ctx context.Context, req UpdateRequest) (Change, error) {
			spec, err := decode[Spec](req.Spec, "spec")
			if err != nil {
				return Change{}, err
			}
			r, err := h.Update(ctx, TypedUpdate[Spec]{Call: req.Call, Token: req.Token, ID: req.ID, Spec: spec})
			return changed(name, r, err)
		}
	}
	if h, ok := handler.(Deleter); ok {
		k.offer(VerbDelete)
		k.Delete = func(ctx context.Context, req DeleteRequest) (Change, error) {
			s, err := h.Delete(ctx, req)
			return Change{Operation: s.Operation}, err
		}
	}
}

// bindReads finds the reading verbs of handler.
func bindReads[State any](k *Kind, handler any) {
	name := k.Description.Name
	if h, ok := handler.(Getter[State]); ok {
		k.offer(VerbGet)
		k.Get = func(ctx context.Context, req GetRequest) (Resource, error) {
			t, err := h.Get(ctx, req)
			if err != nil {
				return Resource{}, err
			}
			return t.untyped(name)
		}
	}
	if h, ok := handler.(Lister[State]); ok {
		k.offer(VerbList)
		k.List = func(ctx context.Context, req ListRequest, yield func(Resource) error) error {
			return h.List(ctx, req, func(t Thing[State]) error {
				r, err := t.untyped(name)
				if err != nil {
					return err
				}
				return yield(r)
			})
		}
	}
	if h, ok := handler.(TokenFinder[State]); ok {
		k.offer(VerbFindByToken)
		k.FindByToken = func(ctx context.Context, req FindRequest) (Found, error) {
			f, err := h.FindByToken(ctx, req)
			if err != nil {
				return Found{}, err
			}
			return found(name, f)
		}
	}
}

// bindStreams finds the streaming verbs of handler.
func bindStreams(k *Kind, handler any) {
	if h, ok := handler.(LogStreamer); ok {
		k.offer(VerbLogs)
		k.Logs = h.Logs
	}
	if h, ok := handler.(Consoler); ok {
		k.offer(VerbConsole)
		k.Console = h.Console
	}
}

func (k *Kind) offer(v Verb) { k.Description.Verbs = append(k.Description.Verbs, v) }

// lookalikes reports a method that is named like a verb and has another
// signature: without that, the verb would silently not be offered.
func lookalikes(k *Kind, handler any) error {
	bound := map[string]bool{
		"Create": k.Create != nil, "Get": k.Get != nil, "List": k.List != nil,
		"Update": k.Update != nil, "Delete": k.Delete != nil, "FindByToken": k.FindByToken != nil,
		"Logs": k.Logs != nil, "Console": k.Console != nil,
	}
	t := reflect.TypeOf(handler)
	if t == nil {
		return errors.New("handler is nil")
	}
	var problems []error
	for _, name := range []string{"Create", "Get", "List", "Update", "Delete", "FindByToken", "Logs", "Console"} {
		if m, ok := t.MethodByName(name); ok && !bound[name] {
			problems = append(problems, fmt.Errorf("%s.%s is %s, which does not fit the kind's spec and state", t, name, m.Type))
		}
	}
	return errors.Join(problems...)
}

func (k *Kind) bindActions(actions []Action) error {
	var problems []error
	k.Actions = make(map[string]func(context.Context, ActionRequest) (Change, error), len(actions))
	for _, a := range actions {
		name := a.Description.Name
		switch {
		case a.problem != nil:
			problems = append(problems, a.problem)
		case a.Do == nil:
			problems = append(problems, fmt.Errorf("action %q has no function: make it with ActionOf", name))
		case !kindName.MatchString(name):
			problems = append(problems, fmt.Errorf("action name %q: use lower case words joined by _", name))
		case k.Actions[name] != nil:
			problems = append(problems, fmt.Errorf("action %q is registered twice", name))
		default:
			k.Actions[name] = a.Do
			k.Description.Actions = append(k.Description.Actions, a.Description)
		}
	}
	return errors.Join(problems...)
}

// ActionOf makes an action of a kind. The schemas of description are filled
// from In and Out. Out must not hold a secret.Value, which every encoder
// masks: use a text with the tag secret:"true" for a link that must arrive.
func ActionOf[In, Out any](
	description ActionDescription, fn func(ctx context.Context, req TypedAction[In]) (ActionResult[Out], error),
) Action {
	a := Action{Description: description}
	var errIn, errOut, errFn error
	a.Description.Input, errIn = schema.For[In]()
	a.Description.Output, errOut = schema.For[Out]()
	if schema.HasSecret(reflect.TypeFor[Out]()) {
		errOut = errors.Join(errOut, errors.New(`output holds a secret.Value, which would arrive masked: use a string with the tag secret:"true"`))
	}
	if fn == nil {
		errFn = errors.New("function is nil")
	}
	if err := errors.Join(errIn, errOut, errFn); err != nil {
		a.problem = fmt.Errorf("action %q: %w", description.Name, err)
	}
	a.Do = func(ctx context.Context, req ActionRequest) (Change, error) {
		input, err := decode[In](req.Input, "input")
		if err != nil {
			return Change{}, err
		}
		r, err := fn(ctx, TypedAction[In]{Call: req.Call, Token: req.Token, ID: req.ID, Input: input})
		if err != nil {
			return Change{}, err
		}
		output, err := json.Marshal(r.Output)
		if err != nil {
			return Change{}, fmt.Errorf("encoding the output: %w", err)
		}
		return Change{Operation: r.Operation, Output: output}, nil
	}
	return a
}

// decode reads validated JSON; an error that is left (a number that does not
// fit, say) is the caller's, and nothing has been done.
func decode[T any](doc json.RawMessage, root string) (T, error) {
	out, err := schema.Decode[T](doc)
	if err != nil {
		return out, fault.Invalid(root, "cannot be read as %T", out).With(err)
	}
	return out, nil
}

func (t Thing[State]) untyped(kind string) (Resource, error) {
	state, err := json.Marshal(t.State)
	if err != nil {
		return Resource{}, fmt.Errorf("encoding the state of %s %q: %w", kind, t.ID, err)
	}
	return Resource{
		ID: t.ID, Kind: kind, Name: t.Name, Region: t.Region, Zone: t.Zone,
		Status: t.Status, RawStatus: t.RawStatus, Token: t.Token, Billing: t.Billing,
		Created: t.Created, Expires: t.Expires, State: state, Parts: t.Parts,
	}, nil
}

// changed translates the answer to a typed change. An answer that cannot be
// encoded stays an error that is no fault: the change may have happened.
func changed[State any](kind string, r Result[State], err error) (Change, error) {
	if err != nil {
		return Change{}, err
	}
	out := Change{Operation: r.operation, VendorOrder: r.VendorOrder, Cost: r.Cost, Currency: r.Currency}
	if r.thing == nil {
		return out, nil
	}
	res, err := r.thing.untyped(kind)
	out.Resource = &res
	return out, err
}

func found[State any](kind string, f TypedFound[State]) (Found, error) {
	out := Found{Operation: f.Operation, Done: f.Done, Settled: f.Settled}
	for _, t := range f.Things {
		r, err := t.untyped(kind)
		if err != nil {
			return Found{}, err
		}
		out.Resources = append(out.Resources, r)
	}
	return out, nil
}
