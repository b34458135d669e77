package sim

import (
	"regexp"
	"slices"
	"time"
)

// The order types of bill items.
const (
	orderBuy    = "OT_BUY"
	orderRenew  = "OT_RENEW"
	orderRefund = "OT_REFUND"

	orderUpgrade   = "OT_UPGRADE"
	orderDowngrade = "OT_DOWNGRADE"
	orderPostpay   = "OT_POSTPAID_PAYMENT"
)

// The kinds of resources, as bills write them.
const (
	kindHost = "uhost"
	kindEIP  = "eip"
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

// bill is one bill item; it never changes. Times are unix seconds.
type bill struct {
	OrderNo   string `json:"order_no"`
	OrderType string `json:"order_type"`
	Account   string `json:"account"`
	Project   string `json:"project"`
	Kind      string `json:"kind"`
	Resource  string `json:"resource"`
	Charge    string `json:"charge"`
	// Amount is below zero for a refund.
	Amount  Fen   `json:"amount_fen"`
	Created int64 `json:"created"`
	Start   int64 `json:"start"`
	End     int64 `json:"end"`
	// Tag, Name and Remark are those at the time, to count purchases by token.
	Tag    string `json:"tag,omitempty"`
	Name   string `json:"name,omitempty"`
	Remark string `json:"remark,omitempty"`
}

// Bought counts purchases that carry the same token.
type Bought struct {
	// Orders counts calls that bought, Resources what they made.
	Orders    int `json:"orders"`
	Resources int `json:"resources"`
	// lastOrder tells the items of one order apart from the next order's.
	lastOrder string
}

func (c *Cloud) newOrderNo() string { return "cn" + formatInt(c.nextSeq()) }

// charge moves money and writes the bill item of it. A negative amount is a refund.
func (c *Cloud) charge(a *account, b bill, amount Fen, now time.Time) {
	b.Amount, b.Created = amount, now.Unix()
	if b.OrderNo == "" {
		b.OrderNo = c.newOrderNo()
	}
	if amount < 0 {
		a.books.Refunded -= amount
	} else {
		a.books.Spent += amount
	}
	a.books.Balance -= amount
	c.putBill(a, &b)
	c.tx.Bills = append(c.tx.Bills, &b)
	c.tx.keepBooks(a)
}

func (c *Cloud) putBill(a *account, b *bill) {
	a.bills = append(a.bills, b)
	a.byResource[b.Resource] = append(a.byResource[b.Resource], b)
	if b.OrderType != orderBuy {
		return
	}
	c.count(b.Kind+".tag", b.Tag, b.OrderNo)
	c.count(b.Kind+".name", b.Name, b.OrderNo)
	c.count(b.Kind+".remark", b.Remark, b.OrderNo)
}

func (c *Cloud) count(field, value, orderNo string) {
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
	n.Resources++
	if n.lastOrder != orderNo {
		n.Orders++
		n.lastOrder = orderNo
	}
}

func getBalance(_ *Cloud, q *request) (answer, *retError) {
	amount := q.acct.books.Balance.String()
	return answer{"AccountInfo": answer{
		"Amount": amount, "AmountAvailable": amount,
		"AmountCredit": "0.00", "AmountFree": "0.00", "AmountFreeze": "0.00",
	}}, nil
}

// createRenew extends a prepaid resource from where it ends.
func createRenew(c *Cloud, q *request) (answer, *retError) {
	id := q.need("ResourceId")
	q.subject = short(id)
	quantity := q.needNum("Quantity", 0, 10)
	if q.err != nil {
		return nil, q.err
	}
	l, b, shortBalance := c.leaseOf(q.acct, id)
	if l == nil {
		return nil, noSuchHost()
	}
	if isHourly(l.Charge) || (l.Charge == chargeYear && quantity == 0) {
		return nil, notAvailable("Quantity")
	}
	t, cost := l.renewal(quantity)
	if cost > q.acct.books.Balance {
		return nil, refuse(shortBalance, "balance is not enough to pay the order")
	}
	l.extend(t)
	c.watch(id, l)
	c.touch(id)
	b.OrderNo, b.OrderType, b.Start, b.End = c.newOrderNo(), orderRenew, t.From, t.To
	c.charge(q.acct, b, cost, q.now)
	return answer{"OrderNo": b.OrderNo}, nil
}

// modifyAutoRenew sets whether a resource is renewed at its end. What it refuses
// of a resource stands inside a good answer.
func modifyAutoRenew(c *Cloud, q *request) (answer, *retError) {
	id, flag := q.need("ResourceId"), q.need("Flag")
	q.subject = short(id)
	if q.err != nil {
		return nil, q.err
	}
	if flag != "TURN_ON" && flag != "TURN_OFF" {
		return nil, notAvailable("Flag")
	}
	l, _, _ := c.leaseOf(q.acct, id)
	if l == nil || isHourly(l.Charge) {
		return answer{"Success": 0, "Fail": 1, "ResultSet": []answer{{"ResourceId": id, "RetCode": 8039, "Message": "the resource has no term"}}}, nil
	}
	l.Auto = flag == "TURN_ON"
	c.watch(id, l)
	c.touch(id)
	return answer{"Success": 1, "Fail": 0, "ResultSet": []answer{{"ResourceId": id, "RetCode": 0, "Message": ""}}}, nil
}

// leaseOf finds a resource of the account in any region, and the code for a short balance.
func (c *Cloud) leaseOf(a *account, id string) (*lease, bill, int) {
	if h := c.hosts[id]; h != nil && h.Account == a.Name {
		return &h.lease, h.billRow(), codeHostBalance
	}
	if e := c.eips[id]; e != nil && e.Account == a.Name {
		return &e.lease, e.billRow(), codeEIPBalance
	}
	if d := c.udisks.byID[id]; d != nil && d.Account == a.Name {
		return &d.lease, d.billRow(), codeEIPBalance
	}
	return nil, bill{}, 0
}

// touch marks a resource as changed.
func (c *Cloud) touch(id string) {
	if h := c.hosts[id]; h != nil {
		c.tx.Hosts = append(c.tx.Hosts, h)
	}
	if e := c.eips[id]; e != nil {
		c.tx.EIPs = append(c.tx.EIPs, e)
	}
	if d := c.udisks.byID[id]; d != nil {
		c.tx.UDisks = append(c.tx.UDisks, d)
	}
}

var cyclePattern = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])$`)

// billFilter is a checked ListUBillDetail.
type billFilter struct {
	cycle, project, orderType, charge string
	kinds                             []string
	zero                              bool
	unpaid                            bool
}

func listBills(_ *Cloud, q *request) (answer, *retError) {
	f := billFilter{
		cycle: q.need("BillingCycle"), project: q.values["ProjectName"], orderType: q.values["OrderType"],
		charge: q.values["ChargeType"], kinds: q.list("ResourceTypes"),
		zero:   q.num("ShowZero", 0, 0, 1) == 1,
		unpaid: q.num("PaidState", 0, 0, 2) == 1, // every simulated item is paid
	}
	ids := q.list("ResourceIds")
	offset, limit := q.page(25, 100)
	if q.err == nil && !cyclePattern.MatchString(f.cycle) {
		q.fail(notAvailable("BillingCycle"))
	}
	if q.err != nil {
		return nil, q.err
	}
	found := []*bill{}
	for _, b := range q.acct.itemsOf(ids) {
		if f.passes(q.acct, b) {
			found = append(found, b)
		}
	}
	rows := []answer{}
	for _, b := range pageOf(found, offset, limit) {
		rows = append(rows, q.acct.billWire(b))
	}
	return answer{"TotalCount": len(found), "Items": rows}, nil
}

func (a *account) itemsOf(ids []string) []*bill {
	if len(ids) == 0 {
		return a.bills
	}
	var out []*bill
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		out = append(out, a.byResource[id]...)
	}
	return out
}

func (f *billFilter) passes(a *account, b *bill) bool {
	month := time.Unix(b.Created, 0).In(beijing()).Format("2006-01")
	return month == f.cycle && !f.unpaid && (f.zero || b.Amount != 0) &&
		passes(f.orderType, b.OrderType) && passes(f.charge, b.Charge) &&
		passes(f.project, a.projectName(b.Project)) &&
		(len(f.kinds) == 0 || slices.Contains(f.kinds, b.Kind))
}

func (a *account) projectName(id string) string {
	for _, p := range a.Projects {
		if p.ID == id {
			return p.Name
		}
	}
	return ""
}

func (a *account) billWire(b *bill) answer {
	return answer{
		"OrderNo": b.OrderNo, "OrderType": b.OrderType, "ChargeType": b.Charge,
		"Amount": b.Amount.String(), "AmountReal": b.Amount.String(),
		"AmountFree": "0.00", "AmountCoupon": "0.00",
		"ResourceId": b.Resource, "ResourceType": b.Kind,
		"ProjectId": b.Project, "ProjectName": a.projectName(b.Project),
		"CreateTime": b.Created, "StartTime": b.Start, "EndTime": b.End, "ShowHover": 1,
		"ItemDetails":        []answer{{"ProductName": b.Kind, "Value": b.Amount.String()}},
		"ResourceExtendInfo": []answer{{"KeyId": "Tag", "Value": b.Tag}},
	}
}
