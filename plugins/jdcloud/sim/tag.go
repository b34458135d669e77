package sim

// tagActions are the calls of the service of tags that addresses need.
func tagActions() []action {
	return []action{{
		name: "TagResources", service: "resourcetag", method: "POST", path: "/v1/regions/{regionId}/tags:tagResources", run: tagResources,
	}}
}

// tagResources gives addresses tags; a key that an address has gets the new
// value. What it refuses of one resource stands inside a good answer.
func tagResources(c *Cloud, q *request) (answer, *apiError) {
	p := q.needObj("tagResources")
	tags := p.userTags("tags")
	resources := p.objs("resources")
	if len(tags) == 0 || len(resources) == 0 {
		p.fail(invalid(p.at("tags"), "tags and resources are required"))
	}
	done, failed := 0, []answer{}
	for _, r := range resources {
		r.oneOf("serviceCode", r.need("serviceCode"), serviceIP)
		ids := r.list("resourceId")
		if q.failed() != nil {
			return nil, q.failed()
		}
		for _, id := range ids {
			if why := c.tagAddress(q, id, tags); why != "" {
				failed = append(failed, answer{"resourceId": id, "msg": why})
				continue
			}
			done++
		}
	}
	if q.failed() != nil {
		return nil, q.failed()
	}
	return answer{"data": answer{"pin": pinOf(q.acct.Name), "region": q.region, "failedResourcesMap": failed, "successCount": done}}, nil
}

// tagAddress answers why an address does not get tags, or "".
func (c *Cloud) tagAddress(q *request, id string, tags []tag) string {
	q.subject = id
	e := c.eips.get(id)
	if e == nil || !e.in(q) {
		return "the resource does not exist"
	}
	all := append([]tag(nil), e.Tags...)
	for _, t := range tags {
		at := -1
		for i := range all {
			if all[i].Key == t.Key {
				at = i
			}
		}
		if at < 0 {
			all = append(all, t)
			continue
		}
		all[at] = t
	}
	if len(all) > 10 {
		return "at most 10 tags are allowed"
	}
	e.Tags = all
	c.eips.put(e.ID, e)
	return ""
}
