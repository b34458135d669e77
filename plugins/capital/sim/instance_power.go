package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// operation is one OpType.
type operation struct {
	kind        eventKind
	from        []string
	doing, then string
}

var operations = map[string]operation{
	"start_up_ecs":      {eventStart, []string{insStopped}, insStarting, insRunning},
	"shutdown_ecs":      {eventStop, []string{insRunning}, insStopping, insStopped},
	"hard_shutdown_ecs": {eventHardStop, []string{insRunning, insStopping}, insStopping, insStopped},
	"free_shutdown_ecs": {eventFreeStop, []string{insRunning}, insStopping, insStopped},
	"restart_ecs":       {eventRestart, []string{insRunning}, insRestarting, insRunning},
}

// forever is when a stop that hangs would end.
const forever = 100 * 365 * 24 * time.Hour

func operateInstances(c *Cloud, q *request) (answer, *apiError) {
	name := q.oneOf("OpType", "start_up_ecs", "shutdown_ecs", "restart_ecs", "hard_shutdown_ecs", "free_shutdown_ecs")
	drop := q.num("DeleteEip", 1, 0, 1) == 1
	all, err := findInstances(q, "EcsIds")
	if err != nil {
		return answer{}, err
	}
	op := operations[name]
	if err := inState(q, all, op.from...); err != nil {
		return answer{}, err
	}
	if err := freeStop(name, all); err != nil {
		return answer{}, err
	}
	due := c.due()
	if q.fails == KindStopHang && name == "shutdown_ecs" {
		due = c.at.Add(forever)
	}
	e := c.newEvent(q, op.kind, due, idsOf(all), q.taskFails)
	for _, i := range all {
		was := i.state.at(q.now)
		i.state = phase{doing: op.doing, due: due, then: op.then}
		if e.failed() > 0 {
			i.state.then = was
			continue
		}
		c.chargeFor(q.acct, i, name, drop)
	}
	return answer{data: object{"EventId": e.id}}, nil
}

// freeStop refuses what has no stop without charges.
func freeStop(name string, all []*instance) *apiError {
	for _, i := range all {
		if name == "free_shutdown_ecs" && (i.method != onDemand || i.system.feature == featureLocal) {
			return notPermitted("instance %q is not paid on demand or has local disks", i.id)
		}
	}
	return nil
}

// chargeFor sets what a stop without charges, and the start after it, cost.
func (c *Cloud) chargeFor(a *account, i *instance, op string, dropEIPs bool) {
	switch op {
	case "free_shutdown_ecs":
		i.free = 1
		if dropEIPs {
			c.dropEIPsOf(a, i)
		}
	case "start_up_ecs":
		i.free = 0
	default:
		return
	}
	if i.meter.running {
		i.meter.day = a.dayPrice(i)
	}
}

// deleteInstances: a monthly one can go before its term ends; nothing is paid back.
func deleteInstances(c *Cloud, q *request) (answer, *apiError) {
	drop := q.num("DeleteEip", 0, 0, 1) == 1
	all, err := findInstances(q, "EcsIds")
	if err == nil {
		err = inState(q, all, insRunning, insStopped, insFailed)
	}
	if err != nil {
		return answer{}, err
	}
	e := c.newEvent(q, eventDelete, c.due(), idsOf(all), q.taskFails)
	for _, i := range all {
		i.state = phase{doing: insDeleting, due: e.due, then: i.state.at(q.now)}
		if e.failed() > 0 {
			continue
		}
		i.state.then = insDeleting
		c.later(e.due, func() { c.dropInstance(q.acct, i, drop) })
	}
	return answer{data: object{"EventId": e.id}}, nil
}

// dropInstance frees what the instance held.
func (c *Cloud) dropInstance(a *account, i *instance, eips bool) {
	i.meter.stop()
	if eips {
		c.dropEIPsOf(a, i)
	}
	for _, d := range a.disksOf(i) {
		if d.system || d.follows == 1 {
			c.dropDisk(a, d)
			continue
		}
		d.state = still(diskWaiting)
		c.loosen(a, d)
	}
	for _, e := range a.eipsOf(i) {
		a.unbind(e)
	}
	delete(i.subnet.used, i.ip)
	for _, p := range i.pub {
		delete(p.net.used, p.ip)
	}
	a.instances.remove(i.id)
}

func resetPassword(c *Cloud, q *request) (answer, *apiError) {
	q.password(c)
	all, err := findInstances(q, "EcsIds")
	if err == nil {
		err = inState(q, all, insRunning, insStopped)
	}
	if err != nil {
		return answer{}, err
	}
	e := c.newEvent(q, eventPassword, c.due(), idsOf(all), q.taskFails)
	for _, i := range all {
		i.state = phase{doing: insUpdating, due: e.due, then: i.state.at(q.now)}
		if secret := q.secret; e.failed() == 0 {
			c.later(e.due, func() { i.secret = secret })
		}
	}
	return answer{data: object{"EventId": e.id}}, nil
}

func renameInstance(_ *Cloud, q *request) (answer, *apiError) {
	name := q.need("Name")
	i, err := findInstance(q, "EcsId")
	if err != nil {
		return answer{}, err
	}
	i.name = name
	return answer{data: object{"EcsId": i.id, "Name": i.name}}, nil
}

// resizeInstances: monthly ones go upward only, and pay the difference for a
// whole month; spot ones can not be resized.
func resizeInstances(c *Cloud, q *request) (answer, *apiError) {
	z := q.needZone(c)
	f, s := q.needFamily()
	all, err := findInstances(q, "EcsIds")
	if err == nil {
		err = inState(q, all, insStopped)
	}
	if err != nil {
		return answer{}, err
	}
	cost := Fen(0)
	for _, i := range all {
		if err := resizable(i, z, f, s); err != nil {
			return answer{}, err
		}
		if i.method == monthly {
			cost += percentOf(f.at(s)-i.family.at(i.spec), q.acct.PricePercent)
		}
	}
	if err := c.afford(q.acct, cost); err != nil {
		return answer{}, err
	}
	e := c.newEvent(q, eventResize, c.due(), idsOf(all), q.taskFails)
	for _, i := range all {
		i.state = phase{doing: insUpdating, due: e.due, then: insStopped}
		if e.failed() == 0 {
			c.later(e.due, func() { q.acct.resize(i, f, s) })
		}
	}
	return answer{data: object{"EventId": e.id}}, nil
}

func resizable(i *instance, z *place, f *family, s spec) *apiError {
	switch {
	case i.zone.Code != z.Code:
		return refuse(403, "InvalidOperation.AzMismatch", "instance %q is in another zone", i.id)
	case i.method == spot:
		return notPermitted("spot instances can not be resized")
	case i.method == monthly && f.at(s) <= i.family.at(i.spec):
		return notPermitted("monthly instances can only grow")
	case (i.spec.gpu > 0) != (s.gpu > 0) || i.family.driver != f.driver:
		return notPermitted("the sort of machine or its driver can not change")
	case i.system.feature == featureLocal && i.family.name != f.name:
		return notPermitted("with local disks the family can not change")
	}
	return nil
}

func (a *account) resize(i *instance, f *family, s spec) {
	if i.method == monthly {
		a.pay(i.id, percentOf(f.at(s)-i.family.at(i.spec), a.PricePercent))
	}
	i.family, i.spec = f, s
	if i.meter.running {
		i.meter.day = a.dayPrice(i)
	}
}

// saltedDigest is what is kept of a password.
func saltedDigest(salt, text string) string {
	sum := sha256.Sum256([]byte(salt + ":" + text))
	return hex.EncodeToString(sum[:])
}

// PasswordIs tells whether an instance has this password.
func (c *Cloud) PasswordIs(id, text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(c.now())
	for _, a := range c.byName {
		if i := a.instances.get(id); i != nil && len(i.secret) > 17 {
			return sameSignature(i.secret, i.secret[:16]+":"+saltedDigest(i.secret[:16], text))
		}
	}
	return false
}
