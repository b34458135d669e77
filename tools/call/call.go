// Package call makes one call to a plugin from a JSON request and shows the
// answer as JSON, with every secret masked: what a schema marks as secret, and
// the texts of the account's credentials wherever they stand. It starts no
// plugin and keeps nothing.
package call

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/client"
)

// Request is one call. Which fields count depends on the verb.
type Request struct {
	Account provider.Account
	Kind    string
	Verb    string
	Input   Input
}

// Input is what the caller gives as JSON. It has no place for credentials.
type Input struct {
	Region    string              `json:"region"`
	Zone      string              `json:"zone"`
	Locale    string              `json:"locale"`
	ID        string              `json:"id"` // of a resource or an operation
	Name      string              `json:"name"`
	Token     string              `json:"token"` // of a change
	Action    string              `json:"action"`
	Spec      json.RawMessage     `json:"spec"`
	Arguments json.RawMessage     `json:"arguments"` // of an action
	Change    provider.ChangeKind `json:"change"`    // to quote or to find; "": create
	Since     time.Time           `json:"since"`     // of a find
	Kinds     []string            `json:"kinds"`     // of offerings
	Types     []string            `json:"types"`     // of offerings
	Limit     int                 `json:"limit"`     // rows to show; 0: 1000
	Term      struct {
		Billing  provider.BillingMethod `json:"billing"`
		Period   provider.Period        `json:"period"`
		Periods  int                    `json:"periods"`
		Quantity int                    `json:"quantity"`
	} `json:"term"`
}

// defaultLimit is how many rows of a list are shown when the input does not say.
const defaultLimit = 1000

// errEnough ends a list at its limit.
var errEnough = errors.New("enough")

// ParseInput reads an input strictly; "" is the empty one.
func ParseInput(text string) (Input, error) {
	var in Input
	if strings.TrimSpace(text) == "" {
		return in, nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return in, fmt.Errorf("reading the request: %w; credentials belong into the account file", err)
	}
	return in, nil
}

// verb makes one kind of call and hands each answer to show.
type verb struct {
	perKind bool // is called on a kind
	do      func(ctx context.Context, c *client.Client, k provider.Call, r Request, show func(any) error) error
}

// one shows the answer of a call that gives one.
func one[T any](answer T, err error) func(show func(any) error) error {
	return func(show func(any) error) error {
		if err != nil {
			return err
		}
		return show(answer)
	}
}

// verbs is the table of what can be called.
func verbs() map[string]verb {
	type shower = func(any) error
	return map[string]verb{
		"check": {false, func(ctx context.Context, c *client.Client, k provider.Call, _ Request, show shower) error {
			return one(c.Check(ctx, provider.CheckRequest{Call: k}))(show)
		}},
		"regions": {false, func(ctx context.Context, c *client.Client, k provider.Call, _ Request, show shower) error {
			return one(c.Regions(ctx, provider.RegionsRequest{Call: k}))(show)
		}},
		"balance": {false, func(ctx context.Context, c *client.Client, k provider.Call, _ Request, show shower) error {
			return one(c.Balance(ctx, provider.BalanceRequest{Call: k}))(show)
		}},
		"operation": {false, func(ctx context.Context, c *client.Client, k provider.Call, r Request, show shower) error {
			return one(c.Operation(ctx, provider.OperationRequest{Call: k, ID: r.Input.ID}))(show)
		}},
		"offerings": {false, func(ctx context.Context, c *client.Client, k provider.Call, r Request, show shower) error {
			req := provider.OfferingsRequest{Call: k, Kinds: r.Input.Kinds, Types: r.Input.Types}
			return c.Offerings(ctx, req, func(o provider.Offering) error { return show(o) })
		}},
		"import": {false, func(ctx context.Context, c *client.Client, k provider.Call, r Request, show shower) error {
			return c.Import(ctx, provider.ImportRequest{Call: k, Kinds: r.Input.Kinds}, func(o provider.Resource) error { return show(o) })
		}},
		"list": {true, func(ctx context.Context, c *client.Client, k provider.Call, r Request, show shower) error {
			return c.List(ctx, provider.ListRequest{Call: k, Kind: r.Kind}, func(o provider.Resource) error { return show(o) })
		}},
		"get": {true, func(ctx context.Context, c *client.Client, k provider.Call, r Request, show shower) error {
			return one(c.Get(ctx, provider.GetRequest{Call: k, Kind: r.Kind, ID: r.Input.ID}))(show)
		}},
		"quote":  {true, quote},
		"create": {true, create},
		"update": {true, func(ctx context.Context, c *client.Client, k provider.Call, r Request, show shower) error {
			return one(c.Update(ctx, provider.UpdateRequest{Call: k, Token: r.Input.Token, Kind: r.Kind, ID: r.Input.ID, Spec: r.Input.Spec}))(show)
		}},
		"delete": {true, func(ctx context.Context, c *client.Client, k provider.Call, r Request, show shower) error {
			return one(c.Delete(ctx, provider.DeleteRequest{Call: k, Token: r.Input.Token, Kind: r.Kind, ID: r.Input.ID}))(show)
		}},
		"renew": {true, func(ctx context.Context, c *client.Client, k provider.Call, r Request, show shower) error {
			return one(c.Renew(ctx, provider.RenewRequest{Call: k, Token: r.Input.Token, Kind: r.Kind, ID: r.Input.ID, Term: provider.Term(r.Input.Term)}))(show)
		}},
		"find": {true, func(ctx context.Context, c *client.Client, k provider.Call, r Request, show shower) error {
			req := provider.FindRequest{Call: k, Token: r.Input.Token, Kind: r.Kind, Change: r.Input.change(), ID: r.Input.ID, Since: r.Input.Since}
			return one(c.FindByToken(ctx, req))(show)
		}},
		"action": {true, func(ctx context.Context, c *client.Client, k provider.Call, r Request, show shower) error {
			req := provider.ActionRequest{Call: k, Token: r.Input.Token, Kind: r.Kind, ID: r.Input.ID, Action: r.Input.Action, Input: r.Input.Arguments}
			return one(c.Act(ctx, req))(show)
		}},
	}
}

func create(ctx context.Context, c *client.Client, k provider.Call, r Request, show func(any) error) error {
	return one(c.Create(ctx, provider.CreateRequest{
		Call: k, Token: r.Input.Token, Kind: r.Kind, Name: r.Input.Name, Spec: r.Input.Spec, Term: provider.Term(r.Input.Term),
	}))(show)
}

func quote(ctx context.Context, c *client.Client, k provider.Call, r Request, show func(any) error) error {
	return one(c.Quote(ctx, provider.QuoteRequest{
		Call: k, Change: r.Input.change(), Kind: r.Kind, Spec: r.Input.Spec, ResourceID: r.Input.ID, Term: provider.Term(r.Input.Term),
	}))(show)
}

func (in Input) change() provider.ChangeKind {
	if in.Change == "" {
		return provider.ChangeCreate
	}
	return in.Change
}

// Verbs lists what can be called, those of a kind apart.
func Verbs() (plain, ofKind []string) {
	for name, v := range verbs() {
		if v.perKind {
			ofKind = append(ofKind, name)
		} else {
			plain = append(plain, name)
		}
	}
	slices.Sort(plain)
	slices.Sort(ofKind)
	return plain, ofKind
}

// changing are the verbs that need a token.
func changing(name string) bool {
	return slices.Contains([]string{"create", "update", "delete", "renew", "action"}, name)
}

// Do makes the call and writes each answer, or each row of a list, to w as
// indented JSON. A change without a token gets newToken's. The error's text has
// no credential in it.
func Do(ctx context.Context, c *client.Client, r Request, newToken func() string, w io.Writer) error {
	v, ok := verbs()[r.Verb]
	plain, ofKind := Verbs()
	switch {
	case !ok:
		return fmt.Errorf("verb %q is none of %s, and on a kind %s", r.Verb, strings.Join(plain, ", "), strings.Join(ofKind, ", "))
	case v.perKind && r.Kind == "":
		return fmt.Errorf("verb %q is called on a kind: name it before the verb", r.Verb)
	case !v.perKind && r.Kind != "":
		return fmt.Errorf("verb %q is called on no kind", r.Verb)
	}
	d, err := c.Describe(ctx)
	if err != nil {
		return fmt.Errorf("describing the plugin: %w", err)
	}
	if changing(r.Verb) && r.Input.Token == "" {
		r.Input.Token = newToken()
	}
	m := newMask(d, r)
	limit := r.Input.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	k := provider.Call{
		Org: "call", RootOrg: "call", Account: r.Account, Region: r.Input.Region, Zone: r.Input.Zone, Locale: r.Input.Locale, RequestID: "call",
	}
	err = v.do(ctx, c, k, r, func(answer any) error {
		if limit--; limit < 0 {
			return errEnough
		}
		return m.write(w, answer)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return m.error(err)
}

// write shows one answer.
func (m *mask) write(w io.Writer, answer any) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m.tree(answer)); err != nil {
		return fmt.Errorf("showing the answer: %w", err)
	}
	_, err := w.Write(out.Bytes())
	return err
}
