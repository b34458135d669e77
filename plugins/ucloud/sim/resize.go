package sim

import "time"

// resized is the lease after its price changed, and what has to be paid now:
// the unused part of each paid term at the new price less the same at the old
// one; below zero it is given back. Hourly leases pay from the next hour on.
func (l *lease) resized(unit Fen, now time.Time) (next lease, cost Fen) {
	next = *l
	next.Unit, next.Terms = unit, nil
	for _, t := range l.Terms {
		old := lease{Terms: []term{t}}
		if l.Unit > 0 {
			t.Paid = scaled(t.Paid, int64(unit), int64(l.Unit))
		}
		fresh := lease{Terms: []term{t}}
		cost += fresh.refund(now) - old.refund(now)
		next.Terms = append(next.Terms, t)
	}
	return next, cost
}

// settleResize moves the money of a resize and writes its bill item.
func (c *Cloud) settleResize(q *request, l *lease, unit Fen, b bill, short int) *retError {
	next, cost := l.resized(unit, q.now)
	if cost > q.acct.books.Balance {
		return refuse(short, "balance is not enough to pay the order")
	}
	*l = next
	b.OrderType, b.Start, b.End = orderUpgrade, q.now.Unix(), l.Expires
	if cost < 0 {
		b.OrderType = orderDowngrade
	}
	if cost != 0 {
		c.charge(q.acct, b, cost, q.now)
	}
	return nil
}

// hostSize reads a host and the size it should get.
func (c *Cloud) hostSize(q *request) (*host, *hostSpec, *retError) {
	h, err := c.hostOf(q, "UHostId")
	if err != nil {
		return nil, nil, err
	}
	want := h.Spec
	sized := request{params: params{values: map[string]string{
		"MachineType": want.MachineType, "GpuType": want.GPUType, "GPU": formatInt(int64(want.GPU)),
		"CPU": q.str("CPU", formatInt(int64(want.CPU))), "Memory": q.str("Memory", formatInt(int64(want.MemoryMB))),
	}}}
	c.readSize(&sized, &want, codeBadCPU, codeBadMemory)
	if sized.err != nil {
		return nil, nil, sized.err
	}
	return h, &want, nil
}

// resizeHost needs a host that is shut down; it stays so and is busy for one transition.
func resizeHost(c *Cloud, q *request) (answer, *retError) {
	h, want, err := c.hostSize(q)
	switch {
	case err != nil:
		return nil, err
	case h.at(q.now) != stateStopped:
		return nil, refuse(codeNotStopped, "shut the UHost down first")
	case h.busy(q.now):
		return nil, refuse(codeWrongPowerState, "UHost is being changed")
	case h.expired(q.now):
		return nil, refuse(codeExpired, "UHost has expired")
	}
	_, unit := c.unitPrices(q.acct, want, h.Charge)
	if err := c.settleResize(q, &h.lease, unit.total(), h.billRow(), codeHostBalance); err != nil {
		return nil, err
	}
	h.Spec = *want
	h.BusyUntil = q.now.Add(c.transition()).UnixMilli()
	c.tx.Hosts = append(c.tx.Hosts, h)
	return hostAnswer(h), nil
}

func getUpgradePrice(c *Cloud, q *request) (answer, *retError) {
	h, want, err := c.hostSize(q)
	if err != nil {
		return nil, err
	}
	list, mine := c.unitPrices(q.acct, want, h.Charge)
	_, cost := h.resized(mine.total(), q.now)
	was, _ := c.unitPrices(q.acct, &h.Spec, h.Charge)
	original := h.lease
	if mineNow := h.Unit; mineNow > 0 {
		original.Unit = was.total()
		original.Terms = nil
		for _, t := range h.Terms {
			t.Paid = scaled(t.Paid, int64(was.total()), int64(mineNow))
			original.Terms = append(original.Terms, t)
		}
	}
	_, listCost := original.resized(list.total(), q.now)
	return answer{"Price": yuan(cost), "OriginalPrice": yuan(listCost)}, nil
}

// eipSize reads an EIP and the bandwidth it should get.
func (c *Cloud) eipSize(q *request) (*eip, int, *retError) {
	e, err := c.eipOf(q)
	if err != nil {
		return nil, 0, err
	}
	mbps := q.bandwidth("Bandwidth", e.PayMode)
	return e, mbps, q.err
}

func (e *eip) unitAt(a *account, mbps int) Fen {
	return percentOf(perUnit(e.Charge, eipMonth(e.Operator, e.PayMode, mbps)), a.PricePercent)
}

func modifyEIPBandwidth(c *Cloud, q *request) (answer, *retError) {
	e, mbps, err := c.eipSize(q)
	switch {
	case err != nil:
		return nil, err
	case e.expired(q.now):
		return nil, refuse(4019, "EIP is frozen")
	}
	if err := c.settleResize(q, &e.lease, e.unitAt(q.acct, mbps), e.billRow(), codeEIPBalance); err != nil {
		return nil, err
	}
	e.Mbps = mbps
	c.tx.EIPs = append(c.tx.EIPs, e)
	return answer{}, nil
}

func getEIPUpgradePrice(c *Cloud, q *request) (answer, *retError) {
	e, mbps, err := c.eipSize(q)
	if err != nil {
		return nil, err
	}
	_, cost := e.resized(e.unitAt(q.acct, mbps), q.now)
	return answer{"Price": yuan(cost)}, nil
}
