package sim

import "time"

// renewAhead is how many seconds before the end a rule renews.
const renewAhead = 7 * 86400

func createRule(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Account string `json:"accountId"`
		Service string `json:"serviceType"`
		Region  string `json:"region"`
		ID      string `json:"instanceId"`
		Time    int    `json:"renewTime"`
		Unit    string `json:"renewTimeUnit"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	a, err := c.actsFor(q.acct, in.Account)
	if err != nil {
		return nil, err
	}
	n, err := monthCount(in.Time, in.Unit)
	if err != nil || in.Unit == "" || n > 9 && n < 12 {
		return nil, badBody("renewTime or renewTimeUnit is invalid")
	}
	found := c.renewable(a, in.Service, in.Region, []string{in.ID}, -1, q.now)
	if in.Service == "" || in.Region == "" || in.ID == "" || len(found) == 0 {
		return nil, noSuch("resource", in.ID)
	}
	k := c.addRule(found[0], n)
	k.Time, k.Unit = in.Time, in.Unit
	keep(c, c.renewals, k.ID, k)
	return empty(), nil
}

// addRule sets or replaces the rule of a resource.
func (c *Cloud) addRule(r leased, n int) *renewRule {
	h := r.head()
	k := &renewRule{meta: *h, Resource: h.ID, Service: r.service(), Months: n, Time: n, Unit: "month"}
	if n >= 12 {
		k.Time, k.Unit = n/12, "year"
	}
	keep(c, c.renewals, k.ID, k)
	return k
}

func (c *Cloud) dropRule(id string) {
	if c.renewals.get(id) != nil {
		forget(c, c.renewals, id)
	}
}

// renewByRule renews what ends within a week, as long as the account's own
// money suffices. It looks again at each call.
func (c *Cloud) renewByRule(now time.Time) {
	for _, k := range c.renewals.all(func(*renewRule) bool { return true }) {
		r := c.resource(k.Resource)
		if r == nil {
			c.dropRule(k.ID)
			continue
		}
		l := r.rent()
		for l.Payment == prepaid && l.Refunding == "" && l.Expires-renewAhead <= now.Unix() && c.books.get(k.Account).Balance >= months(l.Unit, k.Months) {
			o := c.renew(c.accounts.get(k.Account), []leased{r}, k.Months, now)
			o.AutoRenew, o.AutoPaid = true, true
			c.extend(o, k.Account, now)
		}
	}
}
