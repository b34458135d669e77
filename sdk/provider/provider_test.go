package provider_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

type spec struct {
	Size int    `json:"size" required:"true"`
	Type string `json:"type" default:"ssd"`
}

type state struct {
	Size int `json:"size"`
}

// half offers two verbs.
type half struct{}

func (half) Create(_ context.Context, req provider.TypedCreate[spec]) (provider.Result[state], error) {
	return provider.Done(provider.Thing[state]{ID: req.Spec.Type, State: state{Size: req.Spec.Size}}), nil
}

func (half) Get(_ context.Context, req provider.GetRequest) (provider.Thing[state], error) {
	return provider.Thing[state]{ID: req.ID}, nil
}

// mistyped has a Get for another state.
type mistyped struct{ half }

func (mistyped) Get(context.Context, provider.GetRequest) (provider.Thing[string], error) {
	return provider.Thing[string]{}, nil
}

func nothing(context.Context, provider.TypedAction[struct{}]) (provider.ActionResult[struct{}], error) {
	return provider.ActionResult[struct{}]{}, nil
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	k := provider.KindOf[spec, state]("disk", "Disk", half{},
		provider.ActionOf(provider.ActionDescription{Name: "wipe", Changes: true}, nothing))
	if err := k.Err(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]provider.Verb{provider.VerbCreate, provider.VerbGet}, k.Description.Verbs); diff != "" {
		t.Errorf("verbs (-want +got):\n%s", diff)
	}
	if k.List != nil || k.Update != nil || k.Delete != nil || k.FindByToken != nil || k.Actions["wipe"] == nil {
		t.Error("entry points do not match what the handler has")
	}
	c, err := k.Create(t.Context(), provider.CreateRequest{Spec: []byte(`{"size":7}`)})
	if err != nil {
		t.Fatal(err)
	}
	want := provider.Change{Resource: &provider.Resource{ID: "ssd", Kind: "disk", State: []byte(`{"size":7}`)}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("create (-want +got):\n%s", diff)
	}
	if _, err := k.Create(t.Context(), provider.CreateRequest{Spec: []byte(`{"size":1e99}`)}); !fault.Is(err, fault.ClassInvalid) {
		t.Errorf("a number that fits no int: %v; want invalid", err)
	}
}

func TestMisregistrationIsAnError(t *testing.T) {
	t.Parallel()
	wipe := provider.ActionOf(provider.ActionDescription{Name: "wipe"}, nothing)
	for name, tc := range map[string]struct {
		kind *provider.Kind
		says string
	}{
		"no verb":      {provider.KindOf[spec, state]("disk", "", struct{}{}), "offers no verb"},
		"nil":          {provider.KindOf[spec, state]("disk", "", nil), "handler is nil"},
		"lookalike":    {provider.KindOf[spec, state]("disk", "", mistyped{}), "mistyped.Get"},
		"name":         {provider.KindOf[spec, state]("Disk Drive", "", half{}), "lower case"},
		"spec":         {provider.KindOf[struct{ A chan int }, state]("disk", "", half{}), "no json name"},
		"twice":        {provider.KindOf[spec, state]("disk", "", half{}, wipe, wipe), "registered twice"},
		"empty action": {provider.KindOf[spec, state]("disk", "", half{}, provider.Action{}), "has no function"},
		"action name":  {provider.KindOf[spec, state]("disk", "", half{}, provider.ActionOf(provider.ActionDescription{Name: "Wipe It"}, nothing)), "lower case"},
		"secret output": {provider.KindOf[spec, state]("disk", "", half{}, provider.ActionOf(provider.ActionDescription{Name: "console"},
			func(context.Context, provider.TypedAction[struct{}]) (r provider.ActionResult[link], err error) {
				return r, nil
			})), "arrive masked"},
	} {
		if err := tc.kind.Err(); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v; want an error that says %q", name, err, tc.says)
		}
	}
}

type link struct {
	URL secret.Value `json:"url"`
}

type config struct {
	PublicKey  string       `json:"public_key" required:"true"`
	PrivateKey secret.Value `json:"private_key" required:"true" min:"4"`
	Region     string       `json:"region" enum:"a,b" default:"a"`
	Retries    int          `json:"retries" default:"3" min:"1" max:"9"`
	Dry        bool         `json:"dry"`
}

func account(settings map[string]string, private string) provider.Call {
	return provider.Call{Account: provider.Account{
		Settings: settings, Credentials: map[string]secret.Value{"private_key": secret.New(private)},
	}}
}

func TestDecodeAccount(t *testing.T) {
	t.Parallel()
	got, err := provider.DecodeAccount[config](account(map[string]string{"public_key": "p", "dry": "true", "other": "x"}, "hush-hush"))
	if err != nil {
		t.Fatal(err)
	}
	if got.PublicKey != "p" || got.PrivateKey.Reveal() != "hush-hush" || got.Region != "a" || got.Retries != 3 || !got.Dry {
		t.Errorf("got %+v; want what was given and the defaults", got)
	}
	_, err = provider.DecodeAccount[config](account(map[string]string{"region": "z", "retries": "12", "dry": "perhaps"}, "abc"))
	paths := map[string]string{}
	for _, f := range fault.As(err).Fields {
		paths[f.Path] = f.Message
	}
	want := map[string]string{
		"account.settings.public_key":     "is required",
		"account.settings.region":         "must be one of a, b",
		"account.settings.retries":        "must be at most 9",
		"account.settings.dry":            "must be true or false",
		"account.credentials.private_key": "must have at least 4 characters",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestConfigSchema(t *testing.T) {
	t.Parallel()
	raw, err := provider.ConfigSchema[config]()
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Properties map[string]map[string]any `json:"properties"`
		Required   []string                  `json:"required"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	if s.Properties["private_key"]["x-secret"] != true || s.Properties["public_key"]["x-secret"] != nil || len(s.Required) != 2 {
		t.Errorf("schema: %s; want private_key alone secret and two required fields", raw)
	}
	for reason, err := range map[string]error{
		"not a struct": second(provider.ConfigSchema[string]()),
		"not flat": second(provider.ConfigSchema[struct {
			S []string `json:"s"`
		}]()),
	} {
		if err == nil {
			t.Errorf("%s: accepted", reason)
		}
	}
}

func second[A any](_ A, err error) error { return err }
