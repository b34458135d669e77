package sim

import (
	"errors"
	"fmt"
	"slices"
)

// ConsoleOrder is an order that somebody places in the vendor's console, so
// that it waits for its payment or, a refund, for its confirmation.
type ConsoleOrder struct {
	// Account is a main account's name or a customer's user id.
	Account string `json:"account"`
	// Type is one of the vendor's twelve order types.
	Type string `json:"type"`
	// Region is where a new instance is made; empty is the default region.
	Region string `json:"region"`
	// Spec, Image, Name, Count and Months describe a new prepaid instance.
	Spec   string `json:"spec"`
	Image  string `json:"image"`
	Name   string `json:"name"`
	Count  int    `json:"count"`
	Months int    `json:"months"`
	// Resources are the short ids of what is renewed or refunded.
	Resources []string `json:"resources"`
	// PriceFen and Service belong to the types that change no resource here.
	PriceFen Fen    `json:"price_fen"`
	Service  string `json:"service"`
}

var errConsole = errors.New("account, type, resources, count, months or price_fen is invalid")

// PlaceOrder places an order as a customer would in the vendor's console, and
// returns its id.
func (c *Cloud) PlaceOrder(in ConsoleOrder) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	a := c.labelled(in.Account)
	if a == nil || !slices.Contains(orderTypes(), in.Type) || in.PriceFen < 0 || in.Count < 0 || in.Count > 100 || in.Months < 0 || in.Months > 36 {
		return "", fmt.Errorf("placing an order: %w", errConsole)
	}
	c.settle(now)
	o, err := c.place(a, in)
	if err != nil {
		return "", fmt.Errorf("placing an order: %w", err)
	}
	return o.ID, c.commit()
}

func (c *Cloud) place(a *account, in ConsoleOrder) (*order, error) {
	now := c.now()
	switch in.Type {
	case orderNew:
		return c.placeNew(a, in)
	case orderRenew, orderRefund:
		rs, err := c.own(a, in.Resources)
		if err != nil {
			return nil, err
		}
		if in.Type == orderRefund {
			return c.askRefund(a, rs, now, plan{}), nil
		}
		o := c.renew(a, rs, max(in.Months, 1), now)
		c.wait(o, now)
		return o, nil
	default:
		o := c.newOrder(a, c.cfg.DefaultRegion, in.Type, in.Service, now)
		o.Price, o.List = in.PriceFen, in.PriceFen
		c.wait(o, now)
		return o, nil
	}
}

func (c *Cloud) placeNew(a *account, in ConsoleOrder) (*order, error) {
	now := c.now()
	if in.Region == "" {
		in.Region = c.cfg.DefaultRegion
	}
	region := regionNamed(in.Region)
	if region == nil {
		return nil, errConsole
	}
	q := &request{params: params{query: map[string]string{}}, acct: a, cred: &credential{}, region: region, now: now}
	body := createArgs{Spec: in.Spec, ImageID: in.Image, Name: in.Name, Count: in.Count}
	p, err := c.check(q, body)
	if err != nil {
		return nil, err
	}
	p.Payment, p.Months = prepaid, max(in.Months, 1)
	o := c.newOrder(a, in.Region, orderNew, p.services(), now)
	o.Purchase = p
	o.Price, o.List = p.cost(a.Percent)
	c.wait(o, now)
	return o, nil
}

// own are prepaid resources of an account that no refund waits for.
func (c *Cloud) own(a *account, ids []string) ([]leased, error) {
	if len(ids) == 0 || len(ids) > 100 {
		return nil, errConsole
	}
	var out []leased
	for _, id := range ids {
		r := c.resource(id)
		if r == nil || r.head().Account != a.ID || r.rent().Payment != prepaid || r.rent().Refunding != "" {
			return nil, fmt.Errorf("resource %q: %w", id, errConsole)
		}
		out = append(out, r)
	}
	return out, nil
}
