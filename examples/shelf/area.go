package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Box is one sold thing, as it is stored and as it is shown.
type Box struct {
	ID      string `json:"id" title:"Number"`
	Article string `json:"article" title:"Article"`
	Name    string `json:"name,omitempty" title:"Name"`
	Token   string `json:"token" title:"Purchase token"`

	revision uint64
}

func (b Box) thing() provider.Thing[Box] {
	return provider.Thing[Box]{ID: b.ID, Name: b.Name, Status: provider.StatusRunning, Token: b.Token, State: b}
}

// stock is how many of an article are left.
type stock struct {
	Count int `json:"count"`

	revision uint64 // 0: nobody bought any yet
}

// area is one account's part of the storage. The host keeps plugins and root
// orgs apart; accounts are ours to keep apart.
type area struct {
	host  provider.HostServices
	scope provider.Scope
	at    string // what all keys begin with
}

// open reads an account's config and returns its part of the storage.
func (s *shelf) open(call provider.Call) (area, Config, error) {
	cfg, err := provider.DecodeAccount[Config](call)
	if err != nil {
		return area{}, cfg, err
	}
	if cfg.weak() {
		return area{}, cfg, fault.Unauthenticated(weakCode)
	}
	return area{host: s.host, scope: provider.Scope{RootOrg: call.RootOrg}, at: "account/" + call.Account.ID + "/"}, cfg, nil
}

func (a area) stockKey(article string) string { return a.at + "stock/" + article }
func (a area) boxKey(id string) string        { return a.at + "box/" + id }
func (a area) codeKey(id string) string       { return a.at + "code/" + id }

// idOf is the box that a token buys: a repeat finds it without an index.
func idOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "box-" + hex.EncodeToString(sum[:8])
}

func (a area) box(ctx context.Context, id string) (b Box, err error) {
	b.revision, err = a.read(ctx, a.boxKey(id), &b)
	return b, err
}

// stock returns what is left of an article; what nobody bought yet is all there.
func (a area) stock(ctx context.Context, article string, first int) (left stock, err error) {
	left.revision, err = a.read(ctx, a.stockKey(article), &left)
	if fault.Is(err, fault.ClassNotFound) {
		return stock{Count: first}, nil
	}
	return left, err
}

func (a area) code(ctx context.Context, id string) (secret.Value, error) {
	raw, _, err := a.host.Get(ctx, a.scope, a.codeKey(id))
	return secret.New(string(raw)), err
}

func (a area) read(ctx context.Context, key string, into any) (revision uint64, err error) {
	raw, revision, err := a.host.Get(ctx, a.scope, key)
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return 0, fault.Internal(err, "what is stored at %q cannot be read", key)
	}
	return revision, nil
}

// each yields the account's boxes by id.
func (a area) each(ctx context.Context, yield func(Box) error) error {
	// "0" is the character after "/": the range is everything below box/.
	return a.host.Scan(ctx, a.scope, provider.KeyRange{From: a.at + "box/", To: a.at + "box0"}, func(kv provider.KeyValue) error {
		var b Box
		if err := json.Unmarshal(kv.Value, &b); err != nil {
			return fault.Internal(err, "what is stored at %q cannot be read", kv.Key)
		}
		return yield(b)
	})
}

// sell is the transaction of a sale. Its token is the order's, so that a repeat
// whose answer was lost changes nothing; it is a conflict when the stock is not
// what was read.
func (a area) sell(ctx context.Context, req provider.TypedCreate[Spec], cfg Config, left stock) error {
	b := Box{ID: idOf(req.Token), Article: req.Spec.Article, Name: req.Name, Token: req.Token}
	box, err := encode(b)
	if err != nil {
		return err
	}
	less, err := encode(stock{Count: left.Count - 1})
	if err != nil {
		return err
	}
	return a.host.Apply(ctx, a.scope, provider.Transaction{
		Token:  a.at + req.Token,
		Expect: []provider.Expectation{{Key: a.stockKey(b.Article), Revision: left.revision}, {Key: a.boxKey(b.ID)}},
		Writes: []provider.Write{
			{Key: a.stockKey(b.Article), Value: less},
			{Key: a.boxKey(b.ID), Value: box},
			{Key: a.codeKey(b.ID), Value: []byte(cfg.Master.Reveal()), Sealed: true},
		},
	})
}

// giveBack is the transaction of a return. The box's revision says that it was
// not given back already.
func (a area) giveBack(ctx context.Context, b Box) error {
	left, err := a.stock(ctx, b.Article, 0)
	if err != nil {
		return err
	}
	more, err := encode(stock{Count: left.Count + 1})
	if err != nil {
		return err
	}
	return a.host.Apply(ctx, a.scope, provider.Transaction{
		Expect: []provider.Expectation{{Key: a.boxKey(b.ID), Revision: b.revision}, {Key: a.stockKey(b.Article), Revision: left.revision}},
		Writes: []provider.Write{
			{Key: a.stockKey(b.Article), Value: more},
			{Key: a.boxKey(b.ID), Delete: true},
			{Key: a.codeKey(b.ID), Delete: true},
		},
	})
}

// exchange is the transaction that swaps what is in two boxes, once per token.
func (a area) exchange(ctx context.Context, token, one, two string) error {
	x, err := a.box(ctx, one)
	if err != nil {
		return err
	}
	y, err := a.box(ctx, two)
	if err != nil {
		return err
	}
	x.Article, y.Article = y.Article, x.Article
	first, err := encode(x)
	if err != nil {
		return err
	}
	second, err := encode(y)
	if err != nil {
		return err
	}
	return a.host.Apply(ctx, a.scope, provider.Transaction{
		Token:  a.at + token,
		Expect: []provider.Expectation{{Key: a.boxKey(one), Revision: x.revision}, {Key: a.boxKey(two), Revision: y.revision}},
		Writes: []provider.Write{{Key: a.boxKey(one), Value: first}, {Key: a.boxKey(two), Value: second}},
	})
}

// tell has the core read a box again soon; without the event it would later.
// That it could not be told is no reason to fail a change that was made.
func (a area) tell(ctx context.Context, cursor, box string) {
	_ = a.host.Emit(ctx, a.scope, provider.ResourceEvent(a.at+cursor, "box", box))
}
