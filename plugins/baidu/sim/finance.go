package sim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// transfer is one movement of money between a reseller and a customer.
type transfer struct {
	meta
	From, To string // account ids
	Amount   Fen
}

// renewRule renews a resource before it expires.
type renewRule struct {
	meta
	Resource, Service string
	Months            int
	Unit              string
	Time              int
}

func financeOps() []op {
	return []op{
		read("CashBalance", http.MethodPost, "/v1/finance/cash/balance", cashBalance),
		read("SupervisorCashBalance", http.MethodPost, "/v1/finance/supervisor/cash/balance", supervisorBalance),
		read("SupervisorCreditQuota", http.MethodPost, "/v1/finance/supervisor/credit/quota", creditQuota),
		change("SupervisorTransfer", http.MethodPost, "/v1/finance/supervisor/balance/transfer", "", transferTo),
		change("SupervisorGather", http.MethodPost, "/v1/finance/supervisor/balance/gather", "", gatherFrom),
		read("SupervisorTransactions", http.MethodPost, "/v1/finance/supervisor/cash/transaction", listTransfers),
		read("PriceCpc", http.MethodPost, "/v1/price/cpc", priceOf(false)),
		read("PriceCpt", http.MethodPost, "/v1/price/cpt", priceOf(true)),
		read("RenewResourceList", http.MethodPost, "/v1/renew/resource/list", renewList),
		read("QueryRenewResources", http.MethodPost, "/v1/resource/query/renew", renewQuery),
		change("CreateRenewRule", http.MethodPost, "/v1/renew/resource/rule/create", "", createRule),
		billed("ResourceMonthBill", http.MethodGet, "/v1/bill/resource/month", monthBill),
		billed("ResourceChargeItemBill", http.MethodPost, "/v1/bill/resource/chargeitem", chargeBill),
		billed("ShareBill", http.MethodGet, "/v1/bill/share/bill", shareBill),
		billed("CostSplitBill", http.MethodGet, "/v1/bill/cost/split/bill/list", shareBill),
		billed("ResourceBillList", http.MethodPost, "/v1/bill/resource/list", resourceBills),
	}
}

func cashBalance(c *Cloud, q *request) (any, *apiError) {
	return map[string]any{"cashBalance": yuan(c.books.get(q.acct.ID).Balance)}, nil
}

// named are the accounts a reseller asks about: the own one and customers.
func (c *Cloud) named(q *request) ([]*account, *apiError) {
	var in struct {
		IDs []string `json:"accountIds"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	if err := q.reseller(); err != nil {
		return nil, err
	}
	if len(in.IDs) == 0 || len(in.IDs) > 1000 {
		return nil, badBody("accountIds holds 1 to 1000 ids")
	}
	var out []*account
	for _, id := range in.IDs {
		a, err := c.actsFor(q.acct, id)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func (a *account) place() string {
	if a.Partner == "" {
		return "MASTER_ACCOUNT"
	}
	return "SUB_ACCOUNT"
}

func supervisorBalance(c *Cloud, q *request) (any, *apiError) {
	list, err := c.named(q)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for _, a := range list {
		rows = append(rows, map[string]any{
			"accountId": a.ID, "accountType": a.place(), "loginName": a.Name, "ouName": "", "comment": "",
			"cashBalance": yuan(c.books.get(a.ID).Balance),
		})
	}
	return map[string]any{"result": rows}, nil
}

// creditQuota answers that nobody has credit.
func creditQuota(c *Cloud, q *request) (any, *apiError) {
	list, err := c.named(q)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for _, a := range list {
		rows = append(rows, map[string]any{"accountId": a.ID, "accountType": a.place(), "loginName": a.Name, "creditQuota": yuan(0)})
	}
	return map[string]any{"result": rows}, nil
}

func transferTo(c *Cloud, q *request) (any, *apiError) { return c.moveMoney(q, true) }
func gatherFrom(c *Cloud, q *request) (any, *apiError) { return c.moveMoney(q, false) }

// moveMoney moves money between a reseller and a customer; each call does.
func (c *Cloud) moveMoney(q *request, out bool) (any, *apiError) {
	var in struct {
		ID     string          `json:"supervisedId"`
		Amount json.RawMessage `json:"amount"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	if err := q.reseller(); err != nil {
		return nil, err
	}
	amount, perr := parseYuan(string(in.Amount))
	if perr != nil || amount == 0 {
		return nil, badBody("amount is not a positive number of yuan with at most two decimals")
	}
	a := c.customerOf(q.acct, in.ID)
	if a == nil {
		return nil, accessDenied("Access denied.")
	}
	from, to := q.acct.ID, a.ID
	if !out {
		from, to = to, from
	}
	if c.books.get(from).Balance < amount {
		return nil, lowBalance()
	}
	c.changeBooks(from, func(b *Books) { b.Balance -= amount; b.Out += amount })
	c.changeBooks(to, func(b *Books) { b.Balance += amount; b.In += amount })
	t := &transfer{meta: c.newMeta("tr-", q.acct.ID, "", q.now), From: from, To: to, Amount: amount}
	keep(c, c.transfers, t.ID, t)
	q.subject = a.UserID
	return map[string]bool{"success": true}, nil
}

func listTransfers(c *Cloud, q *request) (any, *apiError) {
	in := struct {
		Begin    string `json:"beginTime"`
		End      string `json:"endTime"`
		PageNo   int    `json:"pageNo"`
		PageSize int    `json:"pageSize"`
	}{PageNo: 1, PageSize: 100}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	if err := q.reseller(); err != nil {
		return nil, err
	}
	from, to, err := span(in.Begin, in.End)
	if err != nil {
		return nil, err
	}
	if in.PageNo < 1 || in.PageSize < 1 || in.PageSize > 100 {
		return nil, badBody("pageNo or pageSize is invalid")
	}
	all := c.transfers.all(func(t *transfer) bool { return t.Account == q.acct.ID && t.Created >= from && t.Created <= to })
	rows := []any{}
	for _, t := range numbered(all, in.PageNo, in.PageSize) {
		rows = append(rows, map[string]any{
			"inAccountId": t.To, "outAccountId": t.From, "amount": yuan(t.Amount), "createTime": stamp(t.Created), "transTypeDesc": "transfer",
		})
	}
	return map[string]any{"pageNo": in.PageNo, "pageSize": in.PageSize, "totalCount": len(all), "result": rows}, nil
}

// priceOf prices a flavor by charge items: spec or bandwidth or a disk.
func priceOf(monthly bool) handler {
	return func(_ *Cloud, q *request) (any, *apiError) {
		in := struct {
			Service string `json:"serviceType"`
			Region  string `json:"region"`
			Flavor  struct {
				Items []chargeItem `json:"chargeItems"`
			} `json:"flavor"`
			Count  int    `json:"count"`
			Period string `json:"period"`
		}{Count: 1}
		if err := q.json(&in); err != nil {
			return nil, err
		}
		region := regionNamed(in.Region)
		if region == nil || in.Count < 1 || in.Count > 100 || len(in.Flavor.Items) == 0 || len(in.Flavor.Items) > 20 {
			return nil, badBody("region, count or flavor.chargeItems is invalid")
		}
		month := Fen(0)
		for _, i := range in.Flavor.Items {
			m, ok := i.month(region)
			if !ok {
				return nil, badBody("the charge item %q is not priced", i.Name)
			}
			month += m
		}
		n, err := periodMonths(in.Period)
		if err != nil {
			return nil, err
		}
		l := newLease(postpaid, month, q.acct.Percent, q.now)
		if monthly {
			l = newLease(prepaid, month, q.acct.Percent, q.now)
			l.Unit, l.List = months(l.Unit, n), months(l.List, n)
		}
		return map[string]any{"price": yuan(l.Unit * Fen(in.Count)), "catalogPrice": yuan(l.List * Fen(in.Count))}, nil
	}
}

// chargeItem is one measure of a flavor.
type chargeItem struct {
	Name  string      `json:"name"`
	Value string      `json:"value"`
	Scale json.Number `json:"scale"`
}

func (i chargeItem) month(region *Region) (Fen, bool) {
	scale, err := i.Scale.Int64()
	if i.Scale == "" {
		scale, err = 1, nil
	}
	if err != nil || scale < 1 || scale > 100000 {
		return 0, false
	}
	switch i.Name {
	case "spec":
		f := flavorOf(region.Zones[0], i.Value)
		if f == nil {
			return 0, false
		}
		return f.month * Fen(scale), true
	case "bandwidth":
		return addressMonth(int(scale), false), true
	default:
		unit, ok := diskPrices()[i.Name]
		return unit * Fen(scale), ok
	}
}

// periodMonths reads P3M or P1Y; without a period it is a month.
func periodMonths(s string) (int, *apiError) {
	units := map[string]string{"M": "month", "Y": "year"}
	switch {
	case s == "":
		return 1, nil
	case len(s) < 3 || len(s) > 4 || s[0] != 'P' || units[s[len(s)-1:]] == "":
		return 0, badBody("period %q is not like P1M or P1Y", s)
	}
	n, err := strconv.Atoi(s[1 : len(s)-1])
	if err != nil {
		return 0, badBody("period %q is not like P1M or P1Y", s)
	}
	return monthCount(n, units[s[len(s)-1:]])
}

// renewable are the prepaid resources of an account that fit a query.
func (c *Cloud) renewable(a *account, service, region string, ids []string, days int, now time.Time) []leased {
	return c.leases(func(r leased) bool {
		h, l := r.head(), r.rent()
		soon := days < 0 || l.Expires <= now.Unix()+int64(days)*86400
		return h.Account == a.ID && l.Payment == prepaid && r.service() == service && (region == "" || h.Region == region) && soon &&
			(len(ids) == 0 || slices.Contains(ids, h.ID) || slices.Contains(ids, h.UUID))
	})
}

func renewList(c *Cloud, q *request) (any, *apiError) {
	in := struct {
		Service  string   `json:"serviceType"`
		Region   string   `json:"region"`
		Days     *int     `json:"expiredDays"`
		IDs      []string `json:"shortOrInstanceIds"`
		Account  string   `json:"queryAccountId"`
		PageNo   int      `json:"pageNo"`
		PageSize int      `json:"pageSize"`
	}{PageNo: 1, PageSize: 100}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	a, err := c.actsFor(q.acct, in.Account)
	if err != nil {
		return nil, err
	}
	if in.Service == "" || in.PageNo < 1 || in.PageSize < 1 || in.PageSize > 100 {
		return nil, badBody("serviceType is required, and pageNo and pageSize must be valid")
	}
	days := -1
	if in.Days != nil {
		days = *in.Days
	}
	all, rows := c.renewable(a, in.Service, in.Region, in.IDs, days, q.now), []any{}
	for _, r := range numbered(all, in.PageNo, in.PageSize) {
		rows = append(rows, c.renewRow(r))
	}
	return map[string]any{
		"accountId": q.acct.ID, "loginName": q.acct.Name, "subAccountId": a.ID, "subLoginName": a.Name, "ouName": "",
		"pageNo": in.PageNo, "pageSize": in.PageSize, "totalCount": len(all), "resources": rows,
	}, nil
}

func (c *Cloud) renewRow(r leased) any {
	h, l := r.head(), r.rent()
	out := map[string]any{
		"serviceType": r.service(), "region": h.Region, "shortId": h.ID, "instanceId": h.UUID, "expireTime": stamp(l.Expires),
		"aloneRenewEnable": l.Refunding == "", "alreadyRenewSet": false, "renewTimeUnit": "", "renewTime": 0, "nextRenewTime": "",
	}
	if k := c.renewals.get(h.ID); k != nil {
		out["alreadyRenewSet"], out["renewTimeUnit"], out["renewTime"] = true, k.Unit, k.Time
		out["nextRenewTime"] = stamp(l.Expires - renewAhead)
	}
	return out
}

func renewQuery(c *Cloud, q *request) (any, *apiError) {
	in := struct {
		Service  string `json:"serviceType"`
		Region   string `json:"region"`
		Days     *int   `json:"daysToExpiration"`
		ID       string `json:"instanceId"`
		Name     string `json:"instanceName"`
		Account  string `json:"accountId"`
		PageNo   int    `json:"pageNo"`
		PageSize int    `json:"pageSize"`
	}{PageNo: 1, PageSize: 100}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	a, err := c.actsFor(q.acct, in.Account)
	if err != nil {
		return nil, err
	}
	if in.Service == "" || in.Region == "" || in.PageNo < 1 || in.PageSize < 1 || in.PageSize > 100 {
		return nil, badBody("serviceType and region are required, and pageNo and pageSize must be valid")
	}
	var ids []string
	if in.ID != "" {
		ids = []string{in.ID}
	}
	days := -1
	if in.Days != nil {
		days = *in.Days
	}
	all := slices.DeleteFunc(c.renewable(a, in.Service, in.Region, ids, days, q.now), func(r leased) bool {
		return in.Name != "" && r.title() != in.Name
	})
	rows := []any{}
	for _, r := range numbered(all, in.PageNo, in.PageSize) {
		rows = append(rows, c.renewQueryRow(r))
	}
	return map[string]any{
		"pageNo": in.PageNo, "pageSize": in.PageSize, "totalCount": len(all), "orderBy": "expiredTime", "order": "desc", "result": rows,
	}, nil
}

func (c *Cloud) renewQueryRow(r leased) any {
	h, l := r.head(), r.rent()
	out := map[string]any{
		"region": h.Region, "serviceType": r.service(), "resourceName": h.UUID, "shortId": h.ID, "expiredTime": stamp(l.Expires),
		"instanceName": r.title(), "renewTime": 0, "renewTimeUnit": "", "enableRenew": l.Refunding == "", "autoRenewUuid": "", "disableRenewReason": "",
	}
	if k := c.renewals.get(h.ID); k != nil {
		out["renewTime"], out["renewTimeUnit"], out["autoRenewUuid"] = k.Time, strings.ToUpper(k.Unit), k.UUID
	}
	return out
}
