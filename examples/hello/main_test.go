package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/plugintest"
	"tradewind.example/sdk/provider"
)

func call(account string) provider.Call {
	return provider.Call{Org: "acme", Account: provider.Account{ID: account}}
}

func create(account, token, text string) provider.CreateRequest {
	return provider.CreateRequest{
		Call: call(account), Token: token, Kind: "note", Name: "shopping", Spec: []byte(`{"text":"` + text + `"}`),
	}
}

func TestNoteLife(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, &Notes{byAccount: map[string][]thing{}})
	first, err := c.Create(t.Context(), create("a", "token-1", "milk"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Create(t.Context(), create("a", "token-1", "milk"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("a repeat with the same token made something else (-first +again):\n%s", diff)
	}
	id := first.Resource.ID
	got, err := c.Get(t.Context(), provider.GetRequest{Call: call("a"), Kind: "note", ID: id})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*first.Resource, got); diff != "" {
		t.Errorf("get differs from create (-create +get):\n%s", diff)
	}
	found, err := c.FindByToken(t.Context(), provider.FindRequest{Call: call("a"), Kind: "note", Token: "token-1"})
	if err != nil || len(found.Resources) != 1 || !found.Settled {
		t.Errorf("find by token: %+v, %v; want the one note, settled", found, err)
	}
	for range 2 { // the second one finds it gone, which is a success
		if _, err := c.Delete(t.Context(), provider.DeleteRequest{Call: call("a"), Kind: "note", Token: "token-2", ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Get(t.Context(), provider.GetRequest{Call: call("a"), Kind: "note", ID: id}); !fault.Is(err, fault.ClassNotFound) {
		t.Errorf("get after delete: %v; want not_found", err)
	}
}

func TestAccountsDoNotMeet(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, &Notes{byAccount: map[string][]thing{}})
	if _, err := c.Create(t.Context(), create("a", "token-1", "milk")); err != nil {
		t.Fatal(err)
	}
	err := c.List(t.Context(), provider.ListRequest{Call: call("b"), Kind: "note"}, func(r provider.Resource) error {
		t.Errorf("account b sees %q of account a", r.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWrongSpecIsNamed(t *testing.T) {
	t.Parallel()
	c := plugintest.Start(t, &Notes{byAccount: map[string][]thing{}})
	_, err := c.Create(t.Context(), create("a", "token-1", ""))
	want := []fault.Field{{Path: "spec.text", Message: "must have at least 1 characters"}}
	if e := fault.As(err); e == nil || e.Class != fault.ClassInvalid || !cmp.Equal(e.Fields, want) {
		t.Errorf("an empty text: %v; want %v", err, want)
	}
}

func TestAPluginIsUnderAHundredLines(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(code, []byte("\n")); n >= 100 {
		t.Errorf("the smallest plugin has %d lines: the guide promises less than 100", n)
	}
}
