package sim

import (
	"fmt"
	"slices"
	"time"
)

func hostAnswer(h *host) answer { return answer{"UHostId": h.ID, "UhostId": h.ID} }

// power is the common part of start, stop, power-off and reboot.
func (c *Cloud) power(q *request, from []string, state string, next ...string) (answer, *retError) {
	h, err := c.hostOf(q, "UHostId")
	if err != nil {
		return nil, err
	}
	if now := h.at(q.now); !slices.Contains(from, now) {
		return nil, refuse(codeWrongPowerState, "UHost is %s", now)
	}
	if h.busy(q.now) {
		return nil, refuse(codeResetRunning, "password is being reset")
	}
	if state != stateStopping && h.expired(q.now) {
		return nil, refuse(codeExpired, "UHost has expired")
	}
	h.become(q.now, c.transition(), state, next...)
	c.tx.Hosts = append(c.tx.Hosts, h)
	return hostAnswer(h), nil
}

func (h *host) busy(now time.Time) bool { return now.UnixMilli() < h.BusyUntil }

func startHost(c *Cloud, q *request) (answer, *retError) {
	return c.power(q, []string{stateStopped}, stateStarting, stateRunning)
}

func stopHost(c *Cloud, q *request) (answer, *retError) {
	if q.plan.Has(KindStopHang) {
		return c.power(q, []string{stateRunning}, stateStopping)
	}
	return c.power(q, []string{stateRunning}, stateStopping, stateStopped)
}

func poweroffHost(c *Cloud, q *request) (answer, *retError) {
	return c.power(q, []string{stateRunning, stateStopping}, stateStopping, stateStopped)
}

func rebootHost(c *Cloud, q *request) (answer, *retError) {
	return c.power(q, []string{stateRunning}, stateRebooting, stateRunning)
}

func resetPassword(c *Cloud, q *request) (answer, *retError) {
	h, err := c.hostOf(q, "UHostId")
	if err != nil {
		return nil, err
	}
	image := c.image(h.Spec.ImageID)
	if image == nil {
		image = &Image{OSType: "Linux"}
	}
	password := q.password(image)
	if q.err != nil {
		return nil, q.err
	}
	if h.at(q.now) != stateStopped {
		return nil, refuse(codeNotStopped, "shut the UHost down first")
	}
	if h.busy(q.now) {
		return nil, refuse(codeResetRunning, "password is being reset")
	}
	h.Secret = digest(h.ID, password)
	h.BusyUntil = q.now.Add(c.transition()).UnixMilli()
	c.tx.Hosts = append(c.tx.Hosts, h)
	return hostAnswer(h), nil
}

func vncInfo(c *Cloud, q *request) (answer, *retError) {
	h, err := c.hostOf(q, "UHostId")
	if err != nil {
		return nil, err
	}
	if h.at(q.now) != stateRunning {
		return nil, refuse(codeVNCFailed, "VNC is not available")
	}
	out := hostAnswer(h)
	out["VncIP"] = "127.0.0.1"
	out["VncPort"] = 5900 + h.Seq%1000
	out["VncPassword"] = fmt.Sprintf("vnc%05d", h.Seq%100000)
	return out, nil
}

// terminateHost gives back the unused term of a prepaid host.
func terminateHost(c *Cloud, q *request) (answer, *retError) {
	h, err := c.hostOf(q, "UHostId")
	release := q.flag("ReleaseEIP")
	q.flag("ReleaseUDisk")
	if q.err != nil {
		return nil, q.err
	}
	if err != nil {
		return nil, err
	}
	if s := h.at(q.now); s != stateStopped && s != stateInstallFail {
		return nil, refuse(codeDeleteRunning, "stop the UHost first")
	}
	if h.expired(q.now) {
		return nil, refuse(codeExpired, "UHost has expired")
	}
	if e := c.eips[h.EIP]; e != nil {
		c.detach(e, q)
		if release {
			c.release(e, q)
		}
	}
	c.finish(&h.lease, q.acct, h.billRow(), q.now)
	c.dropHost(h.ID)
	c.tx.GoneHosts = append(c.tx.GoneHosts, h.ID)
	out := hostAnswer(h)
	out["InRecycle"] = "No"
	return out, nil
}

// finish writes the last bill item of a lease: a refund, or the hour begun of Postpay.
func (c *Cloud) finish(l *lease, a *account, b bill, now time.Time) {
	b.Start, b.End = now.Unix(), l.Expires
	switch refund := l.refund(now); {
	case l.Charge == chargePostpay:
		b.OrderType, b.Start = orderPostpay, l.Expires-3600
		c.charge(a, b, l.Unit, now)
	case refund > 0:
		b.OrderType = orderRefund
		c.charge(a, b, -refund, now)
	}
}

func renameHost(c *Cloud, q *request) (answer, *retError) {
	return c.modify(q, func(h *host) { h.Name = q.label("Name", h.Name) })
}

func remarkHost(c *Cloud, q *request) (answer, *retError) {
	return c.modify(q, func(h *host) { h.Remark = q.text("Remark") })
}

func retagHost(c *Cloud, q *request) (answer, *retError) {
	q.label("Tag", "Default")
	return c.modify(q, func(h *host) {
		s := c.scopeOf(h.key())
		s.untag(h)
		h.Tag = q.str("Tag", "Default")
		s.byTag[h.Tag] = append(s.byTag[h.Tag], h)
	})
}

// modify changes a host when the request is sound.
func (c *Cloud) modify(q *request, change func(*host)) (answer, *retError) {
	q.label("Name", "UHost")
	q.text("Remark")
	h, err := c.hostOf(q, "UHostId")
	if err != nil {
		return nil, err
	}
	change(h)
	c.tx.Hosts = append(c.tx.Hosts, h)
	return hostAnswer(h), nil
}
