package sim

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
)

// principal is who signs with an access key.
type principal struct {
	acct   *account
	user   string // the sub user, empty for the main account
	secret string
	// token and expires belong to temporary keys.
	token   string
	expires time.Time
}

// subUser is a user of a main account.
type subUser struct {
	Account     string   `json:"account"`
	Name        string   `json:"name"`
	Phone       string   `json:"phone,omitempty"`
	Email       string   `json:"email,omitempty"`
	Description string   `json:"description,omitempty"`
	Nick        string   `json:"nick,omitempty"`
	AccessKey   string   `json:"access_key,omitempty"`
	Secret      string   `json:"secret"` // digest of the password
	Policies    []policy `json:"policies,omitempty"`
	Permissions []int    `json:"permissions,omitempty"`
	Created     int64    `json:"created"`
	Updated     int64    `json:"updated"`
}

// policy is one attached policy, within a resource group or everywhere.
type policy struct {
	Name  string `json:"name"`
	Scope string `json:"scope,omitempty"`
}

// role is one role that can be assumed.
type role struct {
	Account     string `json:"account"`
	ID          string `json:"id"`
	Name        string `json:"name"`
	Type        int    `json:"type"`
	Document    string `json:"document"`
	Description string `json:"description,omitempty"`
	MaxSeconds  int    `json:"max_seconds"`
	Created     int64  `json:"created"`
}

// session is a temporary key of an assumed role. Its secrets follow from the
// account's key, so none is kept.
type session struct {
	Account   string `json:"account"`
	AccessKey string `json:"access_key"`
	Expires   int64  `json:"expires"`
}

var (
	userNamePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{3,19}$`)
	phonePattern    = regexp.MustCompile(`^[0-9]{1,4}-[0-9]{5,15}$`)
	sessionPattern  = regexp.MustCompile(`^[A-Za-z0-9_=,.@-]{2,64}$`)
)

// userActions are the calls of iam, sts, user and sms.
func userActions() []action {
	const one = "/v1/subUser/{subUser}"
	on := func(service, name, method, path string, run func(*Cloud, *request) (answer, *apiError)) action {
		return action{name: name, service: service, method: method, path: path, run: run}
	}
	return []action{
		on("iam", "CreateSubUser", "POST", "/v1/subUser", createSubUser),
		on("iam", "DescribeSubUsers", "GET", "/v1/subUsers", describeSubUsers),
		on("iam", "DescribeSubUser", "GET", one, describeSubUser),
		on("iam", "UpdateSubUser", "PUT", one, updateSubUser),
		on("iam", "DeleteSubUser", "DELETE", one, deleteSubUser),
		on("iam", "AttachSubUserPolicy", "POST", one+":attachSubUserPolicy", attachPolicy),
		on("iam", "DetachSubUserPolicy", "DELETE", one+":detachSubUserPolicy", detachPolicy),
		on("iam", "AddPermissionsToSubUser", "POST", "/v1/regions/{regionId}/subUser/{subUser}/permisssions", addPermissions),
		on("iam", "DescribePolicies", "GET", "/v1/policies", describePolicies),
		on("iam", "CreateRole", "POST", "/v1/role", createRole),
		on("iam", "DescribeRole", "GET", "/v1/role/{roleName}", describeRole),
		on("iam", "DescribeUserPin", "GET", "/v1/regions/{regionId}/user:describeUserPin", describeUserPin),
		on("sts", "AssumeRole", "POST", "/v1/sessionToken:assumeRole", assumeRole),
		on("user", "DescribeUser", "GET", "/v1/describeUser", describeUser),
		on("user", "CreateTicket", "POST", "/v1/user:createTicket", createTicket),
		on("sms", "BatchSend", "POST", "/v1/regions/{regionId}/batchSend", batchSend),
	}
}

func pinOf(account string) string { return "pin-" + account }

func (a *account) id() string { return digits("account " + a.Name) }

// digits makes a number of twelve digits of a text.
func digits(text string) string {
	var b strings.Builder
	for _, x := range mac([]byte("digits"), text)[:12] {
		b.WriteByte('0' + x%10)
	}
	return b.String()
}

// derived makes a secret that only the holder of the account's key can know.
func (a *account) derived(purpose, key string) string {
	return strings.ToUpper(hexDigest(mac([]byte(a.SecretKey), purpose+" "+key))[:32])
}

func (c *Cloud) addSubUserKey(u *subUser) {
	a := c.accounts[u.Account]
	c.keys[u.AccessKey] = &principal{acct: a, user: u.Name, secret: a.derived("secret", u.AccessKey)}
}

func (c *Cloud) addSessionKey(s *session) {
	a := c.accounts[s.Account]
	c.keys[s.AccessKey] = &principal{
		acct: a, secret: a.derived("secret", s.AccessKey), token: a.derived("token", s.AccessKey), expires: time.Unix(s.Expires, 0),
	}
}

func (c *Cloud) principalOf(key string) *principal { return c.keys[key] }

func (q *request) userKey(name string) string { return q.acct.Name + "/" + name }

// noSubUser refuses sub users where only the main account may call.
func (q *request) noSubUser() *apiError {
	if q.who.user != "" {
		return refuse(403, statusForbidden, "a sub user may not do this")
	}
	return nil
}

func createSubUser(c *Cloud, q *request) (answer, *apiError) {
	if err := q.noSubUser(); err != nil {
		return nil, err
	}
	p := q.needObj("createSubUserInfo")
	u := &subUser{
		Account: q.acct.Name, Name: p.matching("name", userNamePattern), Description: p.limited("description", 256),
		Email: p.limited("email", 128), Nick: p.limited("nickName", 64), Created: q.now.Unix(), Updated: q.now.Unix(),
	}
	q.subject = u.Name
	password := p.userPassword()
	if p.has("phone") {
		u.Phone = p.matching("phone", phonePattern)
	}
	withKey := p.flag("createAk", false)
	if q.failed() != nil {
		return nil, q.failed()
	}
	if c.subUsers.get(q.userKey(u.Name)) != nil {
		return nil, exists("subUser", u.Name)
	}
	u.Secret = digest(u.Name, password)
	out := u.created(password)
	if withKey {
		u.AccessKey = "JDC_" + strings.ToUpper(newRequestID()[:28])
		c.addSubUserKey(u)
		out["accessKey"], out["secretAccessKey"] = u.AccessKey, q.acct.derived("secret", u.AccessKey)
	}
	c.subUsers.put(q.userKey(u.Name), u)
	return answer{"subUser": out}, nil
}

// userPassword reads a sub user's password, or makes one.
func (p *params) userPassword() string {
	if p.flag("autoGeneratePassword", false) {
		return "Aa1" + newRequestID()[:12]
	}
	v := p.need("password")
	if v != "" && !goodUserPassword(v) {
		p.fail(invalid(p.at("password"), "it needs 8 to 20 characters with lower case, upper case and digits"))
	}
	return v
}

func goodUserPassword(v string) bool {
	return len(v) >= 8 && len(v) <= 20 && strings.ContainsAny(v, "abcdefghijklmnopqrstuvwxyz") &&
		strings.ContainsAny(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && strings.ContainsAny(v, "0123456789")
}

func (u *subUser) created(password string) answer {
	return answer{
		"name": u.Name, "password": password, "email": u.Email, "phone": u.Phone, "accessKey": "", "secretAccessKey": "",
		"createTime": iso(u.Created), "updateTime": iso(u.Updated), "nickName": u.Nick,
	}
}

func (u *subUser) wire() answer {
	return answer{
		"pin": pinOf(u.Account), "name": u.Name, "phone": u.Phone, "email": u.Email, "description": u.Description,
		"account": digits("user " + u.Account + "/" + u.Name), "createTime": iso(u.Created), "updateTime": iso(u.Updated), "nickName": u.Nick,
	}
}

func (c *Cloud) subUserOf(q *request) (*subUser, *apiError) {
	name := q.need("subUser")
	q.subject = name
	if u := c.subUsers.get(q.userKey(name)); u != nil {
		return u, nil
	}
	return nil, notFound("subUser", name)
}

func describeSubUsers(c *Cloud, q *request) (answer, *apiError) {
	p := q.page()
	keyword, phone, email := q.str("keyword", ""), q.str("phone", ""), q.str("email", "")
	name, nick, description := q.str("name", ""), q.str("nickName", ""), q.str("description", "")
	if keyword != "" && phone+email+description != "" {
		q.fail(invalid("keyword", "it excludes phone, email and description"))
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	found := c.subUsers.where(func(u *subUser) bool {
		return u.Account == q.acct.Name && either(phone, u.Phone) && either(email, u.Email) && either(name, u.Name) &&
			either(nick, u.Nick) && either(description, u.Description) && strings.Contains(u.Name, keyword)
	})
	return answer{"subUsers": rowsOf(pageOf(found, p, false), (*subUser).wire), "total": len(found)}, nil
}

func describeSubUser(c *Cloud, q *request) (answer, *apiError) {
	u, err := c.subUserOf(q)
	if err != nil {
		return nil, err
	}
	return answer{"subUser": u.wire()}, nil
}

func updateSubUser(c *Cloud, q *request) (answer, *apiError) {
	p := q.needObj("updateSubUserInfo")
	u, err := c.subUserOf(q)
	if err != nil {
		return nil, err
	}
	phone := u.Phone
	if p.has("phone") {
		phone = p.matching("phone", phonePattern)
	}
	email, nick, description := p.str("email", u.Email), p.str("nickName", u.Nick), p.str("description", u.Description)
	if q.failed() != nil {
		return nil, q.failed()
	}
	u.Phone, u.Email, u.Nick, u.Description, u.Updated = phone, email, nick, description, q.now.Unix()
	c.subUsers.put(q.userKey(u.Name), u)
	return answer{"subUser": u.created("")}, nil
}

func deleteSubUser(c *Cloud, q *request) (answer, *apiError) {
	if err := q.noSubUser(); err != nil {
		return nil, err
	}
	u, err := c.subUserOf(q)
	if err != nil {
		return nil, err
	}
	delete(c.keys, u.AccessKey)
	c.subUsers.drop(q.userKey(u.Name))
	return nil, nil
}

// systemPolicies are the policies that every account has.
func systemPolicies() []string {
	return []string{
		"JDCloudAdmin-New", "JDCloudFinance", "JDCloudReadOnly", "JDCloudVMAdmin", "JDCloudVMRead", "JDCloudVPCAdmin", "JDCloudVPCRead",
		"JDCloudDiskAdmin", "JDCloudDiskRead",
	}
}

func attachPolicy(c *Cloud, q *request) (answer, *apiError) {
	p := policy{Name: q.need("policyName"), Scope: q.str("scopeId", "")}
	u, err := c.subUserOf(q)
	switch {
	case err != nil:
		return nil, err
	case q.failed() != nil:
		return nil, q.failed()
	case !slices.Contains(systemPolicies(), p.Name):
		return nil, notFound("policy", p.Name)
	case slices.Contains(u.Policies, p):
		return nil, exists("attached policy", p.Name)
	}
	u.Policies = append(u.Policies, p)
	c.subUsers.put(q.userKey(u.Name), u)
	return nil, nil
}

func detachPolicy(c *Cloud, q *request) (answer, *apiError) {
	p := policy{Name: q.need("policyName"), Scope: q.str("scopeId", "")}
	u, err := c.subUserOf(q)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(u.Policies, p) {
		return nil, notFound("attached policy", p.Name)
	}
	u.Policies = slices.DeleteFunc(u.Policies, func(o policy) bool { return o == p })
	c.subUsers.put(q.userKey(u.Name), u)
	return nil, nil
}

func addPermissions(c *Cloud, q *request) (answer, *apiError) {
	p := q.needObj("addPermissionsInfo")
	u, err := c.subUserOf(q)
	if err != nil {
		return nil, err
	}
	var ids []int
	for _, v := range p.items("permissionIds") {
		n, isNumber := v.(json.Number)
		id, perr := whole(n.String())
		if !isNumber || perr != nil {
			p.fail(invalid(p.at("permissionIds"), "it is a list of numbers"))
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		p.fail(missing(p.at("permissionIds")))
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	u.Permissions = append(u.Permissions, ids...)
	c.subUsers.put(q.userKey(u.Name), u)
	return nil, nil
}

func describePolicies(_ *Cloud, q *request) (answer, *apiError) {
	p, keyword := q.page(), q.str("keyword", "")
	kind := q.num("queryType", 0, 0, 2)
	if q.failed() != nil {
		return nil, q.failed()
	}
	var found []string
	for _, name := range systemPolicies() {
		if strings.Contains(name, keyword) && kind != 2 {
			found = append(found, name)
		}
	}
	rows := rowsOf(pageOf(found, p, false), func(name string) answer {
		return answer{
			"policyId": digits("policy " + name), "name": name, "jrn": "jrn:iam:*:policy/" + name, "description": name, "policyType": 1,
			"version": "3", "createTime": iso(1735689600), "updateTime": iso(1735689600),
		}
	})
	return answer{"total": len(found), "policies": rows}, nil
}

func createRole(c *Cloud, q *request) (answer, *apiError) {
	if err := q.noSubUser(); err != nil {
		return nil, err
	}
	p := q.needObj("createRoleInfo")
	r := &role{
		Account: q.acct.Name, Name: p.matching("roleName", sessionPattern), Type: p.needNum("type", 3, 4), Document: p.need("assumeRolePolicyDocument"),
		Description: p.limited("description", 256), MaxSeconds: p.num("maxSessionDuration", 3600, 3600, 43200), Created: q.now.Unix(),
	}
	q.subject = r.Name
	if q.failed() != nil {
		return nil, q.failed()
	}
	if !json.Valid([]byte(r.Document)) {
		return nil, invalid("createRoleInfo.assumeRolePolicyDocument", "it is not JSON")
	}
	if c.roles.get(q.userKey(r.Name)) != nil {
		return nil, exists("role", r.Name)
	}
	r.ID = digits("role " + q.userKey(r.Name))
	c.roles.put(q.userKey(r.Name), r)
	return answer{"roleInfo": r.wire(q.acct)}, nil
}

func (r *role) jrn(a *account) string { return "jrn:iam::" + a.id() + ":role/" + r.Name }

func (r *role) wire(a *account) answer {
	return answer{
		"roleId": r.ID, "roleName": r.Name, "type": r.Type, "assumeRolePolicyDocument": r.Document, "description": r.Description,
		"maxSessionDuration": r.MaxSeconds, "jrn": r.jrn(a), "createTime": iso(r.Created), "account": a.id(),
	}
}

func describeRole(c *Cloud, q *request) (answer, *apiError) {
	name := q.need("roleName")
	r := c.roles.get(q.userKey(name))
	if r == nil {
		return nil, notFound("role", name)
	}
	return answer{"roleInfo": r.wire(q.acct)}, nil
}

func assumeRole(c *Cloud, q *request) (answer, *apiError) {
	p := q.needObj("assumeRoleInfo")
	jrn := p.need("roleJrn")
	p.matching("roleSessionName", sessionPattern)
	seconds := p.num("durationSeconds", 3600, 3600, 43200)
	if q.failed() != nil {
		return nil, q.failed()
	}
	a, r := c.roleAt(jrn)
	if r == nil {
		return nil, notFound("role", jrn)
	}
	if seconds > r.MaxSeconds {
		return nil, outOfRange("assumeRoleInfo.durationSeconds", 3600, r.MaxSeconds)
	}
	s := &session{Account: a.Name, AccessKey: "STS_" + strings.ToUpper(newRequestID()[:28]), Expires: q.now.Unix() + int64(seconds)}
	c.dropSessions(q.now)
	c.sessions.put(s.AccessKey, s)
	c.addSessionKey(s)
	who := c.keys[s.AccessKey]
	return answer{"credentials": answer{
		"accessKey": s.AccessKey, "secretKey": who.secret, "sessionToken": who.token,
		"expiration": who.expires.In(beijing()).Format(time.DateTime),
	}}, nil
}

// dropSessions forgets expired temporary keys.
func (c *Cloud) dropSessions(now time.Time) {
	for _, s := range c.sessions.where(func(s *session) bool { return s.Expires < now.Unix()-86400 }) {
		delete(c.keys, s.AccessKey)
		c.sessions.drop(s.AccessKey)
	}
}

// roleAt finds a role of any account by its resource name.
func (c *Cloud) roleAt(jrn string) (*account, *role) {
	for _, r := range c.roles.rows {
		if a := c.accounts[r.Account]; a != nil && r.jrn(a) == jrn {
			return a, r
		}
	}
	return nil, nil
}

func describeUser(_ *Cloud, q *request) (answer, *apiError) {
	login := q.acct.Name
	if q.who.user != "" {
		login = q.who.user
	}
	return answer{"pin": pinOf(q.acct.Name), "loginName": login, "accountId": q.acct.id(), "userAuth": 1}, nil
}

func describeUserPin(c *Cloud, q *request) (answer, *apiError) {
	key, id := q.str("accessKey", ""), q.str("accountId", "")
	if key == "" && id == "" {
		return nil, missing("accessKey")
	}
	for k, who := range c.keys {
		if (key != "" && k == key) || (key == "" && who.acct.id() == id) {
			return answer{"pin": pinOf(who.acct.Name)}, nil
		}
	}
	return nil, notFound("user", "")
}

// createTicket hands out a ticket; nothing here redeems it.
func createTicket(_ *Cloud, q *request) (answer, *apiError) {
	hours := q.num("expire", 24, 1, 24)
	if q.failed() != nil {
		return nil, q.failed()
	}
	until := q.now.Add(time.Duration(hours) * time.Hour)
	login := pinOf(q.acct.Name) + "/" + q.who.user + "/" + iso(until.Unix())
	return answer{"ticket": base64.RawURLEncoding.EncodeToString([]byte(newRequestID() + login))}, nil
}

// batchSend reads the mobiles and parameters of a text message; the last
// parameter is kept as the code of each mobile, for the admin API.
func batchSend(c *Cloud, q *request) (answer, *apiError) {
	q.need("templateId")
	q.need("signId")
	phones, texts := q.list("phoneList"), q.list("params")
	if len(phones) == 0 || len(phones) > 100 {
		q.fail(outOfRange("phoneList", 1, 100))
	}
	for _, p := range phones {
		if !mobilePattern.MatchString(p) {
			q.fail(invalid("phoneList", "it holds something that is no mobile"))
		}
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	for _, p := range phones {
		if len(texts) > 0 {
			c.keepCode(p, texts[len(texts)-1], q.now)
		}
	}
	return answer{"data": answer{"sequenceNumber": digits(newRequestID())}, "status": true, "code": 200, "message": "success"}, nil
}
