package sim

import "time"

// window is how far a timestamp may be off, and maxNonces how many are kept.
const (
	window    = 15 * time.Minute
	maxNonces = 1 << 20
)

// nonces remembers what was used within twice the window; guarded by the
// Cloud's mutex.
type nonces struct {
	seen  map[string]bool
	order []usedNonce
}

type usedNonce struct {
	key string
	at  time.Time
}

func newNonces() nonces { return nonces{seen: map[string]bool{}} }

// use returns false when the nonce was used before.
func (n *nonces) use(key string, now time.Time) bool {
	for len(n.order) > 0 && (len(n.order) >= maxNonces || now.Sub(n.order[0].at) > 2*window) {
		delete(n.seen, n.order[0].key)
		n.order = n.order[1:]
	}
	if n.seen[key] {
		return false
	}
	n.seen[key] = true
	n.order = append(n.order, usedNonce{key, now})
	return true
}
