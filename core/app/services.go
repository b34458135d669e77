package app

import (
	"fmt"

	"tradewind.example/core/api/v1"
	"tradewind.example/core/billing"
	"tradewind.example/core/catalog"
	"tradewind.example/core/cloudaccount"
	"tradewind.example/core/floor"
	"tradewind.example/core/idempotency"
	"tradewind.example/core/inventory"
	"tradewind.example/core/job"
	"tradewind.example/core/ledger"
	"tradewind.example/core/order"
	"tradewind.example/core/plugin"
	"tradewind.example/core/protocol"
	"tradewind.example/core/provider"
	"tradewind.example/core/quote"
	"tradewind.example/core/resource"
	"tradewind.example/core/settlement"
	"tradewind.example/core/tenant"
	"tradewind.example/core/tenant/password"
	"tradewind.example/core/tenant/throttle"
	"tradewind.example/core/trade"
)

// services builds the use-cases over people, books and the host from the bottom
// up: each group needs only what stands above it.
func (a *App) services() error {
	steps := []struct {
		name string
		do   func() error
	}{
		{"clouds", a.clouds}, {"accounts at clouds", a.cloudAccounts}, {"prices", a.prices}, {"orders", a.orders}, {"settlement", a.settlement},
		{"the plugins' events", a.pluginEvents},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("building %s: %w", s.name, err)
		}
	}
	return nil
}

func (a *App) people() (err error) {
	c := a.cfg
	a.tenants, err = tenant.New(tenant.Config{
		Store: a.store, Clock: a.clock, Logger: a.log,
		Passwords: password.Params{
			MemoryKiB: uint32(c.Passwords.MemoryKiB), Passes: uint32(c.Passwords.Passes), //nolint:gosec // validated as positive and small
			Lanes: uint8(c.Passwords.Lanes), Concurrency: c.Passwords.Concurrency, //nolint:gosec // validated as positive and small
		},
		SignIn: throttle.Config{
			LoginEvery: c.SignIn.LoginEvery, LoginBurst: c.SignIn.LoginBurst, IPEvery: c.SignIn.IPEvery, IPBurst: c.SignIn.IPBurst,
			LockAfter: c.SignIn.LockAfter, LockFirst: c.SignIn.LockFirst, LockMax: c.SignIn.LockMax,
		},
		SessionIdle: c.Sessions.Idle, SessionLife: c.Sessions.Life, TokenLife: c.Sessions.TokenLife,
	})
	if err != nil {
		return err
	}
	a.access = a.tenants.Authority()
	if a.pairs, err = trade.New(trade.Config{Orgs: a.tenants, Access: a.access}); err != nil {
		return err
	}
	if a.keys, err = idempotency.New(idempotency.Config{Clock: a.clock}); err != nil {
		return err
	}
	a.jobs, err = job.New(job.Config{
		Store: a.store, Clock: a.clock, Logger: a.log, Workers: c.Jobs.Workers, KeepDone: c.Jobs.KeepDone, Grace: c.Jobs.Grace,
		Enter: a.traceJob(),
	})
	return err
}

func (a *App) books() (err error) {
	if a.ledger, err = ledger.New(ledger.Config{Clock: a.clock}); err != nil {
		return err
	}
	a.ledgerUses, err = ledger.NewService(ledger.ServiceConfig{
		Ledger: a.ledger, Store: a.store, Clock: a.clock, Access: a.access, Pairs: a.pairs, Keys: a.keys,
	})
	if err != nil {
		return err
	}
	a.bills, err = billing.New(billing.Config{Store: a.store, Ledger: a.ledger, Authority: a.access})
	return err
}

func (a *App) clouds() (err error) {
	host := operated{host: a.host, areas: a.areas, trust: a.trust, drop: a.cfg.Plugins.DropDir}
	a.plugins, err = plugin.New(plugin.Config{
		Store: a.store, Clock: a.clock, Authority: a.access, Host: host, Catalogue: host, Crashes: host, Developer: a.developer(host), Keys: a.keys, OrgExists: a.orgExists,
	})
	if err != nil {
		return err
	}
	a.providers, err = provider.New(provider.Config{
		Store: a.store, Clock: a.clock, Logger: a.log, Authority: a.access, Orgs: a.tenants,
		Plugins: plugins[provider.Cloud]{a.host}, Sealer: a.keyring, Jobs: a.jobs, CheckTimeout: a.cfg.Orders.CallTimeout,
	})
	return err
}

func (a *App) cloudAccounts() (err error) {
	a.accounts, err = cloudaccount.New(cloudaccount.Config{
		Store: a.store, Clock: a.clock, Logger: a.log, Authority: a.access, Directory: a.tenants, Accounts: a.providers,
		Plugins: plugins[cloudaccount.Cloud]{a.host}, Keys: a.keys, Jobs: a.jobs, Sealer: a.keyring, Failpoint: a.failpoint,
		Limits: cloudaccount.Limits{CallTimeout: a.cfg.Orders.CallTimeout},
	})
	if err != nil {
		return err
	}
	if err := a.jobs.Register(cloudaccount.ImportJobKind, a.accounts.WorkImport, a.accounts.ImportPolicy()); err != nil {
		return err
	}
	return a.jobs.Register(cloudaccount.ChangeJobKind, a.accounts.WorkChange, a.accounts.ChangePolicy())
}

func (a *App) prices() (err error) {
	a.catalog, err = catalog.New(catalog.Config{
		Store: a.store, Clock: a.clock, Logger: a.log, Authority: a.access, Providers: a.providers,
		Plugins: plugins[catalog.Cloud]{a.host}, Jobs: a.jobs, FloorBreaks: a.floorBreaks,
	})
	if err != nil {
		return err
	}
	a.protocols, err = protocol.New(protocol.Config{
		Store: a.store, Clock: a.clock, Access: a.access, Pairs: a.pairs, Guard: a.guardLine, GuardDiscount: a.guardDiscount, Product: a.productExists, Staff: a.worksFor,
	})
	if err != nil {
		return err
	}
	a.quotes, err = quote.New(quote.Config{
		Store: a.store, Clock: a.clock, Logger: a.log, Authority: a.access, Orgs: a.tenants, Catalog: a.catalog, Providers: a.providers,
		Terms: a.protocols, Plugins: plugins[quote.Cloud]{a.host}, Life: a.cfg.Quotes.Life, Keep: a.cfg.Quotes.Keep,
		ListLife: a.cfg.Quotes.ListLife, CallTimeout: a.cfg.Orders.CallTimeout,
	})
	if err != nil {
		return err
	}
	a.floors, err = floor.New(floor.Config{Clock: a.clock, Pricer: a.quotes, Lines: a.protocols, Products: a.catalog, Buyers: a.tenants})
	return err
}

func (a *App) orders() (err error) {
	a.resources, err = resource.New(resource.Config{
		Store: a.store, Clock: a.clock, Logger: a.log, Authority: a.access, Accounts: a.providers, Keys: a.keys, Sealer: a.keyring,
		Jobs: a.jobs, Plugins: plugins[resource.Cloud]{a.host}, Sessions: a.tenants, Limits: resource.Limits{CallTimeout: a.cfg.Orders.CallTimeout},
	})
	if err != nil {
		return err
	}
	a.inventory, err = inventory.New(inventory.Config{
		Store: a.store, Clock: a.clock, Authority: a.access, Accounts: a.providers, Keys: a.keys, Plugins: plugins[inventory.Cloud]{a.host},
		CallTimeout: a.cfg.Orders.CallTimeout,
	})
	if err != nil {
		return err
	}
	a.buys, err = order.New(order.Config{
		Store: a.store, Clock: a.clock, Logger: a.log, Authority: a.access, Directory: a.tenants, Keys: a.keys, Catalog: a.catalog,
		Accounts: a.providers, Pricer: a.quotes, Holder: a.ledger, Biller: a.bills, Resources: a.resources, Jobs: a.jobs,
		Plugins: plugins[order.Cloud]{a.host}, Events: a.events, Failpoint: a.failpoint,
		Limits: order.Limits{CallTimeout: a.cfg.Orders.CallTimeout, RetryFor: a.cfg.Orders.RetryFor, AttentionAfter: a.cfg.Orders.AttentionAfter},
	})
	if err != nil {
		return err
	}
	if err := a.jobs.Register(order.JobKind, a.buys.Work, a.buys.Policy()); err != nil {
		return err
	}
	if err := a.jobs.Register(resource.ActionJobKind, a.resources.Work, a.resources.Policy()); err != nil {
		return err
	}
	return a.jobs.Register(resource.CompareJobKind, a.resources.CompareJob, a.resources.ComparePolicy())
}

func (a *App) settlement() (err error) {
	a.statements, err = settlement.New(settlement.Config{
		Store: a.store, Clock: a.clock, Logger: a.log, Authority: a.access, Calendars: calendars{a.protocols, a.tenants},
		Ledger: a.ledger, Bills: a.bills, Jobs: a.jobs, Keys: a.keys, Events: a.events, Failpoint: a.failpoint,
		Keeper: a.keeper,
	})
	if err != nil {
		return err
	}
	if err := a.jobs.Register(settlement.ReturnJobKind, a.statements.ReturnJob, job.Policy{}); err != nil {
		return err
	}
	for name, h := range map[string]tenant.Holder{
		"wallets": a.ledger, "orders": a.buys, "resources": a.resources, "statements": a.statements, "providers": a.providers,
	} {
		a.tenants.AddHolder(name, h)
	}
	a.providers.AddUser(a.resources.InAccount)
	a.providers.AddUser(a.buys.InAccount)
	return a.moves()
}

func (a *App) bindings() v1.Services {
	return v1.Services{
		Store: a.store, Tenants: a.tenants, Access: a.access, Plugins: a.plugins, Providers: a.providers, Catalog: a.catalog,
		Protocols: a.protocols, Quotes: a.quotes, Orders: a.buys, Resources: a.resources, Inventory: a.inventory, Accounts: a.accounts, Bills: a.bills, Books: a.ledgerUses,
		Statements: a.statements, Jobs: a.jobs,
	}
}
