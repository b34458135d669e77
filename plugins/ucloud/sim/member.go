package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
)

// member is a sub user of an account (IAM).
type member struct {
	Account  string   `json:"account"`
	Name     string   `json:"name"`
	Display  string   `json:"display,omitempty"`
	Access   string   `json:"access"` // Active or Inactive: may use API keys
	Created  int64    `json:"created"`
	Keys     []string `json:"keys,omitempty"`
	Policies []policy `json:"policies,omitempty"`
}

// policy is what a sub user may do; Project "" is everywhere.
type policy struct {
	URN     string `json:"urn"`
	Project string `json:"project,omitempty"`
}

// maxMembers, maxProjects and maxKeys bound what one account can make.
const (
	maxMembers  = 10_000
	maxProjects = 10_000
	maxKeys     = 2
)

var userName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$`)

// memberKey finds the sub user that a public key belongs to. Its private key
// is derived, so that none has to be kept.
func (c *Cloud) memberKey(public string) (*account, *member) {
	for _, a := range c.byName {
		for _, m := range a.members {
			if slices.Contains(m.Keys, public) && m.Access == "Active" {
				return a, m
			}
		}
	}
	return nil, nil
}

func (a *account) privateKeyOf(public string) string {
	sum := sha256.Sum256([]byte("key\x00" + a.PrivateKey + "\x00" + public))
	return hex.EncodeToString(sum[:20])
}

// may tells whether a sub user has any policy for a project.
func (m *member) may(project string) bool {
	return slices.ContainsFunc(m.Policies, func(p policy) bool { return p.Project == "" || p.Project == project })
}

func createProject(c *Cloud, q *request) (answer, *retError) {
	name := q.need("ProjectName")
	q.subject = short(name)
	if q.err == nil && (!labelPattern.MatchString(name) || q.acct.projectNamed(name) || len(q.acct.Projects) >= maxProjects) {
		q.fail(notAvailable("ProjectName"))
	}
	if q.err != nil {
		return nil, q.err
	}
	p := Project{ID: newID("org", c.nextSeq()), Name: name}
	c.putProject(q.acct, p)
	c.tx.Projects = append(c.tx.Projects, madeProject{Account: q.acct.Name, Project: p})
	return answer{"ProjectId": p.ID}, nil
}

// madeProject is a project that is not in the configuration.
type madeProject struct {
	Account string `json:"account"`
	Project
}

func (a *account) projectNamed(name string) bool {
	return slices.ContainsFunc(a.Projects, func(p Project) bool { return p.Name == name })
}

func (c *Cloud) putProject(a *account, p Project) {
	if !slices.ContainsFunc(a.Projects, func(o Project) bool { return o.ID == p.ID }) {
		a.Projects = append(slices.Clone(a.Projects), p)
		a.made = append(a.made, p)
	}
}

func (c *Cloud) keepMember(a *account, m *member) {
	a.putMember(m)
	c.tx.Members = append(c.tx.Members, m)
}

func (a *account) putMember(m *member) {
	i := slices.IndexFunc(a.members, func(o *member) bool { return o.Name == m.Name })
	if i < 0 {
		a.members = append(a.members, m)
		return
	}
	a.members[i] = m
}

// memberOf reads UserName and returns a version of the sub user to change.
func (c *Cloud) memberOf(q *request) (*member, *retError) {
	name := q.need("UserName")
	q.subject = short(name)
	if q.err != nil {
		return nil, q.err
	}
	for _, m := range q.acct.members {
		if m.Name == name {
			next := *m
			next.Keys, next.Policies = slices.Clone(m.Keys), slices.Clone(m.Policies)
			return &next, nil
		}
	}
	return nil, refuse(codeNoMember, "user does not exist")
}

func createUser(c *Cloud, q *request) (answer, *retError) {
	m := &member{
		Account: q.acct.Name, Name: q.need("UserName"), Display: q.text("DisplayName"),
		Access: q.oneOf("AccessKeyStatus", "", "Active", "Inactive"), Created: q.now.Unix(),
	}
	q.need("AccessKeyStatus")
	q.need("LoginProfileStatus")
	login := q.oneOf("LoginProfileStatus", "", "Active", "Inactive")
	q.subject = short(m.Name)
	switch {
	case q.err != nil:
	case !userName.MatchString(m.Name), len(q.acct.members) >= maxMembers:
		q.fail(notAvailable("UserName"))
	case m.Access == "Inactive" && login == "Inactive":
		q.fail(notAvailable("AccessKeyStatus"))
	case login == "Active":
		q.need("Email")
	}
	if q.err != nil {
		return nil, q.err
	}
	if slices.ContainsFunc(q.acct.members, func(o *member) bool { return o.Name == m.Name }) {
		return nil, refuse(codeMemberExists, "user exists")
	}
	c.keepMember(q.acct, m)
	return answer{}, nil
}

func listUsers(_ *Cloud, q *request) (answer, *retError) {
	offset, limit := q.page(10, 100)
	if q.err != nil {
		return nil, q.err
	}
	rows := []answer{}
	for _, m := range pageOf(q.acct.members, offset, limit) {
		rows = append(rows, answer{
			"UserName": m.Name, "DisplayName": m.Display, "Email": "", "Status": "Active", "CreatedAt": m.Created,
		})
	}
	return answer{"TotalCount": len(q.acct.members), "Users": rows}, nil
}

func createAccessKey(c *Cloud, q *request) (answer, *retError) {
	m, err := c.memberOf(q)
	if err != nil {
		return nil, err
	}
	if len(m.Keys) >= maxKeys {
		return nil, refuse(codeTooManyKeys, "too many access keys")
	}
	id := newID("4e", c.nextSeq())
	m.Keys = append(m.Keys, id)
	c.keepMember(q.acct, m)
	row := accessKeyRow(id, m.Created)
	row["AccessKeySecret"] = q.acct.privateKeyOf(id)
	return answer{"AccessKey": row}, nil
}

func accessKeyRow(id string, created int64) answer {
	return answer{"AccessKeyID": id, "Status": "Active", "CreatedAt": created, "Description": ""}
}

// listAccessKeys tells the public halves only.
func listAccessKeys(c *Cloud, q *request) (answer, *retError) {
	m, err := c.memberOf(q)
	if err != nil {
		return nil, err
	}
	rows := []answer{}
	for _, id := range m.Keys {
		rows = append(rows, accessKeyRow(id, m.Created))
	}
	return answer{"AccessKey": rows}, nil
}

func deleteAccessKey(c *Cloud, q *request) (answer, *retError) {
	id := q.need("AccessKeyID")
	if q.err != nil {
		return nil, q.err
	}
	for _, m := range q.acct.members {
		if slices.Contains(m.Keys, id) {
			next := *m
			next.Keys = slices.DeleteFunc(slices.Clone(m.Keys), func(o string) bool { return o == id })
			c.keepMember(q.acct, &next)
			return answer{}, nil
		}
	}
	return nil, refuse(codeNoMember, "access key does not exist")
}

func attachPolicies(c *Cloud, q *request) (answer, *retError) {
	urns := q.list("PolicyURNs")
	q.need("Scope")
	scope, project := q.oneOf("Scope", "", "All", "Specified"), ""
	if scope == "Specified" {
		project = q.need("ProjectID")
	}
	if len(urns) == 0 {
		q.fail(missing("PolicyURNs"))
	}
	m, err := c.memberOf(q)
	switch {
	case err != nil:
		return nil, err
	case project != "" && !slices.ContainsFunc(q.acct.Projects, func(p Project) bool { return p.ID == project }):
		return nil, refuse(codeNoProject, "Project does not exist")
	}
	for _, urn := range urns {
		if p := (policy{URN: urn, Project: project}); !slices.Contains(m.Policies, p) {
			m.Policies = append(m.Policies, p)
		}
	}
	c.keepMember(q.acct, m)
	return answer{}, nil
}
