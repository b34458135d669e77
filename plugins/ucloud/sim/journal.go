package sim

import (
	"encoding/json"
	"fmt"
	"time"

	"tradewind.example/simkit/statefile"
)

// record is one committed change: a whole line of the state file, so that a
// line torn by a kill is a change that was never answered.
type record struct {
	Seq int64 `json:"seq,omitempty"`
	// Offset is what Advance added to the clock, in nanoseconds.
	Offset    time.Duration `json:"offset,omitempty"`
	Hosts     []*host       `json:"hosts,omitempty"`
	GoneHosts []string      `json:"gone_hosts,omitempty"`
	EIPs      []*eip        `json:"eips,omitempty"`
	GoneEIPs  []string      `json:"gone_eips,omitempty"`
	Bills     []*bill       `json:"bills,omitempty"`

	Firewalls     []*firewall   `json:"firewalls,omitempty"`
	GoneFirewalls []string      `json:"gone_firewalls,omitempty"`
	VPCs          []*vpc        `json:"vpcs,omitempty"`
	GoneVPCs      []string      `json:"gone_vpcs,omitempty"`
	Subnets       []*subnet     `json:"subnets,omitempty"`
	GoneSubnets   []string      `json:"gone_subnets,omitempty"`
	UDisks        []*udisk      `json:"udisks,omitempty"`
	GoneUDisks    []string      `json:"gone_udisks,omitempty"`
	Projects      []madeProject `json:"projects,omitempty"`
	Members       []*member     `json:"members,omitempty"`

	Books map[string]Books `json:"books,omitempty"`
}

func (r *record) empty() bool {
	return r.Seq == 0 && r.Offset == 0 && r.Hosts == nil && r.GoneHosts == nil && r.EIPs == nil &&
		r.GoneEIPs == nil && r.Bills == nil && r.Books == nil && r.noShelves()
}

func (r *record) noShelves() bool {
	return r.Firewalls == nil && r.GoneFirewalls == nil && r.VPCs == nil && r.GoneVPCs == nil && r.Subnets == nil &&
		r.GoneSubnets == nil && r.UDisks == nil && r.GoneUDisks == nil && r.Projects == nil && r.Members == nil
}

func (r *record) keepBooks(a *account) {
	if r.Books == nil {
		r.Books = map[string]Books{}
	}
	r.Books[a.Name] = a.books
}

// commit writes what the call changed. After a failed write nothing is
// answered as done any more.
func (c *Cloud) commit() error {
	if c.broken != nil {
		return c.broken
	}
	if c.tx.empty() {
		return nil
	}
	defer func() { c.tx = record{} }()
	if c.journal == nil {
		return nil
	}
	if err := c.journal.Append(&c.tx); err != nil {
		c.broken = err
		c.log.Error("state file failed; refusing all calls", "err", err)
	}
	return c.broken
}

// openJournal replays the state file, if there is to be one.
func (c *Cloud) openJournal(path string) error {
	if path == "" {
		return nil
	}
	var err error
	c.journal, err = statefile.Open(path, func(line []byte) error {
		var rec record
		if err := json.Unmarshal(line, &rec); err != nil {
			return err
		}
		return c.apply(&rec)
	}, c.dump)
	return err
}

// apply puts one record into memory.
func (c *Cloud) apply(r *record) error {
	c.seq, c.offset = max(c.seq, r.Seq), max(c.offset, r.Offset)
	for _, h := range r.Hosts {
		if c.byName[h.Account] == nil {
			return fmt.Errorf("account %q is not configured", h.Account)
		}
		c.replaceHost(h)
	}
	for _, id := range r.GoneHosts {
		c.dropHost(id)
	}
	for _, e := range r.EIPs {
		c.replaceEIP(e)
	}
	for _, id := range r.GoneEIPs {
		c.dropEIP(id)
	}
	c.applyShelves(r)
	if err := c.applyMembers(r); err != nil {
		return err
	}
	return c.applyMoney(r)
}

func (c *Cloud) applyShelves(r *record) {
	applyTo(c.firewalls, r.Firewalls, r.GoneFirewalls)
	applyTo(c.vpcs, r.VPCs, r.GoneVPCs)
	applyTo(c.subnets, r.Subnets, r.GoneSubnets)
	applyTo(c.udisks, r.UDisks, r.GoneUDisks)
	for _, d := range r.UDisks {
		c.watch(d.ID, &d.lease)
	}
}

func applyTo[T kept](s *shelf[T], changed []T, gone []string) {
	for _, x := range changed {
		s.put(x)
	}
	for _, id := range gone {
		s.drop(id)
	}
}

func (c *Cloud) applyMembers(r *record) error {
	for _, p := range r.Projects {
		a := c.byName[p.Account]
		if a == nil {
			return fmt.Errorf("account %q is not configured", p.Account)
		}
		c.putProject(a, p.Project)
	}
	for _, m := range r.Members {
		a := c.byName[m.Account]
		if a == nil {
			return fmt.Errorf("account %q is not configured", m.Account)
		}
		a.putMember(m)
	}
	return nil
}

func (c *Cloud) applyMoney(r *record) error {
	for _, b := range r.Bills {
		a := c.byName[b.Account]
		if a == nil {
			return fmt.Errorf("account %q is not configured", b.Account)
		}
		c.putBill(a, b)
	}
	for name, books := range r.Books {
		a := c.byName[name]
		if a == nil {
			return fmt.Errorf("account %q is not configured", name)
		}
		a.books = books
	}
	return nil
}

// dump writes the living state, one resource a line.
func (c *Cloud) dump(emit func(any) error) error {
	head := record{Seq: c.seq, Offset: c.offset}
	for _, a := range c.byName {
		head.keepBooks(a)
	}
	if err := emit(&head); err != nil {
		return err
	}
	for _, s := range c.scopes {
		for _, h := range s.hosts {
			if err := emit(&record{Hosts: []*host{h}}); err != nil {
				return err
			}
		}
		for _, e := range s.eips {
			if err := emit(&record{EIPs: []*eip{e}}); err != nil {
				return err
			}
		}
	}
	if err := c.dumpShelves(emit); err != nil {
		return err
	}
	return c.dumpBills(emit)
}

func (c *Cloud) dumpShelves(emit func(any) error) error {
	for _, a := range c.byName {
		r := record{Members: a.members}
		for _, p := range a.made {
			r.Projects = append(r.Projects, madeProject{Account: a.Name, Project: p})
		}
		if err := emit(&r); err != nil {
			return err
		}
	}
	return emit(&record{
		Firewalls: c.firewalls.all(), VPCs: c.vpcs.all(), Subnets: c.subnets.all(), UDisks: c.udisks.all(),
	})
}

func (c *Cloud) dumpBills(emit func(any) error) error {
	for _, a := range c.byName {
		for _, b := range a.bills {
			if err := emit(&record{Bills: []*bill{b}}); err != nil {
				return err
			}
		}
	}
	return nil
}
