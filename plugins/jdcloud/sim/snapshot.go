package sim

// snapshot is one copy of a disk.
type snapshot struct {
	place
	ID          string `json:"id"`
	Disk        string `json:"disk"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	SizeGB      int    `json:"size_gb"`
	Encrypted   bool   `json:"encrypted,omitempty"`
	Created     int64  `json:"created"`
	life
}

func createSnapshot(c *Cloud, q *request) (answer, *apiError) {
	token := q.need("clientToken")
	p := q.needObj("snapshotSpec")
	q.subject = token
	if q.failed() != nil {
		return nil, q.failed()
	}
	if ids, err := c.repeated(q, token); err != nil {
		return nil, err
	} else if len(ids) > 0 {
		return answer{"snapshotId": ids[0]}, nil
	}
	name, id, description := p.need("name"), p.need("diskId"), p.limited("description", 256)
	if q.failed() != nil {
		return nil, q.failed()
	}
	d := c.disks.get(id)
	if d == nil || !d.in(q) {
		return nil, notFound("disk", id)
	}
	if d.running(q.now) {
		return nil, busy("disk", id)
	}
	s := &snapshot{
		place: q.here(), ID: c.newID("snapshot"), Disk: id, Name: name, Description: description, SizeGB: d.SizeGB, Encrypted: d.Encrypted,
		Created: q.now.Unix(),
	}
	s.become(q.now, c.transition(), diskCreating, diskAvailable)
	c.snapshots.put(s.ID, s)
	c.noteToken(q, token, []string{s.ID})
	return answer{"snapshotId": s.ID}, nil
}

func (c *Cloud) snapshotOf(q *request) (*snapshot, *apiError) {
	id := q.need("snapshotId")
	q.subject = id
	if s := c.snapshots.get(id); s != nil && s.in(q) {
		return s, nil
	}
	return nil, notFound("snapshot", id)
}

func describeSnapshots(c *Cloud, q *request) (answer, *apiError) {
	p := q.page()
	q.oneOf("snapshotSource", "self", "self", "others")
	conds := q.filters("snapshotId", "diskId", "status", "name")
	if q.failed() != nil {
		return nil, q.failed()
	}
	found := c.snapshots.where(func(s *snapshot) bool {
		fields := map[string]string{"snapshotId": s.ID, "diskId": s.Disk, "status": s.at(q.now), "name": s.Name}
		return s.in(q) && passAll(conds, pick(fields, nil))
	})
	rows := rowsOf(pageOf(found, p, false), func(s *snapshot) answer { return s.wire(q) })
	return answer{"snapshots": rows, "totalCount": len(found)}, nil
}

func (s *snapshot) wire(q *request) answer {
	return answer{
		"snapshotId": s.ID, "snapshotSource": "self", "diskId": s.Disk, "snapshotSizeGB": s.SizeGB, "images": []string{}, "name": s.Name,
		"description": s.Description, "status": s.at(q.now), "createTime": iso(s.Created), "expireTime": "", "encrypted": s.Encrypted,
	}
}

func describeSnapshot(c *Cloud, q *request) (answer, *apiError) {
	s, err := c.snapshotOf(q)
	if err != nil {
		return nil, err
	}
	return answer{"snapshot": s.wire(q)}, nil
}

func modifySnapshot(c *Cloud, q *request) (answer, *apiError) {
	s, err := c.snapshotOf(q)
	if err != nil {
		return nil, err
	}
	name, description := q.str("name", s.Name), q.limited("description", 256)
	if q.failed() != nil {
		return nil, q.failed()
	}
	s.Name = name
	if q.has("description") {
		s.Description = description
	}
	c.snapshots.put(s.ID, s)
	return nil, nil
}

func deleteSnapshot(c *Cloud, q *request) (answer, *apiError) {
	s, err := c.snapshotOf(q)
	if err != nil {
		return nil, err
	}
	if s.running(q.now) {
		return nil, busy("snapshot", s.ID)
	}
	c.snapshots.drop(s.ID)
	return nil, nil
}
