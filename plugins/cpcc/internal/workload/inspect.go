package workload

import (
	"context"
	"encoding/json"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

// Resource is the workload in the words of the contract.
func (w Workload) Resource() (*provider.Resource, error) {
	t := w.Thing()
	state, err := json.Marshal(t.State)
	if err != nil {
		return nil, fault.Internal(err, "a workload cannot be encoded")
	}
	return &provider.Resource{
		ID: t.ID, Kind: "workload", Name: t.Name, Region: t.Region, Zone: t.Zone, Status: t.Status, RawStatus: t.RawStatus,
		Token: t.Token, Billing: t.Billing, Created: t.Created, Expires: t.Expires, State: state,
	}, nil
}

// Running opens a workload that its cluster was told of, for looking into it.
func (k *Keeper) Running(ctx context.Context, d Desk, id string) (Target, Instance, error) {
	row, err := workloads.Get(ctx, d.Area, id)
	if err != nil {
		return Target{}, Instance{}, err
	}
	if row.Value.Phase != Applied {
		return Target{}, Instance{}, fault.Precondition("the workload is %s: try again later", row.Value.Phase)
	}
	on, err := d.Target(ctx, row.Value.ClusterID)
	if err != nil {
		return on, Instance{}, err
	}
	in, err := d.instance(ctx, row.Value)
	return on, in, err
}

// Credentials returns the user and the password that a workload was made with. One
// that was given since is its giver's to know.
func (k *Keeper) Credentials(ctx context.Context, d Desk, id string) (user string, password secret.Value, err error) {
	row, err := workloads.Get(ctx, d.Area, id)
	if err != nil {
		return "", secret.Value{}, err
	}
	if row.Value.OwnPassword {
		return "", secret.Value{}, fault.Precondition("the password was set since: who set it knows it")
	}
	password, err = d.Area.Secret(ctx, passwordName, id)
	return row.Value.Spec.User, password, err
}

// Fits tells for each spec, as if it alone were bought, whether a cluster can hold
// all its replicas now.
func (k *Keeper) Fits(ctx context.Context, d Desk, clusterID string, specs []Spec, labels []string) ([]Verdict, error) {
	on, err := d.Target(ctx, clusterID)
	if err != nil {
		return nil, err
	}
	needs := make([]Need, 0, len(specs))
	for _, s := range specs {
		n := Need{Parts: s.basket(), Replicas: s.Replicas, Labels: labels}
		if s.NodeSelector != "" {
			n.Labels = append(labels[:len(labels):len(labels)], s.NodeSelector)
		}
		needs = append(needs, n)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	out, err := k.engine.Fits(ctx, on, needs)
	if err == nil && len(out) != len(needs) {
		err = fault.Internal(nil, "%d verdicts for %d needs", len(out), len(needs))
	}
	return out, err
}
