package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"unicode/utf8"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/kinds"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// kindCustomer is a virtual-store account: a customer of the reseller whose key
// the account has. The cloud has no call that ends one.
const kindCustomer = "customer"

// CustomerSpec is what the cloud wants to know of a new customer.
type CustomerSpec struct {
	Email   string `json:"email" required:"true" min:"3" max:"254" title:"Email address"`
	Mobile  string `json:"mobile,omitempty" pattern:"^\\+?[0-9-]{5,20}$" title:"Mobile phone" doc:"Empty is the one of the account's config"`
	Type    string `json:"account_type,omitempty" pattern:"^[A-Za-z_]{1,32}$" title:"Type" doc:"Empty is the one of the account's config"`
	Company string `json:"company,omitempty" max:"100" title:"Company"`
}

// CustomerState is what is told of a customer; how to reach it is shown in part.
type CustomerState struct {
	AccountID string `json:"account_id" title:"Account" doc:"What customer_account_id of an account's config takes"`
	UserID    string `json:"user_id" title:"User" doc:"What customer_user_id of an account's config takes"`
	Email     string `json:"email,omitempty" title:"Email address"`
	Mobile    string `json:"mobile,omitempty" title:"Mobile phone"`
	Type      string `json:"account_type,omitempty" title:"Type"`
	Company   string `json:"company,omitempty" title:"Company"`
}

// customerRow is a customer as the cloud writes it. The SDK has no type for it.
type customerRow struct {
	AccountID   string `json:"accountId,omitempty"`
	UserID      string `json:"userId,omitempty"`
	Name        string `json:"name"`
	Email       string `json:"email"`
	MobilePhone string `json:"mobilePhone"`
	AccountType string `json:"accountType"`
	Company     string `json:"company,omitempty"`
}

type customer = provider.Thing[CustomerState]

// customers is the handler of the kind customer.
type customers struct{ *plugin }

func customerKind(p *plugin) *provider.Kind {
	h := customers{p}
	return provider.KindOf[CustomerSpec, CustomerState](kindCustomer, "Customer", h,
		provider.ActionOf(provider.ActionDescription{Name: "sign_in", Title: "Sign-in link"}, h.signIn),
		provider.ActionOf(provider.ActionDescription{Name: "resources", Title: "Resources"}, h.resources),
		provider.ActionOf(provider.ActionDescription{Name: kinds.ActionAutoRenew, Title: "Renew by itself", Changes: true}, h.autoRenew),
		provider.ActionOf(provider.ActionDescription{Name: "balance", Title: "Money"}, h.balance),
		provider.ActionOf(provider.ActionDescription{Name: "movements", Title: "Movements of money"}, h.movements),
	).Manage()
}

// mark is the end of a new customer's name, which tells its token: the cloud
// has neither tags nor client tokens for customers.
func mark(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "-" + hex.EncodeToString(sum[:6])
}

// customerNameMost is the longest name of a customer, in bytes.
const customerNameMost = 64

// customerName is a name with a mark behind it.
func (c *cloud) customerName(name, mark string) string {
	name = strings.ReplaceAll(nameOf(c.cfg.CustomerPrefix+"-"+name, "customer"), "/", "-")
	for len(name)+len(mark) > customerNameMost {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name + mark
}

// Create makes a customer, unless its token has made one.
func (h customers) Create(ctx context.Context, req provider.TypedCreate[CustomerSpec]) (provider.Result[CustomerState], error) {
	var zero provider.Result[CustomerState]
	c, err := h.open(req.Call)
	switch {
	case err != nil:
		return zero, err
	case req.Token == "":
		return zero, fault.Invalid("token", "is required")
	}
	if err := one(req.Term); err != nil {
		return zero, err
	}
	ask := customerRow{
		Name: c.customerName(req.Name, mark(req.Token)), Email: req.Spec.Email, Company: req.Spec.Company,
		MobilePhone: firstText(req.Spec.Mobile, c.cfg.CustomerMobile.Reveal()), AccountType: firstText(req.Spec.Type, c.cfg.CustomerType),
	}
	row, _, err := h.ensure(ctx, c, ask, func(row customerRow) bool { return strings.HasSuffix(row.Name, mark(req.Token)) })
	if err != nil {
		return zero, err
	}
	return provider.Done(customerThing(row, req.Token)), nil
}

// ensure finds a customer or makes it. Those who make customers for one
// reseller go one after another, so that two of this process make one.
func (p *plugin) ensure(ctx context.Context, c *cloud, ask customerRow, is func(customerRow) bool) (row customerRow, created bool, err error) {
	end, err := p.turns.Take(ctx, c.owner()+"\ncustomers")
	if err != nil {
		return row, false, err
	}
	defer end()
	found, err := c.findCustomer(ctx, is)
	if err != nil {
		return row, false, fault.NotDone(err)
	}
	if found != nil {
		return *found, false, nil
	}
	row, err = write(ctx, c, identity, raw[customerRow](call{method: http.MethodPost, path: "/v1/vs/account", body: ask}))
	if err == nil && row.UserID == "" {
		err = fault.Unknown(nil, "the cloud does not name the customer that it made").From(fault.SourceCloud)
	}
	return row, true, err
}

// findCustomer looks through all customers; nil is none.
func (c *cloud) findCustomer(ctx context.Context, is func(customerRow) bool) (*customerRow, error) {
	var out *customerRow
	err := c.customers(ctx, func(row customerRow) error {
		if out == nil && is(row) {
			out = &row
		}
		return nil
	})
	return out, err
}

// customers streams the reseller's customers. The cloud lists ids only.
func (c *cloud) customers(ctx context.Context, yield func(customerRow) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]string, int, error) {
		answer, err := read(ctx, c, identity, raw[struct {
			TotalSize int      `json:"totalSize"`
			UIDs      []string `json:"uidList"`
		}](call{method: http.MethodPost, path: "/v1/vs/account/list", body: map[string]int{"pageNo": offset/limit + 1, "pageSize": limit}}))
		return answer.UIDs, answer.TotalSize, err
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(id string) string { return id }, func(id string) error {
		row, err := c.customer(ctx, id)
		switch {
		case fault.Is(err, fault.ClassNotFound):
			return nil // it went while we walked
		case err != nil:
			return err
		}
		return yield(row)
	})
}

// customer reads one customer by its user's id.
func (c *cloud) customer(ctx context.Context, id string) (customerRow, error) {
	if err := idOf("customer", id); err != nil {
		return customerRow{}, err
	}
	row, err := read(ctx, c, identity, raw[customerRow](call{method: http.MethodGet, path: "/v1/vs/account/" + id}))
	if err == nil && row.UserID != id {
		err = fault.NotFound("customer", id)
	}
	return row, err
}

// Get reads one customer.
func (h customers) Get(ctx context.Context, req provider.GetRequest) (customer, error) {
	c, err := h.open(req.Call)
	if err != nil {
		return customer{}, err
	}
	row, err := c.customer(ctx, req.ID)
	if err != nil {
		return customer{}, err
	}
	return customerThing(row, ""), nil
}

// List streams the reseller's customers. An account that is no reseller has none.
func (h customers) List(ctx context.Context, req provider.ListRequest, yield func(customer) error) error {
	c, err := h.open(req.Call)
	if err != nil {
		return err
	}
	err = c.customers(ctx, func(row customerRow) error { return yield(customerThing(row, "")) })
	if fault.Is(err, fault.ClassForbidden) {
		return nil
	}
	return err
}

// FindByToken tells what became of a create.
func (h customers) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[CustomerState], error) {
	var out provider.TypedFound[CustomerState]
	c, err := h.open(req.Call)
	switch {
	case err != nil:
		return out, err
	case req.Change != provider.ChangeCreate:
		return out, fault.Unsupported("a customer's %s leaves no trace of its token", req.Change)
	case req.Token == "":
		return out, fault.Invalid("token", "is required")
	}
	found, err := c.findCustomer(ctx, func(row customerRow) bool { return strings.HasSuffix(row.Name, mark(req.Token)) })
	if fault.Is(err, fault.ClassForbidden) {
		found, err = nil, nil // an account that is no reseller has none
	}
	if err != nil {
		return out, err
	}
	if found != nil {
		out.Done, out.Things = true, []customer{customerThing(*found, req.Token)}
	}
	out.Settled = out.Done || c.cfg.settled(req.Since, h.clock.Now())
	return out, nil
}

// customerThing shows a customer in the contract's words.
func customerThing(row customerRow, token string) customer {
	return customer{
		ID: row.UserID, Name: row.Name, Status: provider.StatusFree, Token: token,
		State: CustomerState{
			AccountID: row.AccountID, UserID: row.UserID, Email: maskedEmail(row.Email), Mobile: masked(row.MobilePhone),
			Type: row.AccountType, Company: row.Company,
		},
	}
}

// masked hides all but the ends of a phone number.
func masked(text string) string {
	if len(text) < 8 {
		return strings.Repeat("*", len(text))
	}
	return text[:3] + strings.Repeat("*", len(text)-5) + text[len(text)-2:]
}

// maskedEmail hides who of a domain it is.
func maskedEmail(text string) string {
	name, domain, ok := strings.Cut(text, "@")
	if !ok || name == "" {
		return masked(text)
	}
	_, size := utf8.DecodeRuneInString(name)
	return name[:size] + "***@" + domain
}

// EnsureAccount makes the customer of a name if there is none.
func (p *plugin) EnsureAccount(ctx context.Context, req provider.EnsureAccountRequest) (provider.SubAccount, error) {
	var zero provider.SubAccount
	c, err := p.open(req.Call)
	switch {
	case err != nil:
		return zero, err
	case req.Token == "":
		return zero, fault.Invalid("token", "is required")
	case strings.TrimSpace(req.Name) == "":
		return zero, fault.Invalid("name", "is required")
	}
	ask := customerRow{
		Name: c.customerName(req.Name, ""), Email: req.Email, MobilePhone: c.cfg.CustomerMobile.Reveal(), AccountType: c.cfg.CustomerType,
	}
	if ask.Email == "" {
		if c.cfg.CustomerDomain == "" {
			return zero, fault.Invalid("email", "is required unless the account has a customer_email_domain")
		}
		ask.Email = ask.Name + "@" + c.cfg.CustomerDomain
	}
	row, created, err := p.ensure(ctx, c, ask, func(row customerRow) bool { return row.Name == ask.Name })
	if err != nil {
		return zero, err
	}
	out := provider.SubAccount{
		ID: row.UserID, Name: row.Name, Created: created,
		Settings: map[string]string{"customer_user_id": row.UserID, "customer_account_id": row.AccountID},
	}
	if c.cfg.CustomerRole != "" {
		out.Settings["assume_role"] = c.cfg.CustomerRole
	}
	return out, nil
}

// RentedResource is one resource that a customer has.
type RentedResource struct {
	Service string `json:"service" title:"Product" doc:"The cloud's word, like BCC"`
	Region  string `json:"region,omitempty" title:"Region"`
	ID      string `json:"id" title:"Resource"`
	Expires string `json:"expires,omitempty" title:"End of the paid time"`
	Renews  string `json:"renews,omitempty" title:"Renewed by itself" doc:"By how much each time, like 1 month"`
	Order   string `json:"order,omitempty" title:"Order" doc:"Of what is only known from orders"`
}

// Rented is what a customer has.
type Rented struct {
	Resources []RentedResource `json:"resources" title:"Resources"`
	Total     int              `json:"total" title:"Number of all, when not all are here"`
}

// mostRented bounds the answer of one action.
const mostRented = 1000

// rentable are the cloud's products that a customer may have prepaid.
func rentable() []string {
	return []string{productServer, productDisk, productAddress, "BLB", "BBC", "RDS", "SCS", "BOS", "CDN", "NAT", "VPN"}
}

// resources gathers what a customer has: what is prepaid from the list of what
// can be renewed, product by product, and the rest from its orders.
func (h customers) resources(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[Rented], error) {
	out := provider.ActionResult[Rented]{Output: Rented{Resources: []RentedResource{}}}
	c, err := h.open(req.Call)
	if err != nil {
		return out, err
	}
	row, err := c.customer(ctx, req.ID)
	if err != nil {
		return out, err
	}
	c = c.of(row)
	seen := map[string]bool{}
	add := func(r RentedResource) error {
		if r.ID == "" || seen[r.ID] {
			return nil
		}
		seen[r.ID] = true
		if out.Output.Total++; len(out.Output.Resources) < mostRented {
			out.Output.Resources = append(out.Output.Resources, r)
		}
		return nil
	}
	for _, product := range rentable() {
		if err := c.rented(ctx, product, add); err != nil {
			return out, err
		}
	}
	err = c.orders(ctx, orderFilter{Status: "CREATED"}, func(o order) error {
		ids := o.ShortIDs
		if o.Type == typeRefund {
			return nil
		}
		for _, id := range ids {
			if err := add(RentedResource{Service: o.ServiceType, ID: id, Order: o.UUID}); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// of is the same key, asking for a customer.
func (c *cloud) of(row customerRow) *cloud {
	out := *c
	out.cfg.CustomerAccount, out.cfg.CustomerUser = row.AccountID, row.UserID
	return &out
}

// rented streams what a customer has prepaid of a product.
func (c *cloud) rented(ctx context.Context, product string, yield func(RentedResource) error) error {
	return c.renewable(ctx, prepaidThing{product: product}, func(r renewableRow) error {
		return yield(RentedResource{
			Service: firstText(r.ServiceType, product), Region: r.Region, ID: firstText(r.ShortID, r.InstanceID), Expires: r.ExpireTime,
			Renews: ruleText(r.rule()),
		})
	})
}
