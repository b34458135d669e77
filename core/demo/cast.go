package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// cast is everybody in the story, each as the admin of an org.
type cast struct {
	operator, reseller, sub *client
	customers               [3]*client
	viewer                  *client // of the provider's commercial org
	providerOrg, provider   string
	products                []product // by vendor id
}

type product struct {
	ID       string `json:"id"`
	VendorID string `json:"vendor_id"`
	Name     string `json:"name"`
	Class    string `json:"class"`
	Kind     string `json:"kind"`
}

func (c *cast) all() []*client {
	var out []*client
	for _, who := range append([]*client{c.operator, c.reseller, c.sub, c.viewer}, c.customers[:]...) {
		if who != nil {
			out = append(out, who)
		}
	}
	return out
}

// connect signs the operator in, installs the plugin and registers the cloud.
func (p *play) connect(ctx context.Context) error {
	op := &client{name: "operator", base: p.api, login: "admin", password: p.first}
	p.cast.operator = op
	if err := op.signIn(ctx); err != nil {
		return err
	}
	if err := p.install(ctx); err != nil {
		return err
	}
	var org, prov idOf
	if err := op.post(ctx, "/v1/orgs", map[string]any{"kind": "provider", "name": "Cloud Trading"}, &org); err != nil {
		return err
	}
	p.cast.providerOrg = org.ID
	err := op.post(ctx, "/v1/providers", map[string]any{
		"plugin_name": "ucloud", "org_id": org.ID, "title": "Simulated UCloud", "settle": "period", "endpoint": p.sim,
	}, &prov)
	if err != nil {
		return err
	}
	p.cast.provider = prov.ID
	return p.enable(ctx, op, map[string]string{"public_key": p.keys.public, "private_key": p.keys.private})
}

// install hands the plugin of the drop folder to the broker, with the checksum
// that whoever built it would publish.
func (p *play) install(ctx context.Context) error {
	f, err := os.Open(filepath.Join(p.cfg.Work, "drop", "tradewind-provider-ucloud"))
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	var out struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	err = p.cast.operator.post(ctx, "/v1/plugins", map[string]string{
		"file": "tradewind-provider-ucloud", "sha256": hex.EncodeToString(sum.Sum(nil)),
	}, &out)
	if err == nil {
		p.say("   plugin %s %s is installed, pinned by its checksum", out.Name, out.Version)
	}
	return err
}

// enable enables the cloud for somebody's org and waits until its credentials
// were checked.
func (p *play) enable(ctx context.Context, who *client, credentials map[string]string) error {
	body := map[string]any{"provider_id": p.cast.provider, "covers_all": true, "credentials": map[string]string{}, "settings": map[string]string{"settle_seconds": "2"}}
	for k, v := range credentials {
		if k == "private_key" {
			body["credentials"] = map[string]string{k: v}
			continue
		}
		body["settings"].(map[string]string)[k] = v
	}
	var e struct {
		ID, State, Problem string
	}
	if err := who.post(ctx, "/v1/enablements", body, &e); err != nil {
		return err
	}
	err := poll(ctx, 20*time.Second, "the credentials to be checked", func() (bool, error) {
		if err := who.get(ctx, "/v1/enablements/"+e.ID, &e); err != nil {
			return false, err
		}
		if e.State == "failed" {
			return false, errors.New(e.Problem)
		}
		return e.State == "active", nil
	})
	if err == nil {
		p.say("   %s enabled the cloud; the cloud accepted the credentials", who.name)
	}
	return err
}

// people founds the orgs below the operator, each with an admin of its own.
func (p *play) people(ctx context.Context) error {
	var err error
	c := &p.cast
	if c.reseller, err = p.join(ctx, c.operator, "reseller", "Harbour", "reseller_admin"); err != nil {
		return err
	}
	if c.sub, err = p.join(ctx, c.reseller, "reseller", "Pier", "reseller_admin"); err != nil {
		return err
	}
	sellers := []*client{c.reseller, c.sub, c.sub}
	for i, name := range []string{"Alder", "Birch", "Cedar"} {
		if c.customers[i], err = p.join(ctx, sellers[i], "customer", name, "customer_admin"); err != nil {
			return err
		}
	}
	c.viewer = &client{name: "cloud", base: p.api, login: "cloud", password: "cloud-" + token(8)}
	if err := p.addUser(ctx, c.operator, c.providerOrg, c.viewer, "provider_viewer"); err != nil {
		return err
	}
	if err := p.grant(ctx, c.operator, c.reseller); err != nil {
		return err
	}
	if err := p.enable(ctx, c.reseller, map[string]string{"public_key": p.keys.public, "private_key": p.keys.private}); err != nil {
		return err
	}
	return p.sync(ctx)
}

// join adds an org below its seller and signs its admin in.
func (p *play) join(ctx context.Context, seller *client, kind, name, role string) (*client, error) {
	var org idOf
	err := seller.post(ctx, "/v1/orgs", map[string]any{"kind": kind, "parent_id": seller.org, "name": name, "floor_policy": "block"}, &org)
	if err != nil {
		return nil, err
	}
	who := &client{name: name, base: p.api, login: lower(name), password: lower(name) + "-" + token(8)}
	return who, p.addUser(ctx, seller, org.ID, who, role)
}

func (p *play) addUser(ctx context.Context, by *client, org string, who *client, role string) error {
	err := by.post(ctx, "/v1/users", map[string]any{"org_id": org, "login": who.login, "name": who.name, "password": who.password, "roles": []string{role}}, nil)
	if err != nil {
		return err
	}
	return who.signIn(ctx)
}

func lower(s string) string { return string(s[0]|0x20) + s[1:] }

func (p *play) grant(ctx context.Context, from, to *client) error {
	return from.post(ctx, "/v1/grants", map[string]any{"provider_id": p.cast.provider, "from": from.org, "to": to.org, "shared_credentials": false}, nil)
}

// sync fills the catalogue from the cloud's offerings.
func (p *play) sync(ctx context.Context) error {
	var report struct {
		Created int `json:"created"`
	}
	if err := p.cast.operator.post(ctx, "/v1/providers/"+p.cast.provider+"/sync", nil, &report); err != nil {
		return err
	}
	err := each(ctx, p.cast.operator, "/v1/products?kind=instance&provider_id="+p.cast.provider, func(x product) error {
		p.cast.products = append(p.cast.products, x)
		return nil
	})
	if err != nil {
		return err
	}
	if len(p.cast.products) < 4 {
		return fmt.Errorf("the catalogue has only %d servers", len(p.cast.products))
	}
	p.say("   the catalogue has %d products, %d of them servers", report.Created, len(p.cast.products))
	return nil
}

// agree makes a sale protocol and returns its id.
func (p *play) agree(ctx context.Context, seller *client, sellerOrg, buyerOrg, mode, settle, rate string) (string, error) {
	body := map[string]any{
		"seller": sellerOrg, "buyer": buyerOrg, "mode": mode, "settle": settle, "template": "monthly:1",
		"start": time.Now().UTC().Add(-time.Hour).Format(time.RFC3339),
	}
	if rate != "" {
		body["default_rate"] = rate
	}
	var out idOf
	err := seller.post(ctx, "/v1/protocols", body, &out)
	return out.ID, err
}

// line adds a price line to a protocol.
func (p *play) line(ctx context.Context, seller *client, protocol string, line map[string]any) error {
	return seller.post(ctx, "/v1/protocols/"+protocol+"/lines", line, nil)
}
