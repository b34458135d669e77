package sim

import (
	"fmt"
	"time"
)

// account is a main account or, with a Partner, a customer of one.
type account struct {
	meta
	Name     string `json:"name"`
	UserID   string `json:"user_id"`
	Partner  string `json:"partner"` // account id of the reseller; empty for main accounts
	Reseller bool   `json:"reseller"`
	Email    string `json:"email"`
	Mobile   string `json:"mobile"`
	Type     string `json:"type"`
	Company  string `json:"company"`
	Percent  int64  `json:"percent"`
}

// label names the account in reports: main accounts by name, customers by user id.
func (a *account) label() string {
	if a.Partner == "" {
		return a.Name
	}
	return a.UserID
}

// Books are the money of one account, in fen.
// Start + Recharged + In - Out - Spent + Refunded = Balance.
type Books struct {
	Start     Fen `json:"start_fen"`
	Balance   Fen `json:"balance_fen"`
	Recharged Fen `json:"recharged_fen"`
	Spent     Fen `json:"spent_fen"`
	Refunded  Fen `json:"refunded_fen"`
	In        Fen `json:"in_fen"`
	Out       Fen `json:"out_fen"`
}

// credential is a key pair; temporary ones carry a session token.
type credential struct {
	key, secret string
	account     string
	session     string
	expires     time.Time // zero never
}

// addAccount puts a configured account in; what the state file knows stays.
func (c *Cloud) addAccount(a Account) {
	if a.ID == "" {
		a.ID = plainID("account " + a.Name)
	}
	if a.PricePercent == 0 {
		a.PricePercent = 100
	}
	c.keys[a.AccessKey] = &credential{key: a.AccessKey, secret: a.SecretKey, account: a.ID}
	main := &account{
		meta: meta{ID: a.ID, Account: a.ID}, Name: a.Name, UserID: a.ID, Reseller: a.Reseller, Percent: a.PricePercent,
	}
	keep(c, c.accounts, a.ID, main)
	c.openBooks(a.ID, a.BalanceFen)
	for _, u := range a.Customers {
		c.addCustomer(main, u)
	}
}

// addCustomer creates a customer of a reseller unless the id exists.
func (c *Cloud) addCustomer(partner *account, u Customer) *account {
	if u.AccountID == "" {
		u.AccountID = plainID("customer account " + u.Name)
	}
	if u.UserID == "" {
		u.UserID = plainID("customer user " + u.Name)
	}
	if a := c.accounts.get(u.AccountID); a != nil {
		return a
	}
	a := &account{
		meta: meta{ID: u.AccountID, Account: u.AccountID, Seq: c.nextSeq(), Created: c.now().Unix()},
		Name: u.Name, UserID: u.UserID, Partner: partner.ID, Email: u.Email, Mobile: u.Mobile,
		Type: u.Type, Company: u.Company, Percent: partner.Percent,
	}
	keep(c, c.accounts, a.ID, a)
	c.openBooks(a.ID, u.BalanceFen)
	return a
}

// plainID is an account id as the vendor writes it: 32 hexadecimal digits.
func plainID(seed string) string {
	id := longID(seed)
	return id[:8] + id[9:13] + id[14:18] + id[19:23] + id[24:]
}

func (c *Cloud) openBooks(id string, start Fen) {
	if c.books.get(id) == nil {
		keep(c, c.books, id, &Books{Start: start, Balance: start})
	}
}

// Recharge adds money to an account, named by its name, or a customer by its user id.
func (c *Cloud) Recharge(name string, amount Fen) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.labelled(name)
	if a == nil || amount <= 0 {
		return fmt.Errorf("recharging account %q by %v: name a known account and a positive amount", name, amount)
	}
	c.changeBooks(a.ID, func(b *Books) {
		b.Recharged += amount
		b.Balance += amount
	})
	return c.commit()
}

func (c *Cloud) labelled(name string) *account {
	for _, id := range c.accounts.ids {
		if a := c.accounts.rows[id]; a.label() == name || (a.Partner != "" && a.ID == name) {
			return a
		}
	}
	return nil
}

func (c *Cloud) changeBooks(id string, f func(*Books)) {
	b := *c.books.get(id)
	f(&b)
	keep(c, c.books, id, &b)
}

// customerOf finds the customer that a reseller names, by the id the
// configuration asks for. It is nil for anybody else's.
func (c *Cloud) customerOf(partner *account, id string) *account {
	for _, k := range c.accounts.ids {
		a := c.accounts.rows[k]
		if a.Partner != partner.ID || !partner.Reseller {
			continue
		}
		byUser := c.cfg.QueryAccountID != "account_id" && a.UserID == id
		byAccount := c.cfg.QueryAccountID != "user_id" && a.ID == id
		if byUser || byAccount {
			return a
		}
	}
	return nil
}

// actsFor is the account a billing call concerns: the caller's own, or the
// customer it names.
func (c *Cloud) actsFor(caller *account, id string) (*account, *apiError) {
	if id == "" || id == caller.ID || id == caller.UserID {
		return caller, nil
	}
	if a := c.customerOf(caller, id); a != nil {
		return a, nil
	}
	return nil, accessDenied("Access denied.")
}
