package workload

import (
	"context"
	"crypto/rand"
	"time"

	"tradewind.example/plugins/cpcc/internal/area"
	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/widget"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/once"
	"tradewind.example/sdk/secret"
)

// Keeper sells and keeps the workloads of all accounts.
type Keeper struct {
	engine Engine
	turns  once.Turns
}

// NewKeeper makes a keeper that runs workloads with engine.
func NewKeeper(engine Engine) *Keeper { return &Keeper{engine: engine} }

// Desk is what one call works on.
type Desk struct {
	Area area.Area
	Now  time.Time // by the broker's clock
	// Patience is how long a new workload may take until its create has failed.
	Patience time.Duration
	Images   []string       // that may be run
	Plain    bool           // services of centres may be reached without encryption
	Zone     *time.Location // where days begin; nil is UTC
}

func (d Desk) centres() centre.Book {
	return centre.Book{Area: d.Area, Now: d.Now, Plain: d.Plain, Zone: d.Zone}
}
func (d Desk) widgets() widget.Book { return widget.Book{Area: d.Area, Now: d.Now} }

// Order is what is to be created.
type Order struct {
	Token     string
	OrgID     string
	ClusterID string
	Name      string
	Spec      Spec
	Expires   time.Time
}

const (
	passwordName = "workload-password"
	// callTime bounds one step at a cluster, so that its answer can still be
	// stored before the caller's deadline.
	callTime = 20 * time.Second
)

// Create sells a workload once per token. The stock is taken together with the
// row; then the cluster is told. A cluster that cannot be reached now is told
// later, by [Keeper.Advance]; one that refuses gives the stock back.
func (k *Keeper) Create(ctx context.Context, d Desk, o Order) (Workload, error) {
	if o.Token == "" {
		return Workload{}, fault.Invalid("token", "a create needs a token")
	}
	spec, err := o.Spec.Complete(d.Images)
	if err != nil {
		return Workload{}, err
	}
	o.Spec = spec
	id := area.IDOf("workload", o.Token)
	done, err := k.turns.Take(ctx, "workload/"+id)
	if err != nil {
		return Workload{}, err
	}
	defer done()
	if err := k.reserve(ctx, d, id, o); err != nil {
		return Workload{}, err
	}
	row, err := workloads.Get(ctx, d.Area, id)
	if fault.Is(err, fault.ClassNotFound) {
		return Workload{}, fault.Precondition("what this token bought is gone")
	}
	if err != nil {
		return Workload{}, err
	}
	return k.tell(ctx, d, row)
}

// reserve writes the row and takes its stock, once per token. Buyers of one
// cluster take turns: without that most of them would only find out that somebody
// was faster.
func (k *Keeper) reserve(ctx context.Context, d Desk, id string, o Order) error {
	done, err := k.turns.Take(ctx, "stock/"+d.Area.Account()+"/"+o.ClusterID)
	if err != nil {
		return err
	}
	defer done()
	password := secret.New(rand.Text())
	return d.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		old, err := workloads.Find(ctx, d.Area, id)
		if err != nil || old.Revision != 0 {
			return c, err
		}
		on, err := d.centres().Selling(ctx, &c, o.ClusterID)
		if err != nil {
			return c, err
		}
		w := Workload{
			ID: id, CentreID: on.CentreID, ClusterID: on.ID, OrgID: o.OrgID, Name: o.Name, Spec: o.Spec, Replicas: o.Spec.Replicas,
			Phase: Reserved, Generation: 1, Token: o.Token, Created: d.Now, Updated: d.Now, Expires: o.Expires,
		}
		if w.Claims, err = widget.Claims(on.CentreID, on.ID, o.Spec.Basket(), 1); err != nil {
			return c, err
		}
		if err := d.widgets().Move(ctx, &c, nil, w.Claims); err != nil {
			return c, err
		}
		c.Once("reserve", o.Token)
		c.Replace(workloads.Key(id), 0, w)
		c.Seal(passwordName, id, password)
		return c, nil
	})
}

// Target opens the cluster of a workload.
func (d Desk) Target(ctx context.Context, clusterID string) (Target, error) {
	config, err := d.centres().Kubeconfig(ctx, clusterID)
	if err == nil && config.IsZero() {
		err = fault.Precondition("the cluster has no kubeconfig")
	}
	if err != nil {
		return Target{}, err
	}
	service, err := ServiceOf(ctx, d.centres(), clusterID)
	return Target{ClusterID: clusterID, Kubeconfig: config, Service: service}, err
}

// ServiceOf is how a cluster is reached by its centre's own service; zero unless
// its centre wants that.
func ServiceOf(ctx context.Context, b centre.Book, clusterID string) (Service, error) {
	c, err := b.Cluster(ctx, clusterID)
	if err != nil {
		return Service{}, err
	}
	home, err := b.Centre(ctx, c.CentreID)
	if err != nil || home.Transport != centre.PCAPI {
		return Service{}, err
	}
	out := Service{CentreID: home.ID, URL: home.URL, User: home.User, Plain: b.Plain, Body: home.Parameters == centre.InBody}
	if out.Password, err = b.Password(ctx, home.ID); err != nil {
		return Service{}, err
	}
	device, err := b.Device(ctx, c.ControllerID)
	if err != nil {
		return Service{}, err
	}
	out.Control, err = MachineOf(ctx, b, device)
	return out, err
}

// MachineOf is how a service reaches a device.
func MachineOf(ctx context.Context, b centre.Book, d centre.Device) (Machine, error) {
	password, err := b.DevicePassword(ctx, d.ID)
	return Machine{Host: d.IP, Port: d.SSHPort, User: d.AdminUser, Password: password}, err
}

func (d Desk) instance(ctx context.Context, w Workload) (Instance, error) {
	password, err := d.Area.Secret(ctx, passwordName, w.ID)
	return Instance{
		ID: w.ID, OrgID: w.OrgID, Name: w.Name, Spec: w.Spec, Parts: w.Spec.basket(), Replicas: w.Replicas,
		Password: password, Restart: w.Restarts,
	}, err
}

// tell makes the cluster run what the row says, as far as it does not yet. The
// caller has the workload's turn.
func (k *Keeper) tell(ctx context.Context, d Desk, row area.Row[Workload]) (Workload, error) {
	w := row.Value
	if w.Phase != Reserved {
		return w, nil
	}
	err := k.apply(ctx, d, w)
	switch {
	case err == nil:
		return k.applied(ctx, d, row)
	case later(err):
		return w, nil
	}
	if w.Before != nil {
		return k.revert(ctx, d, row, err)
	}
	return k.undo(ctx, d, row, err)
}

// later reports whether a change that failed so is worth another try.
func later(err error) bool {
	switch fault.ClassOf(err) {
	case fault.ClassUnavailable, fault.ClassThrottled, fault.ClassInternal:
		return true
	}
	return fault.OutcomeOf(err) == fault.OutcomeUnknown
}

func (k *Keeper) apply(ctx context.Context, d Desk, w Workload) error {
	on, err := d.Target(ctx, w.ClusterID)
	if err != nil {
		return err
	}
	in, err := d.instance(ctx, w)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return k.engine.Apply(ctx, on, in)
}

// applied notes that the cluster was told. When the row was deleted meanwhile, by
// another process, what was told is taken back.
func (k *Keeper) applied(ctx context.Context, d Desk, row area.Row[Workload]) (Workload, error) {
	w := row.Value
	w.Phase, w.Before, w.Problem, w.Updated = Applied, nil, "", d.Now
	var c area.Change
	c.Replace(workloads.Key(w.ID), row.Revision, w)
	err := d.Area.Apply(ctx, c)
	if !fault.Is(err, fault.ClassConflict) {
		return w, err
	}
	now, err := workloads.Find(ctx, d.Area, w.ID)
	if err != nil {
		return w, err
	}
	if now.Revision != 0 && now.Value.Phase != Deleting && now.Value.Phase != Undoing {
		return now.Value, nil
	}
	if _, err := k.remove(ctx, d, w); err != nil {
		return w, err
	}
	return w, fault.Precondition("the workload is being removed")
}

// undo takes back a create that the cluster refused: what there is of it first,
// the stock with the row after that. Until both are done the outcome is open.
func (k *Keeper) undo(ctx context.Context, d Desk, row area.Row[Workload], why error) (Workload, error) {
	w := row.Value
	if w.Phase != Undoing {
		w.Phase, w.Problem, w.Class, w.Updated = Undoing, fault.As(why).Message, fault.ClassOf(why), d.Now
		var c area.Change
		c.Replace(workloads.Key(w.ID), row.Revision, w)
		if err := d.Area.Apply(ctx, c); err != nil {
			return w, fault.Unknown(err, "the create failed and is being undone: %s", w.Problem)
		}
	}
	gone, err := k.remove(ctx, d, w)
	if err == nil && gone {
		err = k.giveBack(ctx, d, w.ID, "undo")
	}
	if err != nil || !gone {
		return w, fault.Unknown(err, "the create failed and is being undone: %s", w.Problem)
	}
	failure := *fault.As(why)
	failure.Outcome = fault.OutcomeNotDone
	return w, &failure
}

// remove asks the cluster to remove the workload.
func (k *Keeper) remove(ctx context.Context, d Desk, w Workload) (gone bool, err error) {
	on, err := d.Target(ctx, w.ClusterID)
	if err != nil {
		return false, err
	}
	in, err := d.instance(ctx, w)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return k.engine.Remove(ctx, on, in)
}

// giveBack removes a row and gives its stock back, in one transaction.
func (k *Keeper) giveBack(ctx context.Context, d Desk, id, purpose string) error {
	return d.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		row, err := workloads.Find(ctx, d.Area, id)
		if err != nil || row.Revision == 0 {
			return c, err
		}
		if row.Value.Phase != Deleting && row.Value.Phase != Undoing {
			return c, fault.Precondition("the workload is not being removed")
		}
		if err := d.widgets().Move(ctx, &c, row.Value.Claims, nil); err != nil {
			return c, err
		}
		c.Once(purpose, row.Value.Token)
		c.Expect(workloads.Key(id), row.Revision)
		c.Delete(workloads.Key(id))
		c.Forget(passwordName, id)
		return c, nil
	})
}

// Workload returns one workload with what its cluster says now; a cluster that
// cannot be asked leaves that unknown.
func (k *Keeper) Workload(ctx context.Context, d Desk, id string) (Workload, error) {
	row, err := workloads.Get(ctx, d.Area, id)
	if fault.Is(err, fault.ClassNotFound) {
		return row.Value, d.lost(ctx, id, err)
	}
	if err != nil || row.Value.Phase != Applied {
		return row.Value, err
	}
	w := row.Value
	w.Seen, err = k.observe(ctx, d, w)
	if err != nil {
		w.Seen = Seen{Unknown: true, Message: fault.As(err).Message}
	}
	return w, nil
}

func (k *Keeper) observe(ctx context.Context, d Desk, w Workload) (Seen, error) {
	on, err := d.Target(ctx, w.ClusterID)
	if err != nil {
		return Seen{}, err
	}
	in, err := d.instance(ctx, w)
	if err != nil {
		return Seen{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return k.engine.Observe(ctx, on, in)
}

// Workloads yields the workloads of a centre and a cluster, "" of all, by id. A
// cluster that cannot be asked once is not asked again for the same list.
func (k *Keeper) Workloads(ctx context.Context, d Desk, centreID, clusterID string, yield func(Workload) error) error {
	down := map[string]bool{}
	return workloads.Each(ctx, d.Area, func(r area.Row[Workload]) error {
		w := r.Value
		if centreID != "" && w.CentreID != centreID || clusterID != "" && w.ClusterID != clusterID {
			return nil
		}
		if w.Phase == Applied {
			w.Seen = Seen{Unknown: true}
			if !down[w.ClusterID] {
				seen, err := k.observe(ctx, d, w)
				if err == nil {
					w.Seen = seen
				}
				down[w.ClusterID] = err != nil
			}
		}
		return yield(w)
	})
}

// Count is how many workloads a cluster has, those included that are being removed.
func Count(ctx context.Context, a area.Area, clusterID string) (int, error) {
	n := 0
	err := workloads.Each(ctx, a, func(r area.Row[Workload]) error {
		if r.Value.ClusterID == clusterID {
			n++
		}
		return nil
	})
	return n, err
}

// Find returns what a token made, as far as it is. A create that was lost half
// way is found as well; undoing what failed is tried again first.
func (k *Keeper) Find(ctx context.Context, d Desk, token string) (Workload, bool, error) {
	id := area.IDOf("workload", token)
	done, err := k.turns.Take(ctx, "workload/"+id)
	if err != nil {
		return Workload{}, false, err
	}
	defer done()
	row, err := workloads.Find(ctx, d.Area, id)
	if err != nil || row.Revision == 0 {
		return Workload{}, false, err
	}
	if row.Value.Phase != Undoing {
		return row.Value, true, nil
	}
	_, err = k.undo(ctx, d, row, row.Value.failure())
	if fault.OutcomeOf(err) == fault.OutcomeUnknown {
		return row.Value, false, fault.Unavailable("a failed create is still being undone: ask again")
	}
	return Workload{}, false, nil
}

// failure is why a workload is being undone.
func (w Workload) failure() error { return fault.New(w.Class, "%s", w.Problem).From(fault.SourceCloud) }

// mostRenewals is how many renewals a workload remembers.
const mostRenewals = 16

// Renew prolongs the paid term once per token.
func (k *Keeper) Renew(ctx context.Context, d Desk, id, token string, longer func(time.Time) time.Time) (Workload, error) {
	return k.edit(ctx, d, id, "renew", token, func(_ *area.Change, w *Workload) error {
		w.Expires = longer(w.Expires)
		w.Renewals = append(w.Renewals[:len(w.Renewals):len(w.Renewals)], token)
		w.Renewals = w.Renewals[max(0, len(w.Renewals)-mostRenewals):]
		return nil
	})
}

// edit changes a row that is not being removed, once per token.
func (k *Keeper) edit(ctx context.Context, d Desk, id, purpose, token string, change func(*area.Change, *Workload) error) (Workload, error) {
	err := d.Area.Try(ctx, func() (area.Change, error) {
		var c area.Change
		row, err := workloads.Get(ctx, d.Area, id)
		if err != nil {
			return c, err
		}
		w := row.Value
		if w.Phase == Deleting || w.Phase == Undoing {
			return c, fault.Precondition("the workload is being removed")
		}
		if err := change(&c, &w); err != nil {
			return c, err
		}
		w.Updated = d.Now
		c.Once(purpose+"/"+id, token)
		c.Replace(workloads.Key(id), row.Revision, w)
		return c, nil
	})
	if err != nil {
		return Workload{}, err
	}
	row, err := workloads.Get(ctx, d.Area, id)
	return row.Value, err
}
