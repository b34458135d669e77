package fakecloud

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// createBody is what a create sends.
type createBody struct {
	Name        string          `json:"name"`
	Region      string          `json:"region"`
	ClientToken string          `json:"client_token"`
	Spec        json.RawMessage `json:"spec"`
}

// updateBody is what an update sends; what is left out stays.
type updateBody struct {
	Name *string         `json:"name"`
	Spec json.RawMessage `json:"spec"`
}

// listed is the answer to a list.
type listed struct {
	Items []Resource `json:"items"`
	Next  string     `json:"next,omitempty"`
}

func (c *Cloud) whoAmI(_ *call, a *account) answer {
	return answer{status: http.StatusOK, body: map[string]string{"id": "account-" + a.key, "name": a.key}}
}

func (c *Cloud) regions(*call, *account) answer {
	return answer{status: http.StatusOK, body: map[string][]string{"regions": c.cfg.Regions}}
}

// create makes a resource, once for each client token.
func (c *Cloud) create(r *call, a *account) answer {
	var b createBody
	if err := decode(r.body, &b); err != nil {
		return refuse(http.StatusBadRequest, "BadRequest", "%v", err)
	}
	if !slices.Contains(c.cfg.Regions, b.Region) {
		return refuse(http.StatusBadRequest, "NoSuchRegion", "there is no region %q", b.Region)
	}
	if err := object(b.Spec); err != nil {
		return refuse(http.StatusBadRequest, "BadSpec", "%v", err)
	}
	now, k := c.clock.Now(), c.cfg.Kinds[r.kind]
	if made := a.byToken[r.kind+" "+b.ClientToken]; b.ClientToken != "" && made != nil {
		return again(made, b, now)
	}
	if c.switches.OutOfStock {
		return refuse(http.StatusConflict, "OutOfStock", "there is none left in %s", b.Region)
	}
	if k.Quota > 0 && a.count(r.kind, now) >= k.Quota {
		return refuse(http.StatusForbidden, "QuotaExceeded", "the account may have %d at most", k.Quota)
	}
	made := c.newResource(r.kind, b)
	end := k.Ready
	if r.fault.Trouble == FailLater {
		end = "failed"
	}
	first := made.state
	made.state = nil // so that lagging reads show nothing
	made.change(now, c.switches, first, step{at: now.Add(k.CreateTime), status: end})
	a.add(made, first)
	return changed(made, now)
}

// again answers a create whose token was used before.
func again(made *resource, b createBody, now time.Time) answer {
	v := made.now(now)
	if v == nil {
		return refuse(http.StatusConflict, "TokenUsed", "what this client token made is gone")
	}
	if v.Name != b.Name || v.Region != b.Region || !bytes.Equal(v.Spec, b.Spec) {
		return refuse(http.StatusConflict, "TokenUsed", "this client token made something else")
	}
	return changed(made, now)
}

// changed answers a change with the resource as it is.
func changed(r *resource, now time.Time) answer {
	if r.moving(now) {
		return answer{status: http.StatusAccepted, body: *r.state}
	}
	return answer{status: http.StatusOK, body: *r.state}
}

func (a *account) count(kind string, now time.Time) int {
	n := 0
	for _, r := range a.inOrder[kind] {
		if r.now(now) != nil {
			n++
		}
	}
	return n
}

// find returns a resource of the request's kind; nil when there is none.
func (c *Cloud) find(r *call, a *account) *resource {
	found := a.byID[r.PathValue("id")]
	if found == nil || !strings.HasPrefix(r.PathValue("id"), r.kind+"-") {
		return nil
	}
	return found
}

func notFound(r *call) answer {
	return refuse(http.StatusNotFound, "NotFound", "there is no %s %q", r.kind, r.PathValue("id"))
}

func (c *Cloud) get(r *call, a *account) answer {
	found := c.find(r, a)
	if found == nil {
		return notFound(r)
	}
	v := found.seen(c.clock.Now())
	if v == nil {
		return notFound(r)
	}
	return answer{status: http.StatusOK, body: *v}
}

func (c *Cloud) update(r *call, a *account) answer {
	var b updateBody
	if err := decode(r.body, &b); err != nil {
		return refuse(http.StatusBadRequest, "BadRequest", "%v", err)
	}
	now := c.clock.Now()
	found, refused := c.standing(r, a)
	if found == nil {
		return refused
	}
	v := *found.state
	if b.Name != nil {
		v.Name = *b.Name
	}
	if b.Spec != nil {
		if err := object(b.Spec); err != nil {
			return refuse(http.StatusBadRequest, "BadSpec", "%v", err)
		}
		v.Spec = b.Spec
	}
	found.change(now, c.switches, v.with("updating"), step{at: now.Add(c.cfg.Kinds[r.kind].UpdateTime), status: v.Status})
	return changed(found, now)
}

// standing returns a resource that can be changed now, or why not.
func (c *Cloud) standing(r *call, a *account) (*resource, answer) {
	found := c.find(r, a)
	if found == nil || found.now(c.clock.Now()) == nil {
		return nil, notFound(r)
	}
	if found.moving(c.clock.Now()) {
		return nil, refuse(http.StatusConflict, "Busy", "it is %s", found.state.Status)
	}
	return found, answer{}
}

// remove deletes a resource in whatever status it is.
func (c *Cloud) remove(r *call, a *account) answer {
	found, now := c.find(r, a), c.clock.Now()
	if found == nil || found.now(now) == nil {
		return notFound(r)
	}
	if found.state.Status != "deleting" {
		end := step{at: now.Add(c.cfg.Kinds[r.kind].DeleteTime), gone: true}
		found.change(now, c.switches, found.state.with("deleting"), end)
	}
	if found.now(now) == nil {
		return answer{status: http.StatusNoContent}
	}
	return changed(found, now)
}

// act performs an action of the kind.
func (c *Cloud) act(r *call, a *account) answer {
	name := r.PathValue("action")
	todo, ok := c.cfg.Kinds[r.kind].Actions[name]
	if !ok {
		return refuse(http.StatusNotFound, "NoSuchAction", "a %s has no action %q", r.kind, name)
	}
	found, refused := c.standing(r, a)
	if found == nil {
		return refused
	}
	now, v := c.clock.Now(), found.state
	if len(todo.From) > 0 && !slices.Contains(todo.From, v.Status) {
		return refuse(http.StatusConflict, "WrongStatus", "it is %s", v.Status)
	}
	to, while := todo.To, todo.While
	if to == "" {
		to = v.Status
	}
	if while == "" {
		while = v.Status
	}
	found.change(now, c.switches, v.with(while), step{at: now.Add(todo.Takes), status: to})
	return changed(found, now)
}

// list gives one page, oldest first. The page's token is the number of the
// last row before it.
func (c *Cloud) list(r *call, a *account) answer {
	q := r.URL.Query()
	limit, after := c.cfg.PageSize, 0
	var err error
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 {
			return refuse(http.StatusBadRequest, "BadRequest", "limit %q is not a positive number", text)
		}
	}
	if text := q.Get("page"); text != "" {
		if after, err = strconv.Atoi(text); err != nil {
			return refuse(http.StatusBadRequest, "BadRequest", "page %q was not given out", text)
		}
	}
	if region := q.Get("region"); region != "" && !slices.Contains(c.cfg.Regions, region) {
		return refuse(http.StatusBadRequest, "NoSuchRegion", "there is no region %q", region)
	}
	limit = min(limit, c.cfg.PageSize)
	if c.switches.ShortPages > 0 {
		limit = min(limit, c.switches.ShortPages)
	}
	return answer{status: http.StatusOK, body: c.page(a.inOrder[r.kind], after, limit, func(v *Resource) bool {
		return (q.Get("region") == "" || v.Region == q.Get("region")) && (q.Get("client_token") == "" || v.ClientToken == q.Get("client_token"))
	})}
}

// page collects at most limit rows after the one with that number.
func (c *Cloud) page(rows []*resource, after, limit int, wanted func(*Resource) bool) listed {
	out, now := listed{Items: []Resource{}}, c.clock.Now()
	from := sort.Search(len(rows), func(i int) bool { return rows[i].seq > after })
	last := after
	for _, r := range rows[from:] {
		v := r.seen(now)
		if v == nil || !wanted(v) {
			continue
		}
		if len(out.Items) == limit {
			out.Next = strconv.Itoa(last)
			return out
		}
		out.Items = append(out.Items, *v)
		last = r.seq
	}
	return out
}
