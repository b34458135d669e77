package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	vmapi "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/apis"
	vm "github.com/jdcloud-api/jdcloud-sdk-go/services/vm/models"

	"tradewind.example/sdk/fault"
)

type instanceType = vm.InstanceType

// size is what an instance type has.
type size struct{ cpu, memoryMB int }

// mostPlaces bounds the places whose instance types are remembered.
const mostPlaces = 64

// catalogue remembers the sizes of instance types: a server's description names
// its type only. They are facts of the cloud, the same for all its accounts.
// Safe for concurrent use.
type catalogue struct {
	mu     sync.Mutex
	places map[string]map[string]size
}

func newCatalogue() *catalogue { return &catalogue{places: map[string]map[string]size{}} }

func (k *catalogue) get(place, name string) (size, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.places[place][name]
	return s, ok
}

func (k *catalogue) put(place string, types []instanceType) {
	sizes := make(map[string]size, len(types))
	for _, t := range types {
		sizes[t.InstanceType] = size{cpu: t.Cpu, memoryMB: t.MemoryMB}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.places[place]; known || len(k.places) < mostPlaces {
		k.places[place] = sizes
	}
}

// types are the instance types of the region.
func (c *cloud) types(ctx context.Context) ([]instanceType, error) {
	req := vmapi.NewDescribeInstanceTypesRequestWithoutParam()
	req.SetRegionId(c.region)
	answer, err := read[vmapi.DescribeInstanceTypesResult](ctx, c, serviceVM, req)
	if err != nil {
		return nil, err
	}
	all := answer.InstanceTypes
	for _, t := range answer.SpecificInstanceTypes {
		if !slices.ContainsFunc(all, func(o instanceType) bool { return o.InstanceType == t.InstanceType }) {
			all = append(all, t)
		}
	}
	c.catalogue.put(c.account.Endpoint+"\n"+c.region, all)
	return all, nil
}

// sizeOf is what an instance type has; one that is sold no more has no size here.
func (c *cloud) sizeOf(ctx context.Context, name string) (size, error) {
	place := c.account.Endpoint + "\n" + c.region
	if s, ok := c.catalogue.get(place, name); ok || name == "" {
		return s, nil
	}
	if _, err := c.types(ctx); err != nil {
		return size{}, err
	}
	s, known := c.catalogue.get(place, name)
	if !known {
		c.catalogue.learn(place, name)
	}
	return s, nil
}

// learn notes that a type is in no list, so that nobody asks for each server.
func (k *catalogue) learn(place, name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if sizes, ok := k.places[place]; ok && len(sizes) < 10_000 {
		sizes[name] = size{}
	}
}

// wish is what a server's type must be like.
type wish struct {
	size
	name, architecture, zone string
	family                   string // goes first
}

// stock tells whether a zone has a type, and whether it can be had now.
func stock(t instanceType, zone string) (there, now bool) {
	for _, s := range t.State {
		if s.Az == zone || zone == "" {
			there, now = true, now || s.InStock
		}
	}
	return there, now
}

// choose picks the instance type for a wish. It is the same one for the same
// wish and list: a repeated purchase must be the same request.
func choose(types []instanceType, w wish) (instanceType, error) {
	var fit []instanceType
	for _, t := range types {
		there, _ := stock(t, w.zone)
		if there && w.fits(t) {
			fit = append(fit, t)
		}
	}
	if len(fit) == 0 {
		return instanceType{}, w.nothing()
	}
	slices.SortStableFunc(fit, func(a, b instanceType) int {
		return cmp.Or(cmp.Compare(w.rank(a), w.rank(b)), cmp.Compare(a.InstanceType, b.InstanceType))
	})
	for _, t := range fit {
		if _, now := stock(t, w.zone); now {
			return t, nil
		}
	}
	return instanceType{}, fault.OutOfStock("the cloud has no server of the type %q left in this zone", fit[0].InstanceType).From(fault.SourceCloud)
}

func (w wish) fits(t instanceType) bool {
	if w.name != "" {
		return t.InstanceType == w.name
	}
	return t.Cpu == w.cpu && t.MemoryMB == w.memoryMB && cards(t) == 0 &&
		(w.architecture == "" || t.Architecture == "" || t.Architecture == w.architecture)
}

// rank is less for what goes first.
func (w wish) rank(t instanceType) int {
	if w.family != "" && strings.HasPrefix(t.InstanceType, w.family) {
		return 0
	}
	return 1
}

func (w wish) nothing() error {
	if w.name != "" {
		return fault.Invalid("spec.instance_type", "%q is not sold in this zone", w.name)
	}
	return fault.Invalid("spec.cpu", "no instance type of this zone has %d cores and %d MB of memory", w.cpu, w.memoryMB)
}

// cards is 1 for a type that has graphics cards: how many and which the list
// does not tell, only the family's name begins with p.
func cards(t instanceType) int {
	if strings.HasPrefix(t.Family, "p.") || strings.HasPrefix(t.InstanceType, "p.") {
		return 1
	}
	return 0
}
