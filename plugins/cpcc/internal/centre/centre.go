// Package centre keeps the operator's compute centres and what they consist of:
// centres, devices, clusters and labels, with the rules about what may be
// changed and removed. It talks to no cluster and to no machine, and knows
// neither prices nor workloads.
//
// A [Book] is safe for concurrent use; its rows are in the broker's storage, so
// that another process may change them between any two calls. A password, a
// kubeconfig or a join command is sealed beside its row and never part of it.
package centre

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

// Book is the centres of one account.
type Book struct {
	Area area.Area
	Now  time.Time // by the broker's clock
	// Plain says that services of centres may be reached without encryption.
	Plain bool
	// Zone is where the days of dates begin; nil is UTC.
	Zone *time.Location
}

// Today is the time by the clock of where days begin, for dates alone.
func (b Book) Today() time.Time {
	if b.Zone == nil {
		return b.Now.UTC()
	}
	return b.Now.In(b.Zone)
}

// The tables.
var (
	centres  = area.Table[Centre]{Name: "centre"}
	devices  = area.Table[Device]{Name: "device"}
	clusters = area.Table[Cluster]{Name: "cluster"}
	labels   = area.Table[Label]{Name: "label"}
)

// MostRows bounds how many of one kind are read for one answer.
const MostRows = 10_000

// The transports of a centre.
const (
	Native = "native" // this plugin speaks to the clusters itself
	PCAPI  = "pcapi"  // the centre's own service does
)

// Where a centre's service wants its parameters.
const (
	InQuery = "query" // as all services take them
	InBody  = "body"  // as tradewind-pcapi also does
)

// Spec is what the operator says of a centre.
type Spec struct {
	Name         string       `json:"name" required:"true" min:"1" max:"128" title:"Name"`
	Transport    string       `json:"transport,omitempty" enum:"native,pcapi" default:"native" title:"Transport" doc:"native: the plugin reaches the clusters itself; pcapi: only the centre's own service does"`
	URL          string       `json:"pcapi_url,omitempty" max:"512" title:"Service" doc:"URL of the centre's own service, without a user"`
	User         string       `json:"api_user,omitempty" max:"128" title:"User of the service"`
	Password     secret.Value `json:"api_password,omitempty" title:"Password of the service" doc:"Empty in an update keeps the old one"`
	Parameters   string       `json:"pcapi_parameters,omitempty" enum:"query,body" default:"query" title:"Where the service wants parameters" doc:"query: as every service takes them, passwords too; body: out of the logs of what stands before it, as tradewind-pcapi takes them"`
	Network      string       `json:"network,omitempty" max:"200000" title:"Manifest of the network" doc:"YAML that is applied to clusters installed here, so that their nodes become ready; nothing is downloaded; empty in an update keeps the old one"`
	NetworkSum   string       `json:"network_sha256,omitempty" max:"64" title:"SHA-256 of the manifest" doc:"In hex, of the exact bytes"`
	ContactName  string       `json:"contact_name" required:"true" min:"1" max:"128" title:"Contact"`
	ContactPhone string       `json:"contact_phone" required:"true" min:"3" max:"32" title:"Telephone of the contact"`
	EnableDate   string       `json:"enable_date,omitempty" title:"First day" doc:"YYYY-MM-DD; empty is today"`
	ExpireDate   string       `json:"expire_date,omitempty" title:"Last day" doc:"YYYY-MM-DD; empty is 9999-12-31, never"`
}

// Centre is one centre, as it is kept and shown.
type Centre struct {
	ID           string    `json:"id" title:"Centre"`
	Name         string    `json:"name" title:"Name"`
	Transport    string    `json:"transport" title:"Transport"`
	URL          string    `json:"pcapi_url,omitempty" title:"Service"`
	User         string    `json:"api_user,omitempty" title:"User of the service"`
	Parameters   string    `json:"pcapi_parameters,omitempty" title:"Where the service wants parameters"`
	NetworkSum   string    `json:"network_sha256,omitempty" title:"SHA-256 of the network's manifest"`
	ContactName  string    `json:"contact_name" title:"Contact"`
	ContactPhone string    `json:"contact_phone" title:"Telephone of the contact"`
	EnableDate   string    `json:"enable_date" title:"First day"`
	ExpireDate   string    `json:"expire_date" title:"Last day"`
	Closing      bool      `json:"closing,omitempty" title:"Is being removed"`
	Token        string    `json:"token" title:"Token it was made with"`
	Created      time.Time `json:"created" title:"Made"`
	Updated      time.Time `json:"updated" title:"Changed"`
}

// InEffect reports whether the centre may sell on a day (see [Book.Today]).
func (c Centre) InEffect(today time.Time) bool {
	return inEffect(c.EnableDate, c.ExpireDate, today) && !c.Closing
}

// What is sealed beside a centre: its password, and the manifest of its clusters'
// network, which is too long for a row.
const (
	passwordName = "centre-password"
	networkName  = "centre-network"
)

// webURL is a URL without a user, so that no password can hide in it.
var webURL = regexp.MustCompile(`^https?://[^/@\s?#]+(/[^@\s?#]*)?$`)

func (s Spec) check() error {
	var bad []fault.Field
	if s.URL != "" && !webURL.MatchString(s.URL) {
		bad = append(bad, fault.Field{Path: "spec.pcapi_url", Message: "must be an http or https URL without user, query and fragment"})
	}
	if s.Transport == PCAPI {
		for path, text := range map[string]string{"spec.pcapi_url": s.URL, "spec.api_user": s.User} {
			if text == "" {
				bad = append(bad, fault.Field{Path: path, Message: "is required for the transport pcapi"})
			}
		}
	}
	if sum := sha256.Sum256([]byte(s.Network)); s.Network != "" && !strings.EqualFold(s.NetworkSum, hex.EncodeToString(sum[:])) {
		bad = append(bad, fault.Field{Path: "spec.network_sha256", Message: "must be the SHA-256 of spec.network: compare it with what the author of the manifest publishes"})
	}
	return fault.InvalidFields(bad)
}

func (s Spec) apply(c *Centre, b Book) (err error) {
	if s.Network != "" {
		c.NetworkSum = strings.ToLower(s.NetworkSum)
	}
	c.Name, c.Transport, c.URL, c.User = s.Name, s.Transport, s.URL, s.User
	if c.Parameters = ""; s.Transport == PCAPI {
		c.Parameters = s.Parameters
	}
	c.ContactName, c.ContactPhone, c.Updated = s.ContactName, s.ContactPhone, b.Now
	c.EnableDate, c.ExpireDate, err = dates(s.EnableDate, s.ExpireDate, b.Today())
	return err
}

// Create opens a centre, once per token.
func (b Book) Create(ctx context.Context, token string, s Spec) (Centre, error) {
	if err := s.check(); err != nil {
		return Centre{}, err
	}
	if s.Transport == PCAPI && s.Password.IsZero() {
		return Centre{}, fault.Invalid("spec.api_password", "is required for the transport pcapi")
	}
	v := Centre{ID: area.IDOf("centre", token), Token: token, Created: b.Now}
	if err := s.apply(&v, b); err != nil {
		return Centre{}, err
	}
	return insert(ctx, b, centres, v.ID, token, func(c *area.Change) (Centre, error) {
		c.Seal(passwordName, v.ID, s.Password)
		c.Seal(networkName, v.ID, secret.New(s.Network))
		return v, nil
	})
}

// Centre returns one centre.
func (b Book) Centre(ctx context.Context, id string) (Centre, error) {
	row, err := centres.Get(ctx, b.Area, id)
	return row.Value, err
}

// FindCentre returns what a token made; ok is false for nothing.
func (b Book) FindCentre(ctx context.Context, token string) (Centre, bool, error) {
	row, err := centres.Find(ctx, b.Area, area.IDOf("centre", token))
	return row.Value, row.Revision != 0, err
}

// Centres yields the centres by id.
func (b Book) Centres(ctx context.Context, yield func(Centre) error) error {
	return centres.Each(ctx, b.Area, func(r area.Row[Centre]) error { return yield(r.Value) })
}

// Password returns the password of a centre's service.
func (b Book) Password(ctx context.Context, id string) (secret.Value, error) {
	return b.Area.Secret(ctx, passwordName, id)
}

// Network returns the manifest that is applied to clusters installed in a centre;
// "" for none. One that is not what its sum says is refused.
func (b Book) Network(ctx context.Context, id string) (string, error) {
	c, err := b.Centre(ctx, id)
	if err != nil || c.NetworkSum == "" {
		return "", err
	}
	text, err := b.Area.Secret(ctx, networkName, id)
	if err != nil {
		return "", err
	}
	if sum := sha256.Sum256([]byte(text.Reveal())); hex.EncodeToString(sum[:]) != c.NetworkSum {
		return "", fault.Precondition("the manifest of the centre's network is not the one with its SHA-256: give it again")
	}
	return text.Reveal(), nil
}

// Update changes a centre.
func (b Book) Update(ctx context.Context, id string, s Spec) (Centre, error) {
	if err := s.check(); err != nil {
		return Centre{}, err
	}
	return edit(ctx, b, centres, id, func(c *area.Change, v *Centre) error {
		if s.Transport != v.Transport {
			if held, err := clusters.All(ctx, b.Area, MostRows, func(c Cluster) bool { return c.CentreID == id }); err != nil || len(held) > 0 {
				return errors.Join(err, fault.Invalid("spec.transport", "cannot be changed while the centre has clusters"))
			}
			if old, err := b.Password(ctx, id); s.Transport == PCAPI && s.Password.IsZero() && (err != nil || old.IsZero()) {
				return fault.Invalid("spec.api_password", "is required for the transport pcapi")
			}
		}
		if s.Network == "" && s.NetworkSum != "" && !strings.EqualFold(s.NetworkSum, v.NetworkSum) {
			return fault.Invalid("spec.network", "is required with another network_sha256")
		}
		c.Seal(passwordName, id, s.Password)
		c.Seal(networkName, id, secret.New(s.Network))
		return s.apply(v, b)
	})
}

// Delete removes a centre that has nothing left. Closing comes first, so that
// nothing can be added while it is looked at.
func (b Book) Delete(ctx context.Context, id string, held func(context.Context) (string, error)) error {
	_, err := edit(ctx, b, centres, id, func(_ *area.Change, v *Centre) error { v.Closing = true; return nil })
	if fault.Is(err, fault.ClassNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	what, err := b.centreHeld(ctx, id, held)
	if err == nil && what == "" {
		return remove(ctx, b, centres, id, func(c *area.Change, _ Centre) error {
			c.Forget(passwordName, id)
			c.Forget(networkName, id)
			return nil
		})
	}
	if _, back := edit(ctx, b, centres, id, func(_ *area.Change, v *Centre) error { v.Closing = false; return nil }); back != nil {
		return back
	}
	if err != nil {
		return err
	}
	return fault.Precondition("the centre still has %s: remove them first", what)
}

// centreHeld says what a centre still has, "" for nothing.
func (b Book) centreHeld(ctx context.Context, id string, held func(context.Context) (string, error)) (string, error) {
	one, err := devices.All(ctx, b.Area, MostRows, func(d Device) bool { return d.CentreID == id })
	if err != nil || len(one) > 0 {
		return "devices", err
	}
	two, err := clusters.All(ctx, b.Area, MostRows, func(c Cluster) bool { return c.CentreID == id })
	if err != nil || len(two) > 0 {
		return "clusters", err
	}
	return held(ctx)
}

// open reads a centre that something is about to be added to, and lets the
// change be made only while nobody closes it.
func (b Book) open(ctx context.Context, c *area.Change, id string) error {
	row, err := centres.Get(ctx, b.Area, id)
	if fault.Is(err, fault.ClassNotFound) {
		return fault.Invalid("spec.centre_id", "names no centre")
	}
	if err != nil {
		return err
	}
	if row.Value.Closing {
		return fault.Precondition("the centre is being removed")
	}
	c.Expect(centres.Key(id), row.Revision)
	return nil
}
