package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
)

// diskKind is the kind of the parts of an instance: its data disks. They come
// and go with it, and are attached and detached by themselves.
const diskKind = "data_disk"

// DiskState is what a data disk is.
type DiskState struct {
	Instance string `json:"instance_id" title:"Server"`
	Number   int    `json:"number" title:"Number"`
}

type disks struct{ *sandbox }

func dataDiskKind(s *sandbox) *provider.Kind {
	h := disks{s}
	return provider.KindOf[none, DiskState](diskKind, "Data disk", h,
		provider.ActionOf(provider.ActionDescription{Name: "attach", Title: "Attach", Changes: true}, h.attach(true)),
		provider.ActionOf(provider.ActionDescription{Name: "detach", Title: "Detach", Changes: true}, h.attach(false)),
	).Manage()
}

// disk is the n-th data disk of a server, from 1.
func (sv *server) disk(n int) provider.Thing[DiskState] {
	t := provider.Thing[DiskState]{
		ID: sv.id + "/" + strconv.Itoa(n), Name: "disk-" + strconv.Itoa(n), Region: sv.region, Status: provider.StatusBound, RawStatus: "attached",
		State: DiskState{Instance: sv.id, Number: n},
	}
	if slices.Contains(sv.detached, n) {
		t.Status, t.RawStatus = provider.StatusFree, "detached"
	}
	return t
}

// parts are the data disks of a server.
func (sv *server) parts() ([]provider.Part, error) {
	out := make([]provider.Part, 0, sv.spec.Disks)
	for n := range sv.spec.Disks {
		p, err := sv.disk(n + 1).Part(diskKind)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// find returns the server and the number of one of its disks.
func (h disks) find(c *cloud, id string) (*server, int, error) {
	of, number, _ := strings.Cut(id, "/")
	n, err := strconv.Atoi(number)
	sv, missing := c.get(of)
	if err != nil || missing != nil || n < 1 || n > sv.spec.Disks || strconv.Itoa(n) != number {
		return nil, 0, fault.NotFound(diskKind, id)
	}
	return sv, n, nil
}

// Get reads one data disk.
func (h disks) Get(_ context.Context, req provider.GetRequest) (provider.Thing[DiskState], error) {
	c, err := h.open(req.Call)
	if err != nil {
		return provider.Thing[DiskState]{}, err
	}
	sv, n, err := h.find(c, req.ID)
	if err != nil {
		return provider.Thing[DiskState]{}, err
	}
	return sv.disk(n), nil
}

func (h disks) attach(attached bool) func(context.Context, provider.TypedAction[none]) (provider.ActionResult[none], error) {
	return func(ctx context.Context, req provider.TypedAction[none]) (provider.ActionResult[none], error) {
		c, err := h.change(ctx, req.Call)
		if err != nil {
			return provider.ActionResult[none]{}, err
		}
		sv, n, err := h.find(c, req.ID)
		if err != nil {
			return provider.ActionResult[none]{}, err
		}
		return provider.ActionResult[none]{}, c.attach(sv.id, n, attached)
	}
}

// attach says whether a server's n-th disk is attached. Copies that were given
// out keep what they show.
func (c *cloud) attach(id string, n int, attached bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	sv := c.servers[id]
	if sv == nil {
		return fault.NotFound("instance", id)
	}
	sv.detached = slices.DeleteFunc(slices.Clone(sv.detached), func(x int) bool { return x == n })
	if !attached {
		sv.detached = append(sv.detached, n)
	}
	return nil
}
