package sim

import (
	"fmt"
	"net/http"
	"regexp"
	"time"
)

// signIn is a token with which a browser signs a customer in once.
type signIn struct {
	user    string
	expires time.Time
}

func resellerOps() []op {
	return []op{
		change("CreateVsAccount", http.MethodPost, "/v1/vs/account", "", createCustomer),
		read("ListVsAccounts", http.MethodPost, "/v1/vs/account/list", listCustomers),
		read("GetVsAccount", http.MethodGet, "/v1/vs/account/*", getCustomer),
		change("SigninSecurityToken", http.MethodPost, "/v1/signinSecurityToken", "", signInToken),
		change("GetSessionToken", http.MethodPost, "/v1/sessionToken", "", sessionToken),
		change("AssumeRole", http.MethodPost, "/v1/credential", "assumeRole", assumeRole),
	}
}

// customerBody is a customer on the wire.
type customerBody struct {
	AccountID   string `json:"accountId"`
	UserID      string `json:"userId"`
	Name        string `json:"name"`
	Email       string `json:"email"`
	MobilePhone string `json:"mobilePhone"`
	AccountType string `json:"accountType"`
	Company     string `json:"company"`
}

func (a *account) wire() customerBody {
	return customerBody{
		AccountID: a.ID, UserID: a.UserID, Name: a.Name, Email: a.Email, MobilePhone: a.Mobile, AccountType: a.Type, Company: a.Company,
	}
}

var (
	emailPattern  = regexp.MustCompile(`^[^@\s]{1,64}@[^@\s]{1,190}$`)
	mobilePattern = regexp.MustCompile(`^\+?[0-9-]{5,20}$`)
)

// reseller refuses callers who have no customers or come with temporary keys.
func (q *request) reseller() *apiError {
	if !q.acct.Reseller || q.cred.session != "" {
		return accessDenied("Access denied.")
	}
	return nil
}

func createCustomer(c *Cloud, q *request) (any, *apiError) {
	var in customerBody
	if err := q.json(&in); err != nil {
		return nil, err
	}
	if err := q.reseller(); err != nil {
		return nil, err
	}
	if !namePattern.MatchString(in.Name) || !emailPattern.MatchString(in.Email) || !mobilePattern.MatchString(in.MobilePhone) ||
		in.AccountType == "" || len(in.AccountType) > 32 || len(in.Company) > 200 {
		return nil, badBody("name, email, mobilePhone and accountType are required")
	}
	if in.AccountID != "" && !keyPattern.MatchString(in.AccountID) || in.UserID != "" && !keyPattern.MatchString(in.UserID) {
		return nil, badBody("accountId or userId is invalid")
	}
	mine := c.accounts.all(func(a *account) bool { return a.Partner != "" })
	for _, a := range mine {
		if a.Name == in.Name || a.Email == in.Email || a.Mobile == in.MobilePhone || a.UserID == in.UserID || a.ID == in.AccountID {
			return nil, refuse(http.StatusConflict, "AccountExists", "The name, email or mobilePhone is in use")
		}
	}
	if c.limits.MaxCustomers > 0 && len(mine) >= c.limits.MaxCustomers {
		return nil, overQuota("customers")
	}
	n := c.nextSeq()
	if in.AccountID == "" {
		in.AccountID = plainID(fmt.Sprintf("account of customer %d", n))
	}
	if in.UserID == "" {
		in.UserID = plainID(fmt.Sprintf("user of customer %d", n))
	}
	a := c.addCustomer(q.acct, Customer{
		UserID: in.UserID, AccountID: in.AccountID, Name: in.Name, Email: in.Email, Mobile: in.MobilePhone,
		Type: in.AccountType, Company: in.Company,
	})
	q.subject = a.UserID
	return a.wire(), nil
}

func getCustomer(c *Cloud, q *request) (any, *apiError) {
	if err := q.reseller(); err != nil {
		return nil, err
	}
	for _, a := range c.customers(q.acct) {
		if a.UserID == q.vars[0] {
			return a.wire(), nil
		}
	}
	return nil, refuse(http.StatusNotFound, "NotFound", "The user does not exist")
}

func (c *Cloud) customers(partner *account) []*account {
	return c.accounts.all(func(a *account) bool { return a.Partner == partner.ID })
}

// listCustomers answers user ids; accountId may be the reseller's or a customer's.
func listCustomers(c *Cloud, q *request) (any, *apiError) {
	in := struct {
		AccountID string `json:"accountId"`
		UserID    string `json:"userId"`
		PageNo    int    `json:"pageNo"`
		PageSize  int    `json:"pageSize"`
	}{PageNo: 1, PageSize: 10}
	if err := q.json(&in); err != nil {
		return nil, err
	}
	if err := q.reseller(); err != nil {
		return nil, err
	}
	if in.PageNo < 1 || in.PageSize < 1 || in.PageSize > 1000 {
		return nil, badBody("pageNo or pageSize is invalid")
	}
	ids := []string{}
	for _, a := range c.customers(q.acct) {
		if (in.AccountID == "" || in.AccountID == q.acct.ID || in.AccountID == a.ID) && (in.UserID == "" || in.UserID == a.UserID) {
			ids = append(ids, a.UserID)
		}
	}
	return map[string]any{"totalSize": len(ids), "uidList": numbered(ids, in.PageNo, in.PageSize)}, nil
}

// signInToken answers a token with which a customer's browser signs in.
func signInToken(c *Cloud, q *request) (any, *apiError) {
	if q.cred.session != "" {
		return nil, refuse(http.StatusBadRequest, "InvalidRequest", "The service does not support temporal credential; not support temporal credential")
	}
	id := q.need("userId")
	if q.err != nil {
		return nil, q.err
	}
	user := c.userNamed(id)
	if user == nil {
		return nil, refuse(http.StatusNotFound, "NotFound", "The user does not exist")
	}
	if user.Partner != q.acct.ID || !q.acct.Reseller {
		return nil, refuse(http.StatusForbidden, "Forbidden", "The user is not a customer of the caller")
	}
	value := newSecret()
	expires := q.now.Add(time.Duration(c.cfg.SignInSeconds) * time.Second)
	c.dropOldSessions(q.now)
	c.signIns[value] = &signIn{user: user.UserID, expires: expires}
	q.subject = user.UserID
	return map[string]any{
		"userId": user.UserID, "sessionToken": value, "createTime": q.now.Format(signTime), "expiration": expires.Format(signTime),
	}, nil
}

func (c *Cloud) userNamed(id string) *account {
	for _, k := range c.accounts.ids {
		if a := c.accounts.rows[k]; a.UserID == id {
			return a
		}
	}
	return nil
}

// RedeemSignIn uses up a sign-in token, as the vendor's console would, and
// tells whose it was; it is false for one that is unknown, used or too old.
func (c *Cloud) RedeemSignIn(value string) (userID string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.signIns[value]
	if s == nil {
		return "", false
	}
	delete(c.signIns, value)
	return s.user, !c.now().After(s.expires)
}

// dropOldSessions forgets tokens and temporary keys that ended.
func (c *Cloud) dropOldSessions(now time.Time) {
	for v, s := range c.signIns {
		if now.After(s.expires) {
			delete(c.signIns, v)
		}
	}
	for k, v := range c.keys {
		if v.session != "" && now.After(v.expires.Add(time.Hour)) {
			delete(c.keys, k)
		}
	}
}

// sessionToken answers temporary keys of the caller's own account.
func sessionToken(c *Cloud, q *request) (any, *apiError) {
	seconds := q.num("durationSeconds", 43200, 1, 129600)
	if q.err != nil {
		return nil, q.err
	}
	if q.cred.session != "" {
		return nil, accessDenied("Access denied.")
	}
	return c.temporary(q, q.acct, seconds), nil
}

// assumeRole answers temporary keys of a customer; the role's name must be set
// and is not looked at.
func assumeRole(c *Cloud, q *request) (any, *apiError) {
	seconds := q.num("durationSeconds", 7200, 1, 7200)
	id := q.need("accountId")
	q.need("roleName")
	if q.err != nil {
		return nil, q.err
	}
	if err := q.reseller(); err != nil {
		return nil, err
	}
	a := c.accounts.get(id)
	if a == nil || a.Partner != q.acct.ID {
		return nil, accessDenied("Access denied.")
	}
	return c.temporary(q, a, seconds), nil
}

func (c *Cloud) temporary(q *request, a *account, seconds int) any {
	c.dropOldSessions(q.now)
	t := &credential{
		key: newSecret()[:32], secret: newSecret()[:32], session: newSecret(), account: a.ID,
		expires: q.now.Add(time.Duration(seconds) * time.Second),
	}
	c.keys[t.key] = t
	q.subject = a.label()
	return map[string]any{
		"accessKeyId": t.key, "secretAccessKey": t.secret, "sessionToken": t.session, "createTime": q.now.Format(signTime),
		"expiration": t.expires.Format(signTime), "userId": a.UserID, "roleId": plainID("role " + a.ID),
	}
}
