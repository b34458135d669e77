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

// cast is everybody in the story but the clouds, each as the admin of an org.
type cast struct {
	operator, reseller, sub *client
	customers               []*client
}

// everybody is all people who joined so far, those of the clouds' orgs too.
func (p *play) everybody() []*client {
	var out []*client
	for _, who := range append([]*client{p.cast.operator, p.cast.reseller, p.cast.sub}, p.cast.customers...) {
		if who != nil {
			out = append(out, who)
		}
	}
	for _, at := range p.providers {
		if at.viewer != nil {
			out = append(out, at.viewer)
		}
	}
	return out
}

// connect signs the operator in, installs the plugins and registers the clouds.
func (p *play) connect(ctx context.Context) error {
	op := &client{name: "operator", base: p.api, login: "admin", password: p.first}
	p.cast.operator = op
	if err := op.signIn(ctx); err != nil {
		return err
	}
	for _, at := range p.providers {
		if err := p.register(ctx, at); err != nil {
			return fmt.Errorf("connecting %s: %w", at.title, err)
		}
	}
	return nil
}

// register makes a cloud known to the broker, with a commercial org of its own.
func (p *play) register(ctx context.Context, at *provider) error {
	if err := p.install(ctx, at); err != nil {
		return err
	}
	op := p.cast.operator
	var org, prov idOf
	if err := op.post(ctx, "/v1/orgs", map[string]any{"kind": "provider", "name": at.title + " Trading"}, &org); err != nil {
		return err
	}
	at.org = org.ID
	err := op.post(ctx, "/v1/providers", map[string]any{
		"plugin_name": at.name, "org_id": org.ID, "title": "Simulated " + at.title, "settle": "period", "endpoint": at.url,
	}, &prov)
	if err != nil {
		return err
	}
	at.id = prov.ID
	viewer := &client{name: at.title, base: p.api, login: at.name, password: at.name + "-" + token(8)}
	if err := p.addUser(ctx, op, at.org, viewer, "provider_viewer"); err != nil {
		return err
	}
	at.viewer = viewer
	return p.enable(ctx, at, op)
}

// install hands the plugin of the drop folder to the broker, with the checksum
// that whoever built it would publish.
func (p *play) install(ctx context.Context, at *provider) error {
	f, err := os.Open(filepath.Join(p.work, "drop", at.pluginBinary()))
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
		"file": at.pluginBinary(), "sha256": hex.EncodeToString(sum.Sum(nil)),
	}, &out)
	if err == nil {
		p.say("   plugin %s %s is installed, pinned by its checksum", out.Name, out.Version)
	}
	return err
}

// enable enables a cloud for somebody's org and waits until its credentials
// were checked.
func (p *play) enable(ctx context.Context, at *provider, who *client) error {
	body := map[string]any{
		"provider_id": at.id, "covers_all": true, "credentials": at.credentials(at.keys), "settings": at.config(at.keys, at.url),
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
		p.say("   %s enabled %s; the cloud accepted the credentials", who.name, at.title)
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
		customer, err := p.join(ctx, sellers[i], "customer", name, "customer_admin")
		if err != nil {
			return err
		}
		c.customers = append(c.customers, customer)
	}
	return p.stock(ctx)
}

// stock lets the reseller sell every cloud, on keys of its own, and fills the
// catalogue.
func (p *play) stock(ctx context.Context) error {
	for _, at := range p.providers {
		if err := p.grant(ctx, at, p.cast.operator, p.cast.reseller); err != nil {
			return err
		}
		if err := p.enable(ctx, at, p.cast.reseller); err != nil {
			return err
		}
		if err := p.sync(ctx, at); err != nil {
			return fmt.Errorf("syncing %s: %w", at.title, err)
		}
	}
	return nil
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

func (p *play) grant(ctx context.Context, at *provider, from, to *client) error {
	return from.post(ctx, "/v1/grants", map[string]any{"provider_id": at.id, "from": from.org, "to": to.org, "shared_credentials": false}, nil)
}

// sync fills the catalogue from the cloud's offerings and finds the servers
// that the story sells.
func (p *play) sync(ctx context.Context, at *provider) error {
	var report struct {
		Created int `json:"created"`
	}
	if err := p.cast.operator.post(ctx, "/v1/providers/"+at.id+"/sync", nil, &report); err != nil {
		return err
	}
	wanted, servers := append(at.servers[:], at.dear), map[string]product{}
	err := each(ctx, p.cast.operator, "/v1/products?kind="+at.sells()+"&provider_id="+at.id, func(x product) error {
		servers[x.VendorID] = x
		return nil
	})
	if err != nil {
		return err
	}
	for _, vendorID := range wanted {
		x, ok := servers[vendorID]
		if !ok {
			return fmt.Errorf("the catalogue has no %q", vendorID)
		}
		at.products = append(at.products, x)
	}
	p.say("   the catalogue has %d products of %s, %d of them %s", report.Created, at.title, len(servers), at.plural())
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
