package main

import (
	"context"
	"errors"
	"time"

	"tradewind.example/plugins/cpcc/internal/centre"
	"tradewind.example/plugins/cpcc/internal/fleet"
	"tradewind.example/plugins/cpcc/internal/kubeadm"
	"tradewind.example/plugins/cpcc/internal/pcapi"
	"tradewind.example/plugins/cpcc/internal/workload"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/secret"
)

const (
	version  = "1.0.0"
	currency = "CNY"

	// settle is how long a transaction that was sent may still arrive after its
	// caller has gone.
	settle = 5 * time.Second
)

// clusterEngine is what clusters do for workloads.
type clusterEngine interface {
	worker
	gate
}

// gate judges and opens clusters by their kubeconfigs.
type gate interface {
	// Admit refuses a kubeconfig that would run commands or read files here, or
	// that is no kubeconfig.
	Admit(ctx context.Context, kubeconfig secret.Value) error
	// Members opens a cluster for letting machines join and leave it.
	Members(clusterID string, kubeconfig secret.Value) (kubeadm.Nodes, error)
}

// plugin is the provider. It keeps nothing of an account.
type plugin struct {
	host   provider.HostServices
	engine clusterEngine
	keeper *workload.Keeper
	fleet  *fleet.Fleet
	// service works on the clusters of centres with the transport pcapi.
	service *pcapi.Client
	news    *news
	kinds   []*provider.Kind
}

func newPlugin(e clusterEngine, installer fleet.Installer) *plugin {
	p := &plugin{service: pcapi.NewClient()}
	p.news = newNews(p)
	p.attach(e, installer)
	p.kinds = []*provider.Kind{workloadKind(p)}
	for _, k := range []*provider.Kind{
		centreKind(p), deviceKind(p), clusterKind(p), labelKind(p), widgetKind(p), bundleKind(p), podKind(p), nodeKind(p),
	} {
		p.kinds = append(p.kinds, k.Manage()) // kept by the operator; workloads alone are sold
	}
	return p
}

// attach sets what reaches clusters and machines. It comes before any call.
func (p *plugin) attach(e clusterEngine, installer fleet.Installer) {
	p.engine = routed{gate: e, native: e, service: p.service}
	p.keeper = workload.NewKeeper(p.engine)
	p.fleet = fleet.New(fleet.Config{
		Installer: installer, Service: p.service, Members: e.Members, Admit: e.Admit, Empty: p.empty,
		Now: func(ctx context.Context) (time.Time, error) { return p.host.Now(ctx) },
	})
}

// UseHost takes the broker's services.
func (p *plugin) UseHost(h provider.HostServices) { p.host = h }

// Describe returns the plugin's self-portrait.
func (p *plugin) Describe(context.Context) (provider.Description, error) {
	config, err := provider.ConfigSchema[Config]()
	return provider.Description{
		Name: "cpcc", Version: version, Title: "Compute centres", Currency: currency,
		Summary: "Workloads on the Kubernetes clusters of compute centres",
		Config:  config,
		Regions: provider.RegionsModel{HasRegions: true, HasZones: true},
		Limits:  provider.Limits{TokenWindow: provider.MinTokenLife, CreateDeadline: 24 * time.Hour},
	}, err
}

// Kinds returns the registered kinds.
func (p *plugin) Kinds() []*provider.Kind { return p.kinds }

// Check accepts every account whose config is right: there is no cloud to ask,
// and what clusters accept is in the storage.
func (p *plugin) Check(_ context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	cfg, err := provider.DecodeAccount[Config](req.Call)
	if err == nil {
		_, err = cfg.zone()
	}
	if err != nil {
		return provider.CheckResponse{}, err
	}
	return provider.CheckResponse{OK: true, Account: req.Call.Account.ID}, nil
}

// Regions lists the centres with their clusters.
func (p *plugin) Regions(ctx context.Context, req provider.RegionsRequest) ([]provider.Region, error) {
	o, err := p.open(ctx, req.Call)
	if err != nil {
		return nil, err
	}
	var out []provider.Region
	at := map[string]int{}
	err = o.centres.Centres(ctx, func(c centre.Centre) error {
		at[c.ID] = len(out)
		out = append(out, provider.Region{ID: c.ID, Name: c.Name})
		return enough(len(out))
	})
	if err != nil {
		return nil, err
	}
	return out, o.centres.Clusters(ctx, "", func(c centre.Cluster) error {
		if i, ok := at[c.CentreID]; ok {
			out[i].Zones = append(out[i].Zones, provider.Zone{ID: c.ID, Name: c.Name})
		}
		return nil
	})
}

// enough bounds an answer that is not streamed.
func enough(n int) error {
	if n > centre.MostRows {
		return fault.Quota("there are more than %d centres", centre.MostRows)
	}
	return nil
}

// Shutdown ends the watches, and the jobs on machines; they are begun again when
// they are asked for.
func (p *plugin) Shutdown(ctx context.Context) error {
	defer p.service.Close()
	p.news.close()
	return p.fleet.Shutdown(ctx)
}

// Operation takes a started change further and tells how far it is.
func (p *plugin) Operation(ctx context.Context, req provider.OperationRequest) (provider.Operation, error) {
	o, err := p.books(ctx, req.Call) // of a cluster that may be gone
	if err != nil {
		return provider.Operation{}, err
	}
	if fleet.Mine(req.ID) {
		return p.fleet.Operation(ctx, o.centres, req.ID)
	}
	out, err := p.keeper.Advance(ctx, o.desk, req.ID)
	if err == nil && out.State == provider.OperationRunning {
		p.news.again(ctx, o, req.ID)
	}
	return out, err
}

// Import lists everything that the account owns.
func (p *plugin) Import(ctx context.Context, req provider.ImportRequest, yield func(provider.Resource) error) error {
	for _, k := range p.kinds {
		if k.Create == nil || !wanted(req.Kinds, k.Description.Name) { // boards show what others own
			continue
		}
		if err := k.List(ctx, provider.ListRequest{Call: req.Call, Kind: k.Description.Name}, yield); err != nil {
			return err
		}
	}
	return nil
}

func wanted(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return len(all) == 0
}

// found is the answer to who looks for what a token made: get reads a thing that
// exists, find what was made.
func found[State any](
	ctx context.Context, o *office, req provider.FindRequest,
	find func(ctx context.Context, token string) (provider.Thing[State], bool, error),
	get func(ctx context.Context, id string) error,
) (provider.TypedFound[State], error) {
	var out provider.TypedFound[State]
	switch req.Change {
	case provider.ChangeCreate:
		thing, ok, err := find(ctx, req.Token)
		if err != nil || !ok {
			out.Settled = req.Since.IsZero() || o.desk.Now.Sub(req.Since) >= settle
			return out, err
		}
		out.Things, out.Done, out.Settled = []provider.Thing[State]{thing}, true, true
		return out, nil
	case provider.ChangeRelease:
		err := get(ctx, req.ID)
		out.Done, out.Settled = fault.Is(err, fault.ClassNotFound), true
		if out.Done {
			err = nil
		}
		return out, err
	}
	return out, fault.Unsupported("there is no %s to look for", req.Change)
}

var errNoHost = errors.New("the plugin is served without the broker's services")
