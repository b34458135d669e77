package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	contract "tradewind.example/sdk/provider"

	"tradewind.example/core/audit"
	"tradewind.example/core/provider"
	"tradewind.example/core/provider/providertest"
	"tradewind.example/core/store"
)

func TestResealAndCache(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Serve()
	before := w.Sealer.Opens()
	for range 10 {
		if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != "master" {
			t.Fatalf("served by %q", got)
		}
	}
	if n := w.Sealer.Opens() - before; n > 1 {
		t.Errorf("the same account was opened %d times", n)
	}
	w.Sealer.Rotate(t)
	n, err := w.Providers.Reseal(t.Context())
	if err != nil || n != 1 {
		t.Fatalf("resealed %d, error %v", n, err)
	}
	if n, err := w.Providers.Reseal(t.Context()); err != nil || n != 0 {
		t.Errorf("the second time resealed %d, error %v", n, err)
	}
	w.Sealer.Forget()
	if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != "master" {
		t.Errorf("after the rotation served by %q", got)
	}
}

func TestGivenMapIsACopy(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	p := w.Serve()
	w.View(func(r store.Reader) {
		a, err := w.Providers.CallFor(t.Context(), r, w.Customer.ID, p.ID, provider.PurposeOrder)
		if err != nil {
			t.Fatal(err)
		}
		delete(a.Call.Account.Credentials, "private_key")
		a.Call.Account.Settings["x"] = "y"
	})
	if got := serves(t, w, p, w.Customer, provider.PurposeOrder); got != "master" {
		t.Errorf("one caller changed another's credentials: %q", got)
	}
}

// TestSecretsStayInside looks for the marker everywhere but in the opened call.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	ctx := t.Context()
	p := w.Serve()
	w.Grant(p, w.Root, w.Reseller, true)
	w.Cloud.Set(func(x *providertest.Cloud) {
		x.OnCheck = func(r contract.CheckRequest) (contract.CheckResponse, error) {
			return contract.CheckResponse{OK: true, Account: r.Call.Account.Credentials["private_key"].Reveal()}, nil
		}
	})
	w.Enable(p, w.Reseller, providertest.Key("reseller"), true)
	var out bytes.Buffer
	see := func(v any, err error) {
		_ = json.NewEncoder(&out).Encode(v)
		_, _ = fmt.Fprintf(&out, "%v %+v %#v %v\n", v, v, v, err)
	}
	see2 := func(reason string, fn func() (any, error)) {
		v, err := fn()
		see(v, err)
		if strings.Contains(out.String(), providertest.Marker) {
			t.Errorf("%s shows a secret: %s", reason, out.String())
		}
		out.Reset()
	}
	see2("list", func() (any, error) {
		return w.Providers.Enablements(ctx, w.As(w.Root), provider.EnablementFilter{Limit: 10})
	})
	see2("providers", func() (any, error) {
		return w.Providers.Providers(ctx, w.As(w.Root), provider.ProviderFilter{Limit: 10})
	})
	see2("enable twice", func() (any, error) {
		return w.Providers.Enable(ctx, w.As(w.Reseller), provider.EnableInput{ProviderID: p.ID, Credentials: providertest.Key("x")})
	})
	w.View(func(r store.Reader) {
		see2("the opened call, printed", func() (any, error) {
			return w.Providers.CallFor(ctx, r, w.Customer.ID, p.ID, provider.PurposeOrder)
		})
		see2("audit", func() (any, error) { return audit.List(r, audit.Query{Root: w.Root.ID, Limit: 100}) })
	})
	var file bytes.Buffer
	if _, err := w.Store.Backup(ctx, &file); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(file.Bytes(), []byte(providertest.Marker)) {
		t.Error("the store's file holds a secret in the clear")
	}
}

func TestSealedTextsCannotBeSwapped(t *testing.T) {
	t.Parallel()
	w := providertest.New(t)
	sealed, err := w.Sealer.Seal([]byte(`{}`), []byte("enablement/a"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sealer.Open(sealed, []byte("enablement/b")); err == nil {
		t.Error("a sealed text opens under another id")
	}
}
