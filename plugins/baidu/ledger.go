package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tradewind.example/sdk/clock"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
	"tradewind.example/sdk/provider"
)

// ledger keeps the transfers of one key in the broker's storage. The cloud shows
// a movement by its two accounts, its amount and its time alone, so before a
// transfer is sent it is written down how many movements like it there are. It
// has happened when there are more. Therefore only one of those that look alike
// may be in doubt at a time.
//
// Its methods are not for concurrent use; the caller takes a key's turn. Two
// processes are kept apart by the storage's revisions.
type ledger struct {
	cloud *cloud
	store provider.Storage
	scope provider.Scope
	owner string // whose keys these are, hashed
	clock clock.Clock
}

// The states of an entry.
const (
	entrySent = "sent" // it may have happened
	entryDone = "done"
	entryVoid = "void" // it did not happen
)

// entry is a transfer.
type entry struct {
	movement

	ID     string
	State  string
	Sent   time.Time
	Since  time.Time // from when on movements are counted
	Before int       // how many of its like there were, or must be
}

// alike is what is known of transfers that look alike.
type alike struct {
	Doubt string      // the entry that may have happened, "" for none
	Done  []time.Time // when the newest were sent: the cloud may show them late
}

func (l ledger) entryKey(id string) string { return "transfer/" + l.owner + "/" + id }

func (l ledger) alikeKey(m movement) string {
	sum := sha256.Sum256([]byte(m.Account + "\n" + m.Direction + "\n" + string(m.Amount)))
	return "alike/" + l.owner + "/" + hex.EncodeToString(sum[:16])
}

// load reads a row; a missing one has the revision 0.
func load[Row any](ctx context.Context, l ledger, key string) (row Row, revision uint64, err error) {
	value, revision, err := l.store.Get(ctx, l.scope, key)
	switch {
	case fault.Is(err, fault.ClassNotFound):
		return row, 0, nil
	case err != nil:
		return row, 0, fault.NotDone(err)
	}
	if err := json.Unmarshal(value, &row); err != nil {
		return row, 0, fault.Internal(err, "what is kept of a transfer cannot be read")
	}
	return row, revision, nil
}

func (l ledger) entry(ctx context.Context, id string) (*entry, uint64, error) {
	e, revision, err := load[entry](ctx, l, l.entryKey(id))
	if err != nil || revision == 0 {
		return nil, 0, err
	}
	return &e, revision, nil
}

// each streams all transfers, in the order of their ids.
func (l ledger) each(ctx context.Context, yield func(entry) error) error {
	from := l.entryKey("")
	return l.store.Scan(ctx, l.scope, provider.KeyRange{From: from, To: from + "~"}, func(kv provider.KeyValue) error {
		var e entry
		if err := json.Unmarshal(kv.Value, &e); err != nil {
			return fault.Internal(err, "what is kept of a transfer cannot be read")
		}
		return yield(e)
	})
}

// leaf is what one change of the ledger is about, as it was read.
type leaf struct {
	entry    entry
	alike    alike
	entryRev uint64
	alikeRev uint64
}

// move makes a transfer happen once: one that happened is answered, one in doubt
// is an unknown outcome, and what did not happen is sent.
func (l ledger) move(ctx context.Context, id string, m movement) (entry, error) {
	p, done, err := l.open(ctx, id, m)
	if err != nil || done {
		return p.entry, err
	}
	now := l.clock.Now().UTC()
	p.entry = entry{movement: m, ID: id, State: entrySent, Sent: now, Since: now.Add(-clockGap).Truncate(time.Second)}
	seen, err := l.count(ctx, p.entry)
	if err != nil {
		return entry{}, fault.NotDone(err)
	}
	p.entry.Before = max(seen, p.alike.since(p.entry.Since))
	p.alike.Doubt = id
	p.alike.Done = slices.DeleteFunc(p.alike.Done, func(t time.Time) bool { return now.Sub(t) > l.cloud.cfg.settle()+clockGap })
	if p, err = l.write(ctx, p); err != nil {
		return entry{}, fault.NotDone(err)
	}
	if err := l.cloud.transfer(ctx, m); err != nil {
		if fault.OutcomeOf(err) != fault.OutcomeUnknown {
			l.close(ctx, p, entryVoid)
		}
		return entry{}, err
	}
	return l.close(ctx, p, entryDone), nil
}

// open reads what is known of a transfer and its like; done is true when it has
// happened.
func (l ledger) open(ctx context.Context, id string, m movement) (p leaf, done bool, err error) {
	if p.alike, p.alikeRev, err = load[alike](ctx, l, l.alikeKey(m)); err != nil {
		return p, false, err
	}
	e, revision, err := l.entry(ctx, id)
	if err != nil {
		return p, false, err
	}
	p.entryRev = revision
	switch {
	case e != nil && e.movement != m:
		return p, false, fault.Conflict("the token moved other money before")
	case e != nil && e.State == entryDone:
		p.entry = *e
		return p, true, nil
	case p.alike.Doubt == "":
		return p, false, nil
	}
	return l.decide(ctx, p, id)
}

// decide ends the doubt about a transfer, so that the one with the id can be
// sent; done is true when it is the same one and has happened.
func (l ledger) decide(ctx context.Context, p leaf, id string) (leaf, bool, error) {
	old, revision, err := l.entry(ctx, p.alike.Doubt)
	if err != nil || old == nil {
		return p, false, err
	}
	happened, settled, err := l.became(ctx, old)
	switch {
	case err != nil:
		return p, false, fault.NotDone(err)
	case !settled && old.ID == id:
		return p, false, fault.Unknown(nil, "a transfer with this token was sent and may still show").From(fault.SourceCloud)
	case !settled:
		return p, false, fault.Unavailable("a transfer like this one is in doubt: wait until the cloud shows what became of it")
	}
	state := entryVoid
	if happened {
		state = entryDone
	}
	closed, err := l.write(ctx, leaf{entry: *old, entryRev: revision, alike: p.alike, alikeRev: p.alikeRev}.ended(state))
	if err != nil {
		return p, false, fault.NotDone(err)
	}
	p.alike, p.alikeRev = closed.alike, closed.alikeRev
	if old.ID == id {
		p.entry, p.entryRev = closed.entry, closed.entryRev
		return p, happened, nil
	}
	return p, false, nil
}

// became tells what became of a transfer: settled is false while it may still
// show.
func (l ledger) became(ctx context.Context, e *entry) (happened, settled bool, err error) {
	switch e.State {
	case entryDone:
		return true, true, nil
	case entryVoid:
		return false, true, nil
	}
	n, err := l.count(ctx, *e)
	if err != nil {
		return false, false, err
	}
	happened = n > e.Before
	return happened, happened || l.cloud.cfg.settled(e.Sent, l.clock.Now()), nil
}

// ended is a leaf whose doubt is over.
func (p leaf) ended(state string) leaf {
	p.entry.State, p.alike.Doubt = state, ""
	if state == entryDone {
		p.alike.Done = append(slices.Clone(p.alike.Done), p.entry.Sent)
	}
	return p
}

// close ends the doubt about what was just sent. When that cannot be written, the
// doubt stays, and the next look ends it.
func (l ledger) close(ctx context.Context, p leaf, state string) entry {
	p = p.ended(state)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.cloud.cfg.timeout())
	defer cancel()
	_, _ = l.write(ctx, p)
	return p.entry
}

// write puts both rows of a leaf, unless somebody else did since they were read,
// and answers the leaf with its new revisions.
func (l ledger) write(ctx context.Context, p leaf) (leaf, error) {
	one, err := json.Marshal(p.entry)
	if err != nil {
		return p, fault.Internal(err, "writing a transfer down")
	}
	like, err := json.Marshal(p.alike)
	if err != nil {
		return p, fault.Internal(err, "writing a transfer down")
	}
	id, key := l.entryKey(p.entry.ID), l.alikeKey(p.entry.movement)
	err = l.store.Apply(ctx, l.scope, provider.Transaction{
		Expect: []provider.Expectation{{Key: id, Revision: p.entryRev}, {Key: key, Revision: p.alikeRev}},
		Writes: []provider.Write{{Key: id, Value: one}, {Key: key, Value: like}},
	})
	if err != nil {
		return p, err
	}
	if _, p.entryRev, err = l.store.Get(ctx, l.scope, id); err != nil {
		return p, err
	}
	_, p.alikeRev, err = l.store.Get(ctx, l.scope, key)
	return p, err
}

// since counts what is known to have been sent from a moment on.
func (a alike) since(from time.Time) int {
	n := 0
	for _, t := range a.Done {
		if !t.Before(from) {
			n++
		}
	}
	return n
}

// movementRow is a movement as the cloud writes it.
type movementRow struct {
	In     string      `json:"inAccountId"`
	Out    string      `json:"outAccountId"`
	Amount json.Number `json:"amount"`
	Time   string      `json:"createTime"`
	Words  string      `json:"transTypeDesc"`
}

// movements streams what moved between the reseller and its customers.
func (c *cloud) movements(ctx context.Context, from, to time.Time, yield func(movementRow) error) error {
	begin, end := window(from, to)
	first, n := 0, 0
	fetch := func(ctx context.Context, offset, limit int) ([]movementRow, int, error) {
		body := map[string]any{"beginTime": begin, "endTime": end, "pageNo": offset/limit + 1, "pageSize": limit}
		answer, err := read(ctx, c, billing, raw[struct {
			TotalCount int           `json:"totalCount"`
			Result     []movementRow `json:"result"`
		}](call{method: http.MethodPost, path: "/v1/finance/supervisor/cash/transaction", body: body}))
		if offset == 0 {
			first = answer.TotalCount
		}
		if err == nil && answer.TotalCount != first {
			err = fault.Unavailable("the movements changed while they were read").From(fault.SourceCloud)
		}
		return answer.Result, answer.TotalCount, err
	}
	nth := func(movementRow) string { n++; return strconv.Itoa(n) } // two movements may look the same
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, nth, yield)
}

// concerns tells whether a movement is a customer's, in a direction.
func (r movementRow) concerns(m movement) bool {
	side := r.In
	if m.Direction == fromCustomer {
		side = r.Out
	}
	return side == m.Account || side == m.Customer
}

// count counts the movements that look like a transfer, since before it was sent.
func (l ledger) count(ctx context.Context, e entry) (int, error) {
	want, err := amountOf(json.Number(e.Amount))
	if err != nil {
		return 0, err
	}
	n := 0
	err = l.cloud.movements(ctx, e.Since, l.clock.Now().Add(clockGap), func(r movementRow) error {
		amount, err := amountOf(r.Amount)
		if err == nil && r.concerns(e.movement) && new(big.Rat).Abs(amount).Cmp(want) == 0 {
			n++
		}
		return err
	})
	return n, err
}
