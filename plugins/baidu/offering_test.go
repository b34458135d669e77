package main

import (
	"encoding/json"
	"testing"

	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/provider"
)

func (w *world) offered(t *testing.T, req provider.OfferingsRequest) []provider.Offering {
	t.Helper()
	var out []provider.Offering
	if err := w.Offerings(t.Context(), req, func(o provider.Offering) error { out = append(out, o); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestReadyMadeSpecsCanBeOrdered orders what is offered, as it is.
func TestReadyMadeSpecsCanBeOrdered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[string]int{}
	for _, o := range w.offered(t, provider.OfferingsRequest{Call: w.call()}) {
		first := seen[o.Kind+" "+o.Type] == 0
		seen[o.Kind+" "+o.Type]++
		if !o.Sellable || o.ID == "" || o.Region != region || (o.Zone != "" && o.Zone != zone) {
			t.Errorf("offered: %+v", o)
		}
		if !first || len(o.Spec) == 0 {
			continue
		}
		term := provider.Term{Billing: o.Billing[0], Period: o.Periods[0], Periods: 1, Quantity: 1}
		call := w.call()
		call.Zone = o.Zone
		q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: call, Change: provider.ChangeCreate, Kind: o.Kind, Spec: o.Spec, Term: term})
		if err != nil || q.List == "" {
			t.Errorf("the price of %s: %+v, %v", o.ID, q, err)
		}
		w.bought(t, provider.CreateRequest{Call: call, Token: "tok-" + o.Kind, Kind: o.Kind, Name: "n", Spec: o.Spec, Term: term})
	}
	for _, one := range []string{"instance flavour", "instance image", "eip line", "disk flavour", "vpc vpc", "subnet subnet", "security_group security_group", "security_group protocol"} {
		if seen[one] == 0 {
			t.Errorf("no %s is offered", one)
		}
	}
	everywhere := w.call()
	everywhere.Region, everywhere.Zone = "", ""
	places := map[string]bool{}
	for _, o := range w.offered(t, provider.OfferingsRequest{Call: everywhere, Kinds: []string{kinds.Instance}, Types: []string{kinds.TypeFlavour}}) {
		places[o.Zone] = true
	}
	if len(places) != 8 {
		t.Errorf("offered in %v", places)
	}
	for kind, spec := range map[string]string{kinds.VPC: `{"cidr":"10.0.0.0/8"}`, kinds.SecurityGroup: `{}`} {
		q, err := w.Quote(t.Context(), provider.QuoteRequest{Call: w.call(), Change: provider.ChangeCreate, Kind: kind, Spec: json.RawMessage(spec), Term: forOnce()})
		if err != nil || q.Net != "0.00" {
			t.Errorf("the price of %s: %+v, %v", kind, q, err)
		}
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all, err := w.Regions(t.Context(), provider.RegionsRequest{Call: w.call()})
	if err != nil || len(all) != 6 || all[0].ID != "bj" || len(all[0].Zones) != 2 || all[0].Zones[0].ID != zone || all[1].Zones[0].ID != "cn-gz-a" {
		t.Errorf("regions: %+v, %v", all, err)
	}
}

// TestRegionsAreApart: the region is in the host's name, which a gateway passes on.
func TestRegionsAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.server(t, "tok-1")
	other := w.order("tok-2")
	other.Call.Region, other.Call.Zone = "gz", "cn-gz-c"
	change, err := w.Create(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	if here := ids(w.list(t, kinds.Instance)); len(here) != 1 || here[0] != id {
		t.Errorf("here: %v", here)
	}
	everywhere := w.call()
	everywhere.Region = ""
	var all []provider.Resource
	err = w.Import(t.Context(), provider.ImportRequest{Call: everywhere}, func(r provider.Resource) error { all = append(all, r); return nil })
	if err != nil || len(all) != 2 {
		t.Errorf("imported %+v, %v", all, err)
	}
	for _, r := range all {
		if want := map[string]string{id: "bj", change.Resource.ID: "gz"}[r.ID]; r.Region != want {
			t.Errorf("%s is in %s", r.ID, r.Region)
		}
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server(t, "tok-1")
	w.made(t, kinds.EIP, "tok-e", `{"bandwidth_mbps":2}`, month(1))
	w.made(t, kinds.Disk, "tok-d", `{"size_gb":50}`, hourly())
	vpc := w.made(t, kinds.VPC, "tok-v", `{"cidr":"172.16.0.0/16"}`, forOnce())
	w.made(t, kinds.Subnet, "tok-s", `{"vpc_id":"`+vpc.ID+`","cidr":"172.16.1.0/24"}`, forOnce())
	w.made(t, kinds.SecurityGroup, "tok-g", `{}`, forOnce())
	got := map[string]int{}
	err := w.Import(t.Context(), provider.ImportRequest{Call: w.call()}, func(r provider.Resource) error {
		got[r.Kind]++
		if r.Token == "" {
			t.Errorf("imported %+v", r)
		}
		return nil
	})
	if err != nil || len(got) != 6 {
		t.Errorf("imported %v, %v", got, err)
	}
	for kind, n := range got {
		if n != 1 {
			t.Errorf("imported %d of %s", n, kind)
		}
	}
}
