package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Books is the money of one account. Balance is always
// Start + Recharged - Spent + Refunded.
type Books struct {
	Start     Fen `json:"start_fen"`
	Recharged Fen `json:"recharged_fen"`
	Spent     Fen `json:"spent_fen"`
	Refunded  Fen `json:"refunded_fen"`
	Balance   Fen `json:"balance_fen"`
}

// The kinds of resources that cost money, and what the vendor calls their services.
const (
	kindInstance = "instance"
	kindDisk     = "disk"
	kindEIP      = "eip"
	kindRenewal  = "renewal"

	appCode     = "jcloud"
	serviceVM   = "vm"
	serviceDisk = "disk"
	serviceIP   = "ip"
)

// What a bill is for.
const (
	actionNew    = "NEW"
	actionRenew  = "RENEW"
	actionResize = "RESIZE"
	actionUse    = "USE"
	actionRefund = "REFUND"
)

// bill is one bill item; it never changes. Times are unix seconds.
type bill struct {
	ID       string `json:"id"`
	Account  string `json:"account"`
	Region   string `json:"region"`
	AZ       string `json:"az,omitempty"`
	Service  string `json:"service"`
	Resource string `json:"resource"`
	Name     string `json:"name,omitempty"`
	Mode     string `json:"mode"`
	Action   string `json:"action"`
	Order    string `json:"order,omitempty"`
	// Amount is below zero for a refund.
	Amount  Fen   `json:"amount_fen"`
	Created int64 `json:"created"`
	Start   int64 `json:"start"`
	End     int64 `json:"end"`
	Tags    []tag `json:"tags,omitempty"`
}

// charge moves money and writes the bill of it. A negative amount is a refund.
func (c *Cloud) charge(b bill, amount Fen, now time.Time) {
	a := c.accounts[b.Account]
	b.Amount, b.Created = amount, now.Unix()
	b.ID = fmt.Sprintf("bill-%012d", c.nextSeq())
	if amount < 0 {
		a.books.Refunded -= amount
	} else {
		a.books.Spent += amount
	}
	a.books.Balance -= amount
	c.bills.put(b.ID, &b)
	c.books.put(a.Name, a.books)
}

// The words of orders.
const (
	orderNew    = "NEW"
	orderRenew  = "RENEW"
	orderResize = "RESIZE_FORMULA"

	orderPaid     = "PAID"
	orderPart     = "REFUND_PART"
	orderRefunded = "REFUND_ALL"
)

// order is one order of prepaid resources.
type order struct {
	Number  string      `json:"number"`
	Account string      `json:"account"`
	Region  string      `json:"region"`
	Type    string      `json:"type"`
	Status  string      `json:"status"`
	Charge  charge      `json:"charge"`
	Created int64       `json:"created"`
	Items   []orderItem `json:"items"`
}

// orderItem is what one resource of an order costs.
type orderItem struct {
	Resource string `json:"resource"`
	Service  string `json:"service"`
	Fee      Fen    `json:"fee"`
	Refunded Fen    `json:"refunded"`
	Before   int64  `json:"before"`
	After    int64  `json:"after"`
	Failed   bool   `json:"failed,omitempty"`
}

// newOrder makes an order; it is kept when its items are known.
func (c *Cloud) newOrder(account, region, kind string, ch charge, now time.Time) *order {
	return &order{
		Number: fmt.Sprintf("%s%08d", now.In(beijing()).Format("20060102"), c.nextSeq()), Account: account, Region: region,
		Type: kind, Status: orderPaid, Charge: ch, Created: now.Unix(),
	}
}

func (o *order) item(resource, service string, fee Fen, before, after int64) {
	o.Items = append(o.Items, orderItem{Resource: resource, Service: service, Fee: fee, Before: before, After: after})
}

func (o *order) total() (fee, refunded Fen) {
	for _, i := range o.Items {
		fee, refunded = fee+i.Fee, refunded+i.Refunded
	}
	return fee, refunded
}

// giveBack notes a refund of one resource and closes the order when all of
// its resources were refunded.
func (o *order) giveBack(resource string, amount Fen) {
	o.Status = orderRefunded
	for i := range o.Items {
		if o.Items[i].Resource == resource {
			o.Items[i].Refunded += amount
		} else if o.Items[i].Refunded == 0 {
			o.Status = orderPart
		}
	}
}

// purchase is one call that bought something, kept for ever to find what was
// bought twice.
type purchase struct {
	Kind      string   `json:"kind"`
	Names     []string `json:"names"`
	Tags      []tag    `json:"tags,omitempty"`
	Token     string   `json:"token,omitempty"`
	Resources int      `json:"resources"`
}

// Bought counts purchases that carry the same name, tag or token.
type Bought struct {
	// Orders counts calls that bought, Resources what they made.
	Orders    int `json:"orders"`
	Resources int `json:"resources"`
}

func (c *Cloud) notePurchase(p purchase) {
	c.purchases.put(fmt.Sprintf("%012d", c.nextSeq()), &p)
	c.countPurchase(&p)
}

func (c *Cloud) countPurchase(p *purchase) {
	for _, n := range p.Names {
		c.count(p.Kind+".name", n, p.Resources)
	}
	for _, t := range p.Tags {
		c.count(p.Kind+".tag", t.Key+"="+t.Value, p.Resources)
	}
	c.count(p.Kind+".token", p.Token, p.Resources)
}

func (c *Cloud) count(field, value string, resources int) {
	if value == "" {
		return
	}
	m := c.bought[field]
	if m == nil {
		m = map[string]*Bought{}
		c.bought[field] = m
	}
	n := m[value]
	if n == nil {
		n = &Bought{}
		m[value] = n
	}
	n.Orders++
	n.Resources += resources
}

// usedToken remembers what a client token bought.
type usedToken struct {
	Digest string   `json:"digest"`
	IDs    []string `json:"ids"`
}

// repeated finds what a client token bought before. The same token with other
// parameters is refused.
func (c *Cloud) repeated(q *request, token string) ([]string, *apiError) {
	used := c.tokens.get(q.tokenKey(token))
	if token == "" || used == nil {
		return nil, nil
	}
	if used.Digest != q.digest() {
		return nil, refuse(409, statusAborted, "the client token was used with other parameters")
	}
	return used.IDs, nil
}

func (c *Cloud) noteToken(q *request, token string, ids []string) {
	if token != "" {
		c.tokens.put(q.tokenKey(token), &usedToken{Digest: q.digest(), IDs: ids})
	}
}

func (q *request) tokenKey(token string) string {
	return q.acct.Name + "/" + q.act.full() + "/" + q.region + "/" + token
}

// leased is a resource that costs money.
type leased struct {
	*lease
	kind string
	bill bill
	// keep notes that the resource changed.
	keep func()
}

// leaseOf finds a resource of the account in any region.
func (c *Cloud) leaseOf(account, id string) (leased, bool) {
	if h := c.instances.get(id); h != nil && h.Account == account {
		return leased{lease: &h.lease, kind: kindInstance, bill: h.billRow(), keep: func() { c.instances.put(id, h) }}, true
	}
	if d := c.disks.get(id); d != nil && d.Account == account && !d.System {
		return leased{lease: &d.lease, kind: kindDisk, bill: d.billRow(), keep: func() { c.disks.put(id, d) }}, true
	}
	if e := c.eips.get(id); e != nil && e.Account == account {
		return leased{lease: &e.lease, kind: kindEIP, bill: e.billRow(), keep: func() { c.eips.put(id, e) }}, true
	}
	return leased{}, false
}

// digest stands for the parameters of a call but its client token.
func (q *request) digest() string {
	values := maps.Clone(q.values)
	delete(values, "clientToken")
	b, err := json.Marshal(values)
	if err != nil {
		return ""
	}
	return hexDigest(b)
}
