package app_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tradewind.example/core/seal"
	"tradewind.example/core/store/storetest"
	"tradewind.example/host"
	"tradewind.example/host/catalog"
	"tradewind.example/host/hosttest"
	"tradewind.example/sdk"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest/storagetest"
	contract "tradewind.example/sdk/provider"
)

// relayWord turns this test binary into a plugin that passes on to the storage
// what it is told.
const relayWord = "serve-the-relay"

func TestMain(m *testing.M) {
	if slices.Contains(os.Args, relayWord) {
		sdk.Serve(&relay{})
		return
	}
	os.Exit(m.Run())
}

// message is one call of the storage and its answer. Keys are bytes here: JSON
// would mend the broken ones that the suite tries.
type message struct {
	Scope contract.Scope
	Key   []byte
	Range struct {
		From, To []byte
		Reverse  bool
		Limit    int
	}
	Token    []byte
	Expect   []entry
	Writes   []entry
	Event    contract.Event
	Rows     []entry
	Now      time.Time
	Revision uint64
	Value    []byte
}

type entry struct {
	Key, Value     []byte
	Revision       uint64
	Sealed, Delete bool
}

// doc carries a message through an action.
type doc struct {
	Doc string `json:"doc"`
}

// relay is the plugin.
type relay struct{ host contract.HostServices }

func (r *relay) UseHost(h contract.HostServices) { r.host = h }

func (r *relay) Describe(context.Context) (contract.Description, error) {
	return contract.Description{Name: "relay", Version: "1.0.0", Title: "Relay"}, nil
}

func (r *relay) Check(context.Context, contract.CheckRequest) (contract.CheckResponse, error) {
	return contract.CheckResponse{OK: true}, nil
}

func (r *relay) Kinds() []*contract.Kind {
	var actions []contract.Action
	for name, do := range map[string]func(context.Context, *message) error{
		"get": r.get, "scan": r.scan, "apply": r.apply, "now": r.now, "emit": r.emit,
	} {
		actions = append(actions, contract.ActionOf(contract.ActionDescription{Name: name},
			func(ctx context.Context, req contract.TypedAction[doc]) (contract.ActionResult[doc], error) {
				var m message
				if err := json.Unmarshal([]byte(req.Input.Doc), &m); err != nil {
					return contract.ActionResult[doc]{}, err
				}
				err := do(ctx, &m)
				raw, _ := json.Marshal(m)
				return contract.ActionResult[doc]{Output: doc{Doc: string(raw)}}, err
			}))
	}
	slices.SortFunc(actions, func(a, b contract.Action) int { return len(a.Description.Name) - len(b.Description.Name) })
	return []*contract.Kind{contract.KindOf[doc, doc]("store", "Store", struct{}{}, actions...)}
}

func (r *relay) get(ctx context.Context, m *message) (err error) {
	m.Value, m.Revision, err = r.host.Get(ctx, m.Scope, string(m.Key))
	return err
}

func (r *relay) scan(ctx context.Context, m *message) error {
	span := contract.KeyRange{From: string(m.Range.From), To: string(m.Range.To), Reverse: m.Range.Reverse, Limit: m.Range.Limit}
	return r.host.Scan(ctx, m.Scope, span, func(kv contract.KeyValue) error {
		m.Rows = append(m.Rows, entry{Key: []byte(kv.Key), Value: kv.Value, Revision: kv.Revision, Sealed: kv.Sealed})
		return nil
	})
}

func (r *relay) apply(ctx context.Context, m *message) error {
	tx := contract.Transaction{Token: string(m.Token)}
	for _, e := range m.Expect {
		tx.Expect = append(tx.Expect, contract.Expectation{Key: string(e.Key), Revision: e.Revision})
	}
	for _, w := range m.Writes {
		tx.Writes = append(tx.Writes, contract.Write{Key: string(w.Key), Value: w.Value, Sealed: w.Sealed, Delete: w.Delete})
	}
	return r.host.Apply(ctx, m.Scope, tx)
}

func (r *relay) now(ctx context.Context, m *message) (err error) {
	m.Now, err = r.host.Now(ctx)
	return err
}

func (r *relay) emit(ctx context.Context, m *message) error {
	return r.host.Emit(ctx, m.Scope, m.Event)
}

// remote is the storage as the plugin's process has it.
type remote struct{ plugin *host.Plugin }

var _ contract.HostServices = remote{}

func (r remote) ask(ctx context.Context, action string, m *message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	input, err := json.Marshal(doc{Doc: string(text)})
	if err != nil {
		return err
	}
	got, err := r.plugin.Act(ctx, contract.ActionRequest{
		Call: contract.Call{Org: "o", RootOrg: m.Scope.RootOrg, Account: contract.Account{ID: "a"}}, Kind: "store", ID: "s", Action: action, Input: input,
	})
	if err != nil {
		return err
	}
	var out doc
	if err := json.Unmarshal(got.Output, &out); err != nil {
		return err
	}
	*m = message{}
	return json.Unmarshal([]byte(out.Doc), m)
}

func (r remote) Get(ctx context.Context, s contract.Scope, key string) ([]byte, uint64, error) {
	m := &message{Scope: s, Key: []byte(key)}
	err := r.ask(ctx, "get", m)
	return m.Value, m.Revision, err
}

func (r remote) Scan(ctx context.Context, s contract.Scope, span contract.KeyRange, yield func(contract.KeyValue) error) error {
	m := &message{Scope: s}
	m.Range.From, m.Range.To, m.Range.Reverse, m.Range.Limit = []byte(span.From), []byte(span.To), span.Reverse, span.Limit
	if err := r.ask(ctx, "scan", m); err != nil {
		return err
	}
	for _, e := range m.Rows {
		if err := yield(contract.KeyValue{Key: string(e.Key), Value: e.Value, Revision: e.Revision, Sealed: e.Sealed}); err != nil {
			return err
		}
	}
	return nil
}

func (r remote) Apply(ctx context.Context, s contract.Scope, t contract.Transaction) error {
	m := &message{Scope: s, Token: []byte(t.Token)}
	for _, e := range t.Expect {
		m.Expect = append(m.Expect, entry{Key: []byte(e.Key), Revision: e.Revision})
	}
	for _, w := range t.Writes {
		m.Writes = append(m.Writes, entry{Key: []byte(w.Key), Value: w.Value, Sealed: w.Sealed, Delete: w.Delete})
	}
	return r.ask(ctx, "apply", m)
}

func (r remote) Now(ctx context.Context) (time.Time, error) {
	m := &message{}
	err := r.ask(ctx, "now", m)
	return m.Now, err
}

func (r remote) Emit(ctx context.Context, s contract.Scope, e contract.Event) error {
	if len(e.Data) > 0 && !json.Valid(e.Data) {
		return fault.Invalid("data", "cannot be relayed")
	}
	return r.ask(ctx, "emit", &message{Scope: s, Event: e})
}

// TestStorageOverTheWire runs the suite of the storage through a plugin's
// process, its link, the host and the real store.
func TestStorageOverTheWire(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	storagetest.Run(t, func(t *testing.T) storagetest.Fixture {
		dir := hosttest.ShortDir(t)
		keys, err := seal.New(seal.Config{Path: filepath.Join(dir, "keyset"), Create: true})
		if err != nil {
			t.Fatal(err)
		}
		h := openHost(t, filepath.Join(dir, "plugins"), slog.New(slog.DiscardHandler), areasOn(t, storetest.Open(t), keys),
			catalog.Entry{Name: "relay", Path: self, Args: []string{relayWord}})
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), hosttest.Bound)
			defer cancel()
			if err := h.Close(ctx); err != nil {
				t.Error(err)
			}
		})
		if err := h.Start(t.Context(), "relay"); err != nil {
			t.Fatal(err)
		}
		p, err := h.Plugin("relay")
		if err != nil {
			t.Fatal(err)
		}
		return storagetest.Fixture{Services: remote{p}, Roots: [2]string{"root", "root2"}}
	})
}
