package main

import (
	"context"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/sdk/provider"
)

// devices is the handler of the kind device.
type devices struct{ *plugin }

type device = provider.Thing[centre.Device]

func deviceKind(p *plugin) *provider.Kind {
	return provider.KindOf[centre.DeviceSpec, centre.Device]("device", "Device", devices{p})
}

func deviceThing(d centre.Device) device {
	status := provider.StatusFree
	if d.State == centre.InUse {
		status = provider.StatusBound
	}
	return device{
		ID: d.ID, Name: d.Name, Region: d.CentreID, Zone: d.ClusterID, Status: status, RawStatus: d.State, Token: d.Token,
		Billing: provider.BillingOnce, Created: d.Created, State: d,
	}
}

// Create adds a device.
func (h devices) Create(ctx context.Context, req provider.TypedCreate[centre.DeviceSpec]) (provider.Result[centre.Device], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[centre.Device]{}, err
	}
	if req.Spec.CentreID, err = o.home(ctx, req.Spec.CentreID); err != nil {
		return provider.Result[centre.Device]{}, err
	}
	d, err := o.centres.AddDevice(ctx, req.Token, req.Spec)
	return done(deviceThing(d), err)
}

// Get reads a device.
func (h devices) Get(ctx context.Context, req provider.GetRequest) (device, error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return device{}, err
	}
	d, err := o.centres.Device(ctx, req.ID)
	return deviceThing(d), err
}

// List yields the devices of the region's centre, or of all.
func (h devices) List(ctx context.Context, req provider.ListRequest, yield func(device) error) error {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return err
	}
	return o.centres.Devices(ctx, req.Call.Region, func(d centre.Device) error { return yield(deviceThing(d)) })
}

// Update changes a device.
func (h devices) Update(ctx context.Context, req provider.TypedUpdate[centre.DeviceSpec]) (provider.Result[centre.Device], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Result[centre.Device]{}, err
	}
	d, err := o.centres.UpdateDevice(ctx, req.ID, req.Spec)
	return done(deviceThing(d), err)
}

// Delete removes an idle device.
func (h devices) Delete(ctx context.Context, req provider.DeleteRequest) (provider.Started, error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.Started{}, err
	}
	return provider.Started{}, o.centres.RemoveDevice(ctx, req.ID)
}

// FindByToken tells what a token made.
func (h devices) FindByToken(ctx context.Context, req provider.FindRequest) (provider.TypedFound[centre.Device], error) {
	o, err := h.open(ctx, req.Call)
	if err != nil {
		return provider.TypedFound[centre.Device]{}, err
	}
	return found(ctx, o, req, func(ctx context.Context, token string) (device, bool, error) {
		d, ok, err := o.centres.FindDevice(ctx, token)
		return deviceThing(d), ok, err
	}, func(ctx context.Context, id string) error {
		_, err := o.centres.Device(ctx, id)
		return err
	})
}
