// Command compat drives a plugin through a host and prints what the host gets
// from it, one JSON line for each step, without times. It is built against two
// versions of the host; the lines of one plugin must be the same under both.
//
// It uses only what every host since the first contract has: keep it so.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"tradewind.example/host"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// timeout bounds the whole run.
const timeout = time.Minute

// specs are orders that the examples take, by kind.
var specs = map[string]string{
	"note":     `{"text":"milk"}`,
	"entry":    `{"text":"kept by the host"}`,
	"instance": `{"flavour":"small","disk_gb":20}`,
	"rack":     `{"name":"north","units":12}`,
}

// unsold are the kinds that are kept without orders, so that they have no price.
// A host from before there were such kinds cannot tell them from the others.
var unsold = map[string]bool{"rack": true}

// later are the fields of a description that the first contract does not have. A
// host that does not know them passes over them, as it must.
var later = []string{"managed", "deprecated", "part_kinds"}

// parts are the kinds of which nothing is ever made by itself.
var parts = map[string]bool{"data_disk": true}

// asFirst is a description as every host can tell it.
func asFirst(d provider.Description) (any, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var out any
	err = json.Unmarshal(text, &out)
	return without(out, later), err
}

// without takes the named fields out of a document, however deep.
func without(v any, names []string) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range names {
			delete(v, name)
		}
		for key, inner := range v {
			v[key] = without(inner, names)
		}
	case []any:
		for i, inner := range v {
			v[i] = without(inner, names)
		}
	}
	return v
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) (err error) {
	if len(args) != 1 {
		return errors.New("name the binary of a plugin")
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "twc")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	kept := plugintest.NewHost()
	h, err := host.Open(ctx, host.Config{Dir: dir, Services: func(string) provider.HostServices { return kept }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close(ctx)) }()
	entry, err := h.Install(ctx, args[0], host.InstallOptions{AcceptComputed: true})
	if err != nil {
		return err
	}
	p, err := h.Plugin(entry.Name)
	if err != nil {
		return err
	}
	s := &script{plugin: p, enc: json.NewEncoder(out)}
	s.all(ctx)
	return s.err
}

// script is one run through a plugin.
type script struct {
	plugin *host.Plugin
	enc    *json.Encoder
	err    error // of writing, or of a step that every plugin must do
}

// line is what is written of a step.
type line struct {
	Step   string `json:"step"`
	Answer any    `json:"answer,omitempty"`
	Fault  *told  `json:"fault,omitempty"`
}

// told is the part of a fault that a broker decides by.
type told struct {
	Class, Source, Message string
	Unknown                bool
	Fields                 []fault.Field
	Code                   string
}

func (s *script) say(step string, answer any, err error) {
	l := line{Step: step, Answer: answer}
	if err != nil {
		e := fault.As(err)
		l.Answer, l.Fault = nil, &told{e.Class.String(), e.Source.String(), e.Message, e.Outcome == fault.OutcomeUnknown, e.Fields, e.CloudCode}
	}
	s.err = errors.Join(s.err, s.enc.Encode(l))
}

// need says a step that must not fail.
func (s *script) need(step string, answer any, err error) {
	s.say(step, answer, err)
	if err != nil {
		s.err = errors.Join(s.err, fmt.Errorf("%s: %w", step, err))
	}
}

func call(settings map[string]string) provider.Call {
	return provider.Call{Org: "o1", RootOrg: "o1", RequestID: "r1", Region: "east", Locale: "zh-CN", Account: provider.Account{
		ID: "a1", Credentials: map[string]secret.Value{"api_key": secret.New("key-of-a1")}, Settings: settings,
	}}
}

func (s *script) all(ctx context.Context) {
	d, err := s.plugin.Describe(ctx)
	described, decoded := asFirst(d)
	s.need("describe", described, errors.Join(err, decoded))
	check, err := s.plugin.Check(ctx, provider.CheckRequest{Call: call(nil)})
	s.need("check", check, err)
	bad := call(nil)
	bad.Account.Credentials = nil
	check, err = s.plugin.Check(ctx, provider.CheckRequest{Call: bad})
	s.say("check without credentials", check, err)
	s.catalogue(ctx, d)
	for _, k := range d.Kinds {
		spec, ok := specs[k.Name]
		if parts[k.Name] {
			_, err := s.plugin.Get(ctx, provider.GetRequest{Call: call(nil), Kind: k.Name, ID: "none/1"})
			s.say("get a part that is not there", nil, err)
			continue
		}
		if !ok {
			s.err = errors.Join(s.err, fmt.Errorf("no order is known for kind %q", k.Name))
			continue
		}
		s.life(ctx, d, k, spec)
	}
	_, err = s.plugin.Get(ctx, provider.GetRequest{Call: call(nil), Kind: "moon", ID: "1"})
	s.say("an unknown kind", nil, err)
	_, err = s.plugin.Balance(ctx, provider.BalanceRequest{Call: call(nil)})
	s.say("an ability that is not offered", nil, err)
}

// catalogue calls what is declared of the cloud's list.
func (s *script) catalogue(ctx context.Context, d provider.Description) {
	if slices.Contains(d.Capabilities, provider.CapRegions) {
		regions, err := s.plugin.Regions(ctx, provider.RegionsRequest{Call: call(nil)})
		s.need("regions", regions, err)
	}
	if slices.Contains(d.Capabilities, provider.CapOfferings) {
		var all []provider.Offering
		err := s.plugin.Offerings(ctx, provider.OfferingsRequest{Call: call(nil)}, func(o provider.Offering) error {
			all = append(all, o)
			return nil
		})
		s.need("offerings", all, err)
	}
}

// life takes a resource from its order to its end.
func (s *script) life(ctx context.Context, d provider.Description, k provider.KindDescription, spec string) {
	term := provider.Term{Billing: provider.BillingPrepaid, Period: provider.PeriodMonth, Periods: 1, Quantity: 1}
	order := provider.CreateRequest{Call: call(nil), Token: "t1", Kind: k.Name, Name: "web", Spec: json.RawMessage(spec), Term: term}
	if slices.Contains(d.Capabilities, provider.CapQuote) && !unsold[k.Name] {
		q, err := s.plugin.Quote(ctx, provider.QuoteRequest{Call: call(nil), Change: provider.ChangeCreate, Kind: k.Name, Spec: order.Spec, Term: term})
		s.need("quote", q, err)
	}
	made, err := s.plugin.Create(ctx, order)
	s.need("create", timeless(made.Resource), err)
	if err != nil || made.Resource == nil {
		return
	}
	again, err := s.plugin.Create(ctx, order)
	s.need("create again", timeless(again.Resource), err)
	id := made.Resource.ID
	got, err := s.plugin.Get(ctx, provider.GetRequest{Call: call(nil), Kind: k.Name, ID: id})
	s.need("get", timeless(&got), err)
	var listed []any
	err = s.plugin.List(ctx, provider.ListRequest{Call: call(nil), Kind: k.Name}, func(r provider.Resource) error {
		listed = append(listed, timeless(&r))
		return nil
	})
	s.need("list", listed, err)
	found, err := s.plugin.FindByToken(ctx, provider.FindRequest{Call: call(nil), Kind: k.Name, Token: "t1", Change: provider.ChangeCreate, Since: time.Now()})
	s.need("find by token", []any{len(found.Resources), found.Done, found.Settled}, err)
	s.wrong(ctx, order)
	for _, a := range k.Actions {
		req := provider.ActionRequest{Call: call(nil), Kind: k.Name, ID: id, Action: a.Name, Input: json.RawMessage(`{}`)}
		if a.Changes {
			req.Token = "act-" + a.Name
		}
		done, err := s.plugin.Act(ctx, req)
		s.say("action "+a.Name, done.Output, err)
	}
	gone, err := s.plugin.Delete(ctx, provider.DeleteRequest{Call: call(nil), Token: "t2", Kind: k.Name, ID: id})
	s.need("delete", gone.Operation, err)
	got, err = s.plugin.Get(ctx, provider.GetRequest{Call: call(nil), Kind: k.Name, ID: id})
	s.say("get what is gone", timeless(&got), err)
}

// wrong makes orders that fail, in the two ways that matter: refused, and lost.
func (s *script) wrong(ctx context.Context, order provider.CreateRequest) {
	order.Token, order.Spec = "t3", json.RawMessage(`{"nonsense":true}`)
	_, err := s.plugin.Create(ctx, order)
	s.say("a wrong order", nil, err)
	if order.Kind != "instance" {
		return
	}
	order.Token, order.Spec = "t4", json.RawMessage(specs[order.Kind])
	order.Call = call(map[string]string{"lose_answer_every": "1"})
	order.Call.Account.ID = "a2" // a cloud of its own, so that the rest stays as it is
	_, err = s.plugin.Create(ctx, order)
	s.say("a lost answer", nil, err)
}

// timeless is a resource without what differs from run to run, and without what
// the first contract's does not have.
func timeless(r *provider.Resource) any {
	if r == nil {
		return nil
	}
	c := *r
	c.Created, c.Expires = time.Time{}, time.Time{}
	text, err := json.Marshal(c)
	if err != nil {
		return err.Error()
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		return err.Error()
	}
	delete(out, "Parts")
	return out
}
