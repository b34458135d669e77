package inventory

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"tradewind.example/core/access"
	"tradewind.example/sdk/fault"
	contract "tradewind.example/sdk/provider"
)

// MostSorted is how many rows a list that is sorted by a field may have.
const MostSorted = 10_000

// maxSkip bounds how deep a list is paged, since each page is read from its
// beginning.
const maxSkip = 1_000_000

// ListInput asks for one page of a kind.
type ListInput struct {
	At Place
	// Filter keeps things whose state has these values in fields of its top level.
	Filter map[string]string
	// Sort is "id" or a field of the state's top level; "" is the plugin's own
	// order, or with Reverse the id.
	Sort    string
	Reverse bool // downwards
	Cursor  string
	Limit   int
}

// Page is one page of a list. Next is "" at the end.
type Page struct {
	Items []Thing
	Next  string
}

var errFull = errors.New("the page is full")

// List returns one page. Unsorted it holds no more than the page; rows that come
// or go between two pages may show twice or not at all.
func (s *Service) List(ctx context.Context, c access.Caller, in ListInput) (Page, error) {
	skip, err := skipOf(in.Cursor)
	if err != nil {
		return Page{}, err
	}
	o, err := s.open(ctx, c, in.At, access.EnablementRead)
	if err == nil {
		err = o.offers(contract.VerbList)
	}
	if err == nil {
		err = in.known(o.kind)
	}
	if err != nil {
		return Page{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	t := &taker{in: in, skip: skip}
	err = o.cloud.List(ctx, contract.ListRequest{Call: o.call, Kind: in.At.Kind}, t.take)
	if err != nil && !errors.Is(err, errFull) {
		return Page{}, fmt.Errorf("listing %s: %w", in.At.Kind, err)
	}
	return t.page(), nil
}

// sortID sorts by the plugin's id of a thing.
const sortID = "id"

// known refuses fields that the kind's state does not have.
func (in *ListInput) known(kind contract.KindDescription) error {
	var state struct{ Properties map[string]json.RawMessage }
	if len(kind.State) == 0 {
		return nil
	}
	if err := json.Unmarshal(kind.State, &state); err != nil {
		return fault.Internal(err, "the schema of the state of %q cannot be read", kind.Name).From(fault.SourcePlugin)
	}
	names := slices.Sorted(maps.Keys(state.Properties))
	if len(names) == 0 {
		return nil
	}
	if in.Sort != "" && in.Sort != sortID && !slices.Contains(names, in.Sort) {
		return fault.Invalid("sort", "must be %s or one of the state's %s", sortID, strings.Join(names, ", "))
	}
	for field := range in.Filter {
		if !slices.Contains(names, field) {
			return fault.Invalid("filter", "%q is none of the state's %s", field, strings.Join(names, ", "))
		}
	}
	return nil
}

func skipOf(cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(cursor)
	if err != nil || n < 0 || n > maxSkip {
		return 0, fault.Invalid("cursor", "is not one of this list")
	}
	return n, nil
}

// taker picks a page out of a stream.
type taker struct {
	in    ListInput
	skip  int
	seen  int // that pass the filter
	items []Thing
	keys  []json.RawMessage // what items are sorted by
	more  bool
}

func (t *taker) take(r contract.Resource) error {
	state, err := t.fields(r)
	if err != nil {
		return err
	}
	for name, value := range t.in.Filter {
		if text(state[name]) != value {
			return nil
		}
	}
	t.seen++
	if t.sorts() {
		if len(t.items) == MostSorted {
			return fault.Precondition("more than %d things cannot be sorted: filter them", MostSorted)
		}
		t.items = append(t.items, Thing{Resource: r})
		t.keys = append(t.keys, key(r, state, t.in.Sort))
		return nil
	}
	if t.seen <= t.skip {
		return nil
	}
	if len(t.items) == t.in.Limit {
		t.more = true
		return errFull
	}
	t.items = append(t.items, Thing{Resource: r})
	return nil
}

func (t *taker) sorts() bool { return t.in.Sort != "" || t.in.Reverse }

// key is what a row is sorted by.
func key(r contract.Resource, state map[string]json.RawMessage, field string) json.RawMessage {
	if field == "" || field == sortID {
		id, err := json.Marshal(r.ID)
		if err != nil {
			return nil
		}
		return id
	}
	return state[field]
}

// fields are the top level of a state, when it is looked at.
func (t *taker) fields(r contract.Resource) (map[string]json.RawMessage, error) {
	if len(t.in.Filter) == 0 && !t.sorts() {
		return nil, nil
	}
	var out map[string]json.RawMessage
	if err := json.Unmarshal(r.State, &out); err != nil {
		return nil, fault.Internal(err, "the plugin's state of %q is no object", r.ID).From(fault.SourcePlugin)
	}
	return out, nil
}

// text is a value as it is compared: a string without its quotes.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// page sorts what was taken, and cuts the page out of it.
func (t *taker) page() Page {
	if t.sorts() {
		t.sort()
	}
	out := Page{Items: t.items}
	if t.more {
		out.Next = strconv.Itoa(t.skip + len(t.items))
	}
	return out
}

func (t *taker) sort() {
	order := make([]int, len(t.items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if t.in.Reverse {
			a, b = b, a
		}
		return compare(t.keys[a], t.keys[b])
	})
	from := min(t.skip, len(order))
	to := min(from+t.in.Limit, len(order))
	items := make([]Thing, 0, to-from)
	for _, i := range order[from:to] {
		items = append(items, t.items[i])
	}
	t.more, t.items = to < len(order), items
}

// compare orders numbers, also written as texts, by value and all else by text.
func compare(a, b json.RawMessage) int {
	x, okX := number(text(a))
	y, okY := number(text(b))
	if okX && okY {
		return x.Cmp(y)
	}
	return cmp.Or(bytes.Compare([]byte(text(a)), []byte(text(b))), 0)
}

// maxDigits bounds the texts that are read as numbers.
const maxDigits = 64

func number(s string) (*big.Rat, bool) {
	if s == "" || len(s) > maxDigits || strings.Trim(s, "-.0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}
