package provider

import (
	"strings"
	"tradewind.example/core/memo"
	"tradewind.example/core/store"
)

// account is the stored form of an enablement: the only type that holds sealed
// credentials. It never leaves the package.
type account struct {
	Enablement
	SharedFrom string // the granter's enablement that holds the credentials, when Shared
	Sealed     []byte // checked good at least once
	Candidate  []byte // waits for its check; replaces Sealed when good
	// CandidateNames are the names in Candidate.
	CandidateNames []string
}

type rows struct {
	table       *memo.Table
	providers   *store.Collection[Provider]
	grants      *store.Collection[Grant]
	enablements *store.Collection[account]
}

func newRows() *rows {
	return &rows{
		table:       memo.NewTable("provider"),
		providers:   newProviders(),
		grants:      newGrants(),
		enablements: newEnablements(),
	}
}

// Reindex writes the indexes of all providers and enablements anew, for a
// migration.
func Reindex(tx store.Tx) error {
	if err := newProviders().Reindex(tx); err != nil {
		return err
	}
	return newEnablements().Reindex(tx)
}

func newProviders() *store.Collection[Provider] {
	return store.NewCollection("provider", func(p *Provider) string { return p.ID },
		store.Index[Provider]{Name: "root", Keys: func(p *Provider) [][]byte {
			return [][]byte{store.Key(p.RootID, p.ID)}
		}},
		store.Index[Provider]{Name: "title", Keys: func(p *Provider) [][]byte {
			return [][]byte{store.Key(p.RootID, strings.ToLower(p.Title), p.ID)}
		}},
		store.Index[Provider]{Name: "org", Keys: func(p *Provider) [][]byte {
			return [][]byte{store.Key(p.OrgID, p.ID)}
		}},
		store.Index[Provider]{Name: "plugin", Keys: func(p *Provider) [][]byte {
			return [][]byte{store.Key(p.PluginName, p.ID)}
		}})
}

func newGrants() *store.Collection[Grant] {
	return store.NewCollection("grant", func(g *Grant) string { return g.ID },
		// One active grant per provider and receiver, so that it is always
		// clear under whose account and by whose leave an org orders.
		store.Index[Grant]{Name: "receiver", Unique: true, Keys: func(g *Grant) [][]byte {
			if g.State != StateActive {
				return nil
			}
			return [][]byte{store.Key(g.To, g.ProviderID)}
		}},
		store.Index[Grant]{Name: "from", Keys: func(g *Grant) [][]byte {
			return [][]byte{store.Key(g.From, g.ProviderID, g.ID)}
		}},
		store.Index[Grant]{Name: "to", Keys: func(g *Grant) [][]byte {
			return [][]byte{store.Key(g.To, g.ID)}
		}},
		store.Index[Grant]{Name: "root", Keys: func(g *Grant) [][]byte {
			return [][]byte{store.Key(g.RootID, g.ID)}
		}})
}

func newEnablements() *store.Collection[account] {
	return store.NewCollection("enablement", func(a *account) string { return a.ID },
		// One enablement per org and provider that is not revoked.
		store.Index[account]{Name: "live", Unique: true, Keys: func(a *account) [][]byte {
			if a.State == StateRevoked {
				return nil
			}
			return [][]byte{store.Key(a.OrgID, a.ProviderID)}
		}},
		store.Index[account]{Name: "org", Keys: func(a *account) [][]byte {
			return [][]byte{store.Key(a.OrgID, a.ProviderID, a.ID)}
		}},
		store.Index[account]{Name: "created", Keys: func(a *account) [][]byte {
			return [][]byte{store.Key(a.OrgID, a.ID)}
		}},
		store.Index[account]{Name: "provider", Keys: func(a *account) [][]byte {
			return [][]byte{store.Key(a.ProviderID, a.ID)}
		}},
		store.Index[account]{Name: "root", Keys: func(a *account) [][]byte {
			return [][]byte{store.Key(a.RootID, a.ID)}
		}})
}

// providerIn returns a provider of the root; one of another root does not exist.
func (t *rows) providerIn(r store.Reader, root, id string) (Provider, error) {
	d, err := t.providers.Get(r, id)
	if err != nil {
		return Provider{}, err
	}
	if d.Value.RootID != root {
		return Provider{}, missing("provider", id)
	}
	d.Value.Rev = d.Rev
	return d.Value, nil
}

func (t *rows) grantIn(r store.Reader, root, id string) (Grant, error) {
	d, err := t.grants.Get(r, id)
	if err != nil {
		return Grant{}, err
	}
	if d.Value.RootID != root {
		return Grant{}, missing("grant", id)
	}
	d.Value.Rev = d.Rev
	return d.Value, nil
}

func (t *rows) accountIn(r store.Reader, root, id string) (account, error) {
	a, err := t.account(r, id)
	if err == nil && a.RootID != root {
		return account{}, missing("enablement", id)
	}
	return a, err
}

func (t *rows) account(r store.Reader, id string) (account, error) {
	d, err := t.enablements.Get(r, id)
	d.Value.Rev = d.Rev
	return d.Value, err
}

// live returns the org's enablement of the provider that is not revoked.
func (t *rows) live(r store.Reader, org, providerID string) (account, bool, error) {
	d, ok, err := t.enablements.By(r, "live", store.Key(org, providerID))
	d.Value.Rev = d.Rev
	return d.Value, ok, err
}

// latest returns the live enablement, else the newest revoked one: that one
// still says that its org's customers are not served.
func (t *rows) latest(r store.Reader, org, providerID string) (a account, ok bool, err error) {
	if a, ok, err = t.live(r, org, providerID); ok || err != nil {
		return a, ok, err
	}
	q := store.Query{Index: "org", Prefix: store.Key(org, providerID), Reverse: true, Limit: 1}
	err = t.enablements.Each(r, q, func(d store.Doc[account]) error {
		d.Value.Rev = d.Rev
		a, ok = d.Value, true
		return nil
	})
	return a, ok, err
}
