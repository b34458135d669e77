package sim

import (
	"net/http"
	"time"
)

// Sign lets the external tests reach the signature; it returns the text that
// is signed, the signing key and the signature.
func Sign(r *http.Request, header, secret string) (text, key, signature string, err error) {
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return "", "", "", err
	}
	a, err := parseAuthorization(header)
	if err != nil {
		return "", "", "", err
	}
	return canonical(r, query, a.headers), hmacHex(secret, a.prefix), a.sign(secret, r, query), nil
}

// Parse reads a header and a query and canonicalises both, for fuzzing.
func Parse(header, query string) (names []string, canon string, err error) {
	list, err := parseQuery(query)
	if err != nil {
		return nil, "", err
	}
	a, err := parseAuthorization(header)
	return a.headers, canonicalQuery(list), err
}

// Requery parses a canonical query again.
func Requery(canon string) (string, error) {
	list, err := parseQuery(canon)
	return canonicalQuery(list), err
}

// ParseYuan and AddMonths are the parsers of money and of terms.
func ParseYuan(s string) (Fen, error)              { return parseYuan(s) }
func AddMonths(t time.Time, n int) time.Time       { return addMonths(t, n) }
func Decrypt(secret, cipher string) (string, bool) { return decrypt(secret, cipher) }

// Operations are the names of all calls.
func Operations() []string {
	var out []string
	for _, o := range operations(payPath) {
		out = append(out, o.name)
	}
	return out
}

// Pending tells whether rows wait in memory, for invariants.
func (c *Cloud) Pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.tx) > 0
}

// BillSum adds what an account paid by the bills.
func (c *Cloud) BillSum(name string) Fen {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.labelled(name)
	var sum Fen
	for _, b := range c.bills.rows {
		if b.Payer == a.ID {
			sum += b.Amount
		}
	}
	return sum
}
