// Package tradetest builds a small world of organisations for the tests of
// packages that ask who trades with whom: a provider, an operator, a reseller
// below it, a sub-reseller, a customer of each, and a second root.
//
// It is for tests only. A [World] is read-only after New and its Delete calls, and safe
// for concurrent use otherwise.
package tradetest

import (
	"testing"

	"tradewind.example/core/access"
	"tradewind.example/core/store"
	"tradewind.example/core/tenant"
	"tradewind.example/core/trade"
	"tradewind.example/sdk/fault"
)

// The organisations of the world.
const (
	Provider    = "provider"
	Operator    = "operator"
	Reseller    = "reseller"
	Sub         = "sub-reseller"
	Customer    = "customer"     // of the sub-reseller
	Direct      = "direct"       // a customer of the operator
	Neighbour   = "neighbour"    // another reseller of the operator
	Foreign     = "foreign"      // another root
	ForeignSale = "foreign-sale" // a customer of the other root
)

// World is a directory of organisations.
type World struct {
	orgs     map[string]tenant.Org
	Assigned map[string][]string // user id → customers
	Access   *access.Authority
	Pairs    *trade.Pairs
}

// New builds the world.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{orgs: map[string]tenant.Org{}, Assigned: map[string][]string{}}
	w.add(Operator, tenant.KindOperator, Operator)
	w.add(Reseller, tenant.KindReseller, Operator, Reseller)
	w.add(Neighbour, tenant.KindReseller, Operator, Neighbour)
	w.add(Sub, tenant.KindReseller, Operator, Reseller, Sub)
	w.add(Customer, tenant.KindCustomer, Operator, Reseller, Sub, Customer)
	w.add(Direct, tenant.KindCustomer, Operator, Direct)
	w.add(Provider, tenant.KindProvider, Operator, Provider)
	w.add(Foreign, tenant.KindOperator, Foreign)
	w.add(ForeignSale, tenant.KindCustomer, Foreign, ForeignSale)
	var err error
	if w.Access, err = access.New(access.Config{Directory: w}); err != nil {
		t.Fatal(err)
	}
	if w.Pairs, err = trade.New(trade.Config{Orgs: w, Access: w.Access}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *World) add(id string, kind tenant.Kind, path ...string) {
	o := tenant.Org{ID: id, Kind: kind, RootID: path[0], Path: path, State: tenant.OrgActive}
	if len(path) > 1 && kind != tenant.KindProvider {
		o.ParentID = path[len(path)-2]
	}
	w.orgs[id] = o
}

// Delete marks an organisation as deleted.
func (w *World) Delete(id string) {
	o := w.orgs[id]
	o.State = tenant.OrgDeleted
	w.orgs[id] = o
}

// OrgTx returns an organisation.
func (w *World) OrgTx(_ store.Reader, id string) (tenant.Org, error) {
	o, ok := w.orgs[id]
	if !ok {
		return tenant.Org{}, fault.NotFound("org", id)
	}
	return o, nil
}

// PathTx returns the path root … org.
func (w *World) PathTx(_ store.Reader, id string) ([]string, error) {
	o, ok := w.orgs[id]
	if !ok {
		return nil, fault.NotFound("org", id)
	}
	return o.Path, nil
}

// AssignedTx returns the customers assigned to a user.
func (w *World) AssignedTx(_ store.Reader, user string) ([]string, error) {
	return w.Assigned[user], nil
}

// Caller returns somebody of an organisation with the roles.
func (w *World) Caller(org string, roles ...access.Role) access.Caller {
	o := w.orgs[org]
	return access.Caller{UserID: "user-of-" + org, OrgID: org, RootID: o.RootID, Path: o.Path, Roles: roles}
}
