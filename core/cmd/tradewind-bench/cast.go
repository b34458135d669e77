package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const sandboxBinary = "tradewind-provider-sandbox"

const (
	resellers = 4
	customers = 64 // in total
)

// cast is everybody who trades: an operator, resellers below it, customers
// below those. Every order runs over three legs.
type cast struct {
	operator    *client
	providerOrg string
	provider    string
	product     string
	resellers   []*client
	customers   []*client
}

type made struct {
	ID string `json:"id"`
}

// setUp founds the cast over REST. latency is the sandbox's, in milliseconds.
func setUp(k *broker, latency int) (*cast, error) {
	c := &cast{}
	root := newClient(k.url, 256)
	var err error
	if c.operator, err = signIn(root, "admin", k.password); err != nil {
		return nil, err
	}
	steps := []func() error{
		func() error { return c.install(k) },
		func() error { return c.connect(latency) },
		c.people, c.prices, c.payIn, c.catalogue,
	}
	for i, step := range steps {
		if err := step(); err != nil {
			return nil, fmt.Errorf("setting the cast up, step %d: %w", i+1, err)
		}
	}
	return c, nil
}

func signIn(c *client, login, password string) (*client, error) {
	var out struct {
		Token   string `json:"token"`
		Session struct {
			OrgID string `json:"org_id"`
		} `json:"session"`
	}
	err := c.post("/v1/sessions", map[string]string{"login": login, "password": password}, &out)
	return c.as(out.Session.OrgID, out.Token), err
}

func (c *cast) install(k *broker) error {
	raw, err := os.ReadFile(filepath.Join(k.bin, sandboxBinary))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	return c.operator.post("/v1/plugins", map[string]string{"file": sandboxBinary, "sha256": hex.EncodeToString(sum[:])}, nil)
}

func (c *cast) connect(latency int) error {
	if err := c.register(); err != nil {
		return err
	}
	return c.enable(c.operator, map[string]string{"api_key": "bench"}, map[string]string{"latency_millis": strconv.Itoa(latency)})
}

// register makes the cloud's commercial party and its provider.
func (c *cast) register() error {
	var org, prov made
	if err := c.operator.post("/v1/orgs", map[string]any{"kind": "provider", "name": "Sandbox Trading"}, &org); err != nil {
		return err
	}
	c.providerOrg = org.ID
	err := c.operator.post("/v1/providers", map[string]any{"plugin_name": "sandbox", "org_id": org.ID, "title": "Sandbox", "settle": "period"}, &prov)
	if err != nil {
		return err
	}
	c.provider = prov.ID
	return nil
}

// enable enables the cloud for an org, with credentials and settings of its own
// or, when there are none, with its seller's.
func (c *cast) enable(who *client, credentials, settings map[string]string) error {
	var e struct{ ID, State, Problem string }
	err := who.post("/v1/enablements", map[string]any{
		"provider_id": c.provider, "covers_all": true, "credentials": credentials, "settings": settings,
	}, &e)
	if err != nil {
		return err
	}
	return poll("the credentials to be checked", func() (bool, error) {
		if err := who.get("/v1/enablements/"+e.ID, &e); err != nil {
			return false, err
		}
		if e.State == "failed" {
			return false, fmt.Errorf("the enablement failed: %s", e.Problem)
		}
		return e.State == "active", nil
	})
}

func (c *cast) people() error {
	for i := range resellers {
		r, err := join(c.operator, "reseller", fmt.Sprintf("reseller-%02d", i))
		if err != nil {
			return err
		}
		err = c.operator.post("/v1/grants", map[string]any{"provider_id": c.provider, "from": c.operator.org, "to": r.org, "shared_credentials": true}, nil)
		if err != nil {
			return err
		}
		if err := c.enable(r, map[string]string{}, map[string]string{}); err != nil {
			return err
		}
		c.resellers = append(c.resellers, r)
	}
	for i := range customers {
		who, err := join(c.sellerOf(i), "customer", fmt.Sprintf("customer-%02d", i))
		if err != nil {
			return err
		}
		c.customers = append(c.customers, who)
	}
	return nil
}

func (c *cast) sellerOf(customer int) *client { return c.resellers[customer%resellers] }

// join adds an org below its seller and signs its admin in.
func join(seller *client, kind, name string) (*client, error) {
	var org made
	err := seller.post("/v1/orgs", map[string]any{"kind": kind, "parent_id": seller.org, "name": name, "floor_policy": "block"}, &org)
	if err != nil {
		return nil, err
	}
	password := name + "-has-a-password"
	err = seller.post("/v1/users", map[string]any{"org_id": org.ID, "login": name, "name": name, "password": password, "roles": []string{kind + "_admin"}}, nil)
	if err != nil {
		return nil, err
	}
	return signIn(seller, name, password)
}

// prices makes a sale protocol for every leg; all but the cloud's are paid at
// once and so need money in a wallet.
func (c *cast) prices() error {
	if err := agree(c.operator, c.providerOrg, c.operator.org, "period", "0.60"); err != nil {
		return err
	}
	for _, r := range c.resellers {
		if err := agree(c.operator, c.operator.org, r.org, "realtime", "0.75"); err != nil {
			return err
		}
	}
	for i, who := range c.customers {
		if err := agree(c.sellerOf(i), c.sellerOf(i).org, who.org, "realtime", "0.90"); err != nil {
			return err
		}
	}
	return nil
}

func agree(by *client, seller, buyer, settle, rate string) error {
	return by.post("/v1/protocols", map[string]any{
		"seller": seller, "buyer": buyer, "mode": "discount", "settle": settle, "template": "monthly:1", "default_rate": rate,
		"start": time.Now().UTC().Add(-time.Hour).Format(time.RFC3339),
	}, nil)
}

func (c *cast) payIn() error {
	for _, r := range c.resellers {
		if err := recharge(c.operator, r); err != nil {
			return err
		}
	}
	for i, who := range c.customers {
		if err := recharge(c.sellerOf(i), who); err != nil {
			return err
		}
	}
	return nil
}

func recharge(seller, buyer *client) error {
	return seller.pay("/v1/recharges", "recharge-"+buyer.org, map[string]any{
		"buyer": buyer.org, "seller": seller.org, "currency": "CNY", "amount": "999999999.00", "reference": "bench",
	}, nil)
}

func (c *cast) catalogue() error {
	if err := c.operator.post("/v1/providers/"+c.provider+"/sync", nil, nil); err != nil {
		return err
	}
	var page struct {
		Items []made `json:"items"`
	}
	if err := c.operator.get("/v1/products?kind=instance&sort=-name&provider_id="+c.provider, &page); err != nil {
		return err
	}
	if len(page.Items) == 0 {
		return fmt.Errorf("the catalogue is empty")
	}
	c.product = page.Items[0].ID
	return nil
}

// purchase is the body of every quote and order.
func (c *cast) purchase() map[string]any {
	return map[string]any{
		"product_id": c.product, "term": map[string]any{"billing": "prepaid", "period": "month", "periods": 1, "quantity": 1},
	}
}
