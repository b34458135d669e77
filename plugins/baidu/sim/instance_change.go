package sim

import (
	"slices"
	"time"

	"tradewind.example/simkit/web"
)

// empty is the answer of calls that return nothing.
func empty() any { return struct{}{} }

// in finds the instance and checks that it is in one of the states.
func (c *Cloud) in(q *request, states ...string) (*instance, *apiError) {
	i, err := c.mine(q)
	if err != nil {
		return nil, err
	}
	if st := i.status(q.now); !slices.Contains(states, st) {
		return nil, wrongState("The instance is %s; the call needs one of %v", st, states)
	}
	return i, nil
}

// move lets the instance change its state.
func (c *Cloud) move(i *instance, now time.Time, transient, final string) {
	i.Life = i.Life.change(now, c.transition(), transient, final)
	c.save(i)
}

func startInstance(c *Cloud, q *request) (any, *apiError) {
	i, err := c.in(q, stStopped)
	if err != nil {
		return nil, err
	}
	i.Paused = false
	c.move(i, q.now, stStarting, stRunning)
	return empty(), nil
}

func stopInstance(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Force    bool `json:"forceStop"`
		NoCharge bool `json:"stopWithNoCharge"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	states := []string{stRunning}
	if in.Force {
		states = append(states, stStopping)
	}
	i, err := c.in(q, states...)
	if err != nil {
		return nil, err
	}
	i.Paused = in.NoCharge && i.Payment == postpaid
	if q.plan.Has(KindStopHang) && !in.Force {
		i.Life = i.Life.enter(q.now, stStopping)
		c.save(i)
		return empty(), nil
	}
	c.move(i, q.now, stStopping, stStopped)
	return empty(), nil
}

func rebootInstance(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Force bool `json:"forceStop"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	i, err := c.in(q, stRunning)
	if err != nil {
		return nil, err
	}
	c.move(i, q.now, stStarting, stRunning)
	return batchAnswer(), nil
}

// batchAnswer is what calls answer that can concern many instances.
func batchAnswer() any {
	return map[string]any{"requestId": web.NewUUID(), "failedInstanceIdList": []string{}}
}

func changePass(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		AdminPass string `json:"adminPass"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	i, err := c.in(q, stRunning, stStopped)
	if err != nil {
		return nil, err
	}
	secret, err := q.password(in.AdminPass, false)
	if err != nil {
		return nil, err
	}
	i.Secret = secret
	if i.status(q.now) == stRunning {
		i.Life = i.Life.change(q.now, c.transition(), stStarting, stRunning)
	}
	c.save(i)
	return batchAnswer(), nil
}

func rebuildInstance(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		ImageID   string `json:"imageId"`
		AdminPass string `json:"adminPass"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	i, err := c.in(q, stRunning, stStopped)
	if err != nil {
		return nil, err
	}
	m := imageOf(in.ImageID)
	if m == nil || m.minDisk > i.RootGB {
		return nil, badBody("imageId %q does not exist or does not fit the system disk", in.ImageID)
	}
	secret, err := q.password(in.AdminPass, true)
	if err != nil {
		return nil, err
	}
	i.Image, i.Secret = in.ImageID, secret
	c.move(i, q.now, stImaging, stRunning)
	return empty(), nil
}

func renameInstance(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Name string `json:"name"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	i, err := c.mine(q)
	if err != nil {
		return nil, err
	}
	if !goodName(in.Name) {
		return nil, badBody("name is not 1 to 65 letters, digits, '-', '_', '/' or '.' that begin with a letter")
	}
	i.Name = in.Name
	c.save(i)
	return empty(), nil
}

func describeInstance(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Desc string `json:"desc"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	i, err := c.mine(q)
	if err != nil {
		return nil, err
	}
	if len(in.Desc) > 1024 {
		return nil, badBody("desc is longer than 1024 bytes")
	}
	i.Desc = in.Desc
	c.save(i)
	return empty(), nil
}

// resizeInstance changes the specification; a prepaid one pays or gets back
// the difference for the time that is left.
func resizeInstance(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Spec string `json:"spec"`
		Live bool   `json:"liveResize"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	states := []string{stStopped}
	if in.Live {
		states = append(states, stRunning)
	}
	i, err := c.in(q, states...)
	if err != nil {
		return nil, err
	}
	f, old := flavorOf(i.Zone, in.Spec), flavorOf(i.Zone, i.Spec)
	if f == nil {
		return nil, badBody("the specification %q is not sold in %s", in.Spec, i.Zone)
	}
	if f.spec != i.Spec && c.stockLeft(i.Zone, f.spec) < 1 {
		return nil, soldOut()
	}
	if err := c.reprice(q, i, f.month-old.month); err != nil {
		return nil, err
	}
	i.Spec, i.CPU, i.Memory = f.spec, f.cpu, f.memory
	c.move(i, q.now, stScaling, i.status(q.now))
	return empty(), nil
}

// reprice changes what an instance costs a month and settles the time left.
func (c *Cloud) reprice(q *request, i *instance, diff Fen) *apiError {
	if i.Payment == postpaid {
		i.List += hourly(diff)
		i.Unit = percentOf(i.List, q.acct.Percent)
		o := c.newOrder(q.acct, i.Region, orderResize, "BCC", q.now)
		o.Product = "postpay"
		o.Shorts, o.Resources = []string{i.ID}, []string{i.UUID}
		c.finish(o, q.acct.ID, q.now)
		return nil
	}
	unit := percentOf(i.List+diff, q.acct.Percent)
	typ, payer, amount := orderDilatation, q.acct.ID, i.difference(unit, q.now)
	if amount < 0 { // whoever paid last gets it
		typ, payer = orderShrinkage, i.Terms[len(i.Terms)-1].Payer
	}
	if amount > c.books.get(q.acct.ID).Balance {
		return lowBalance()
	}
	o := c.newOrder(q.acct, i.Region, typ, "BCC", q.now)
	o.Price, o.List, o.AutoPaid = amount, amount, true
	o.Shorts, o.Resources = []string{i.ID}, []string{i.UUID}
	c.finish(o, q.acct.ID, q.now)
	b := c.billFor(i, q.now)
	b.Payer, b.Order, b.Type, b.Start, b.End, b.Amount, b.List = payer, o.ID, typ, q.now.Unix(), i.Expires, amount, amount
	c.take(b)
	i.List, i.Unit = i.List+diff, unit
	i.Terms = append(i.Terms, term{From: q.now.Unix(), To: i.Expires, Paid: amount, Payer: payer})
	return nil
}

// PasswordIs tells whether the instance has this password.
func (c *Cloud) PasswordIs(id, password string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.instances.get(id)
	return i != nil && len(i.Secret) > 16 && digest(i.Secret[:16], password) == i.Secret
}

func deleteInstance(c *Cloud, q *request) (any, *apiError) { return c.remove(q, false) }

func deleteRelated(c *Cloud, q *request) (any, *apiError) {
	var in struct {
		Related bool `json:"relatedReleaseFlag"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	return c.remove(q, in.Related)
}

// remove releases a postpaid or an expired instance.
func (c *Cloud) remove(q *request, related bool) (any, *apiError) {
	i, err := c.mine(q)
	if err != nil {
		return nil, err
	}
	if i.Protected {
		return nil, wrongState("The instance is protected against deletion")
	}
	if i.Payment == prepaid && !i.expired(q.now) && i.Life.at(q.now) != stError {
		return nil, wrongState("The instance is Prepaid and has not expired; refund it")
	}
	c.release(i, related, q.now)
	return empty(), nil
}

// release takes an instance away. Its address and its disks stay, or go with
// it when they are postpaid or expired.
func (c *Cloud) release(i *instance, related bool, now time.Time) {
	for _, r := range c.attachments(i.ID) {
		gone := related && (r.rent().Payment == postpaid || r.rent().expired(now))
		switch v := r.(type) {
		case *eip:
			v.freed(now)
			c.dropOrSave(v, gone)
		case *volume:
			v.detached(now)
			c.dropOrSave(v, gone)
		}
	}
	forget(c, c.instances, i.ID)
	c.dropRule(i.ID)
	delete(c.polls, i.ID)
}

func (c *Cloud) dropOrSave(r leased, gone bool) {
	if !gone {
		c.save(r)
		return
	}
	switch v := r.(type) {
	case *eip:
		forget(c, c.eips, v.ID)
	case *volume:
		forget(c, c.volumes, v.ID)
	}
}

// attachments are the addresses and disks of an instance.
func (c *Cloud) attachments(id string) []leased {
	return c.leases(func(r leased) bool {
		switch v := r.(type) {
		case *eip:
			return v.Instance == id
		case *volume:
			return v.Instance == id
		default:
			return false
		}
	})
}

func bindGroup(c *Cloud, q *request) (any, *apiError)   { return c.changeGroups(q, true) }
func unbindGroup(c *Cloud, q *request) (any, *apiError) { return c.changeGroups(q, false) }

func (c *Cloud) changeGroups(q *request, add bool) (any, *apiError) {
	var in struct {
		Group string `json:"securityGroupId"`
	}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	i, err := c.mine(q)
	if err != nil {
		return nil, err
	}
	g := c.groups.get(in.Group)
	if g == nil || g.Account != q.acct.ID || g.Region != q.region.ID {
		return nil, noSuch("security group", in.Group)
	}
	at := slices.Index(i.Groups, g.ID)
	switch {
	case g.VPC != i.VPC:
		return nil, badBody("the security group belongs to another VPC")
	case add && at >= 0, !add && at < 0:
		return nil, wrongState("The instance is already in that state towards the security group")
	case add:
		i.Groups = append(i.Groups, g.ID)
	case len(i.Groups) == 1:
		return nil, wrongState("An instance keeps at least one security group")
	default:
		i.Groups = slices.Delete(slices.Clone(i.Groups), at, at+1)
	}
	c.save(i)
	return empty(), nil
}
