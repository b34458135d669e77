package cluster

import (
	"container/list"
	"crypto/sha256"
	"sync"

	"tradewind.example/sdk/secret"
)

// mostClients bounds the clusters that are connected at once.
const mostClients = 64

// Pool keeps a [Client] for each kubeconfig, the 64 used last.
type Pool struct {
	cfg Config

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*list.Element
	used  *list.List // of *pooled, the one used last in front
}

type pooled struct {
	key    [sha256.Size]byte
	client *Client
}

// NewPool makes a pool whose clients are made by cfg; its Kubeconfig is not used.
func NewPool(cfg Config) *Pool {
	return &Pool{cfg: cfg, byKey: map[[sha256.Size]byte]*list.Element{}, used: list.New()}
}

// Get returns the client of a kubeconfig; see [Connect] for its faults.
func (p *Pool) Get(kubeconfig secret.Value) (*Client, error) {
	key := sha256.Sum256([]byte(kubeconfig.Reveal()))
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byKey[key]; e != nil {
		p.used.MoveToFront(e)
		return e.Value.(*pooled).client, nil
	}
	cfg := p.cfg
	cfg.Kubeconfig = kubeconfig
	c, err := Connect(cfg)
	if err != nil {
		return nil, err
	}
	p.byKey[key] = p.used.PushFront(&pooled{key: key, client: c})
	for p.used.Len() > mostClients {
		p.drop(p.used.Back())
	}
	return c, nil
}

func (p *Pool) drop(e *list.Element) {
	old := p.used.Remove(e).(*pooled)
	delete(p.byKey, old.key)
	old.client.Close()
}

// Close lets go of all clients.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.used.Len() > 0 {
		p.drop(p.used.Back())
	}
}
